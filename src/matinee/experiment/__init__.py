"""One run from ratings to a judged model, and what it was asked to do."""

from matinee.experiment.judging import judge, like_at, split_of
from matinee.experiment.preparing import Prepared, cut, prepare
from matinee.experiment.spec import NARROWING, RunSpec, read_spec
from matinee.experiment.training import complete, finished, resume, train

__all__ = [
    "NARROWING",
    "Prepared",
    "RunSpec",
    "complete",
    "cut",
    "finished",
    "judge",
    "like_at",
    "prepare",
    "read_spec",
    "resume",
    "split_of",
    "train",
]
