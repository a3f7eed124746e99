"""What came out of a study: its trials, the best of them, and which settings matter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from matinee.tuning.plan import Plan
from matinee.tuning.study import counts, settings_of

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

ENOUGH = 8
"""Finished trials from which the importance of settings is told; of fewer it is chance."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial.

    Attributes:
        number: From 0, in the order they were begun.
        settings: What was tried.
        value: The metric on the validation part; None if it was not trained to its end.
        epoch: The epoch it was best at, where there are epochs.
        seconds: What it took, validation included.
        why: Why it was given up, or ''.
    """

    number: int
    settings: Mapping[str, Any]
    value: float | None
    epoch: int | None = None
    seconds: float = 0.0
    why: str = ""

    @property
    def state(self) -> Literal["finished", "pruned"]:
        """How it ended."""
        return "pruned" if self.value is None else "finished"

    def as_dict(self) -> dict[str, Any]:
        """The outward JSON form."""
        return {
            "number": self.number,
            "state": self.state,
            "value": self.value,
            "settings": dict(self.settings),
            "epoch": self.epoch,
            "seconds": self.seconds,
            "why": self.why or None,
        }


@dataclass(frozen=True)
class Result:
    """A study as it stands.

    Attributes:
        plan: What is tuned.
        folder: Where it is kept.
        trials: Those that are over, in the order they were begun.
        importance: What share of the good fortune of the best tenth each setting has, from
            the most important; empty if too few trials are finished.
        seconds: What it took this time.
    """

    plan: Plan
    folder: Path
    trials: tuple[Tried, ...]
    importance: Mapping[str, float]
    seconds: float

    @property
    def finished(self) -> list[Tried]:
        """The trials that have a value, the best first."""
        told = [trial for trial in self.trials if trial.value is not None]
        return sorted(told, key=lambda trial: -self.plan.sign * (trial.value or 0.0))

    @property
    def best(self) -> Tried | None:
        """The best trial, the first of equals."""
        return next(iter(self.finished), None)

    @property
    def usual(self) -> Tried | None:
        """The trial of the model's defaults, which is the first."""
        return next(iter(self.trials), None)

    def as_dict(self) -> dict[str, Any]:
        """The outward JSON form."""
        spec, best, usual = self.plan.spec, self.best, self.usual
        return {
            "study": str(self.folder),
            "model": spec.model,
            "data": spec.data,
            "split": spec.split,
            "seed": spec.seed,
            "metric": self.plan.metric,
            "best": best and best.as_dict(),
            "defaults": usual and usual.as_dict(),
            "importance": dict(self.importance),
            "trials": len(self.trials),
            "pruned": sum(trial.value is None for trial in self.trials),
            "seconds": self.seconds,
        }


def result(plan: Plan, study: Study, folder: Path, *, seconds: float) -> Result:
    """A study as it stands."""
    over = [t for t in study.get_trials(deepcopy=False) if counts(t) and t.state.is_finished()]
    trials = tuple(tried(trial, plan) for trial in over)
    return Result(plan, folder, trials, _importance(study, trials), seconds)


def tried(trial: FrozenTrial, plan: Plan) -> Tried:
    """What a trial that is over came to."""
    attributes = trial.user_attrs
    finished = trial.state.name == "COMPLETE"
    return Tried(
        number=trial.number,
        settings=settings_of(trial.params, plan.space),
        value=trial.value if finished else None,
        epoch=attributes.get("epoch"),
        seconds=attributes.get("seconds", 0.0),
        why=attributes.get("why", ""),
    )


def _importance(study: Study, trials: tuple[Tried, ...]) -> dict[str, float]:
    """By PED-ANOVA (Watanabe, Bansal and Hutter 2023), as shares of one."""
    from optuna.importance import get_param_importances  # noqa: PLC0415 - an extra

    values = {trial.value for trial in trials if trial.value is not None}
    if sum(trial.value is not None for trial in trials) < ENOUGH or len(values) < 2:
        return {}
    found = get_param_importances(study)
    ordered = sorted(found.items(), key=lambda pair: -pair[1])
    return {name: value for name, value in ordered if math.isfinite(value)}
