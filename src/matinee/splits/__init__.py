"""Splits: what is learned from, what is known when asked, and what is asked for."""

from matinee.splits.cuts import (
    chronological_split,
    global_time_split,
    k_fold,
    leave_last_split,
    leave_random_split,
    random_split,
    strong_split,
)
from matinee.splits.files import files_split, read_candidates
from matinee.splits.kinds import KINDS, make_split
from matinee.splits.narrowing import (
    asking_only,
    last_of_each,
    narrowed_split,
    seen_films_only,
    with_candidates,
)
from matinee.splits.store import load_split, save_split
from matinee.splits.types import Fold, Split

__all__ = [
    "KINDS",
    "Fold",
    "Split",
    "asking_only",
    "chronological_split",
    "files_split",
    "global_time_split",
    "k_fold",
    "last_of_each",
    "leave_last_split",
    "leave_random_split",
    "load_split",
    "make_split",
    "narrowed_split",
    "random_split",
    "read_candidates",
    "save_split",
    "seen_films_only",
    "strong_split",
    "with_candidates",
]
