"""Judging models: ranking, rating and beyond, with intervals and tests."""

from matinee.evaluation.lists import Rankings, rank
from matinee.evaluation.names import METRICS, direction
from matinee.evaluation.report import Protocol, Report, evaluate, metrics_from_lists
from matinee.evaluation.significance import Comparison, Estimate, compare, compare_runs, holm

__all__ = [
    "METRICS",
    "Comparison",
    "Estimate",
    "Protocol",
    "Rankings",
    "Report",
    "compare",
    "compare_runs",
    "direction",
    "evaluate",
    "holm",
    "metrics_from_lists",
    "rank",
]
