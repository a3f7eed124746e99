"""Retraining: the database's ratings into a new run, which serves only if it is no worse."""

from matinee.service.retraining.holding import ENOUGH, NEWEST, hold_out
from matinee.service.retraining.joining import Joined, join
from matinee.service.retraining.judging import SIGNIFICANT, Verdict, judge
from matinee.service.retraining.retraining import PEOPLE, Retrained, retrain

__all__ = [
    "ENOUGH",
    "NEWEST",
    "PEOPLE",
    "SIGNIFICANT",
    "Joined",
    "Retrained",
    "Verdict",
    "hold_out",
    "join",
    "judge",
    "retrain",
]
