"""Comparing runs: figures side by side, tests of their differences, and a page of both."""

from matinee.comparison.judging import Compared, Judged, judge_runs
from matinee.comparison.page import page

__all__ = ["Compared", "Judged", "judge_runs", "page"]
