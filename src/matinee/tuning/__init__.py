"""Tuning: settings chosen by the validation part, in a study that can be stopped and go on."""

from matinee.tuning.best import best_spec, save_best
from matinee.tuning.plan import Plan, make_plan, read_plan
from matinee.tuning.report import page
from matinee.tuning.results import Result, Tried
from matinee.tuning.running import tune

__all__ = [
    "Plan",
    "Result",
    "Tried",
    "best_spec",
    "make_plan",
    "page",
    "read_plan",
    "save_best",
    "tune",
]
