"""One trial: a model fitted with the settings drawn, and judged on the validation part."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from matinee import experiment
from matinee.engine import Progress, Record, fit
from matinee.errors import ConfigError, TooLarge, TrainingError
from matinee.evaluation import evaluate
from matinee.experiment import Prepared, RunSpec
from matinee.models import Learned
from matinee.splits import Fold, Split
from matinee.tuning.plan import Plan

if TYPE_CHECKING:
    from optuna.trial import Trial

HOPELESS = (ConfigError, TrainingError, TooLarge, MemoryError, torch.OutOfMemoryError)
"""What settings may be blamed for: a loss that explodes, a model that is too large or cannot be."""


class Cut(Exception):
    """A trial that is not trained to its end.

    Args:
        why: Why not; None where the study is to stop and the trial is to be drawn again.
    """

    def __init__(self, why: str | None) -> None:
        super().__init__(why)
        self.why = why


def cut(spec: RunSpec) -> Split:
    """The split of a run with an empty test part: the real one is left behind here.

    Raises:
        ConfigError: If there is no validation part.
        MatineeError: If the data are not there or cannot be cut so.
    """
    _, split = experiment.cut(spec)
    if split.valid is None:
        raise ConfigError(
            "there is no validation part to choose settings by",
            where="--valid",
            expected="a share above 0, such as --valid 0.1",
        )
    nothing = split.train.take(np.zeros(len(split.train), np.bool_))
    return replace(split, test=Fold(nothing, nothing))


@dataclass(frozen=True)
class Objective:
    """Trains and judges trials of a plan.

    Attributes:
        plan: What is tuned.
        split: On what, as `cut` gave it.
        halt: Asked several times a second: 'stop' to leave the study, 'late' if time is up,
            else None.
    """

    plan: Plan
    split: Split
    halt: Callable[[], str | None]

    def __call__(self, trial: Trial, settings: dict[str, Any]) -> float:
        """The metric on the validation part, of the best epoch where there are epochs.

        Raises:
            Cut: If the trial is hopeless, or not to be finished.
        """
        started = time.perf_counter()
        watch = _Watch(trial, self.plan, self.halt)
        try:
            return self._measured(trial, settings, watch)
        except HOPELESS as error:
            raise Cut(str(error)) from None
        finally:
            trial.set_user_attr("seconds", round(time.perf_counter() - started, 3))

    def _measured(self, trial: Trial, settings: dict[str, Any], watch: _Watch) -> float:
        spec = self.plan.spec
        spec = spec.updated({"settings": {**spec.settings, **settings}})
        ready = experiment.prepare(spec, (self.split.train, self.split))
        learned = isinstance(ready.model, Learned)
        history = fit(
            ready.model,
            ready.split.train,
            ready.trainer,
            seed=spec.seed,
            validate=(lambda: self._judged(ready)) if learned else None,
            watcher=watch,
        )
        if history.best is None:
            return self._judged(ready)[self.plan.metric]
        trial.set_user_attr("epoch", history.best.epoch)
        return history.best.metrics[self.plan.metric]

    def _judged(self, ready: Prepared) -> dict[str, float]:
        metric, model = self.plan.metric, ready.model.eval()
        assert self.split.valid is not None
        with torch.no_grad():
            report = evaluate(
                model,
                self.split.valid,
                train=ready.split.train,
                metrics=[metric],
                like_at=experiment.like_at(model),
            )
        return {metric: report.metrics[metric].value}


@dataclass(frozen=True)
class _Watch:
    """Looks on at a training, and ends it when it is hopeless, late or not wanted any more."""

    trial: Trial
    plan: Plan
    halt: Callable[[], str | None]

    def progress(self, progress: Progress) -> None:
        """Look whether there is still time."""
        del progress
        match self.halt():
            case "stop":
                raise Cut(None)
            case "late":
                raise Cut("time was up")
            case _:
                pass

    def epoch(self, record: Record) -> None:
        """Tell how the trial does, and ask whether it is worth going on with."""
        value = record.metrics.get(self.plan.metric)
        if value is None:
            return
        self.trial.report(value, record.epoch)
        if self.trial.should_prune():
            raise Cut(f"hopeless after epoch {record.epoch}")
