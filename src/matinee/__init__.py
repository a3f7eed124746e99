"""Matinee: film recommendations, from raw ratings to a page people use."""
