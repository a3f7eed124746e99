"""Exploring a data set: tables, sentences and pictures of what it is like."""
