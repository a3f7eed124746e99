"""How runs are judged: on their validation part while they train, on their test part after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from matinee import models
from matinee.artefact import Artefact, Figure
from matinee.engine import fit, memory
from matinee.engine.heldout import VALID_LOSS, loss_over
from matinee.engine.trainer import Validate
from matinee.errors import ArtefactError
from matinee.evaluation import Report, evaluate
from matinee.experiment.preparing import Prepared, cut
from matinee.experiment.spec import read_spec
from matinee.models import Learned, RatingPredictor, Recommender, Sizes
from matinee.models.base import Batches
from matinee.splits import Fold, Split, read_candidates


def judge(
    artefact: Artefact,
    *,
    k: Sequence[int] = (10,),
    metrics: Sequence[str] | None = None,
    candidates: str | Path | None = None,
) -> Report:
    """Judge a saved run on its own test part, cut anew and checked to be the same.

    Args:
        artefact: The loaded run.
        k: Cut-offs of the ranking metrics.
        metrics: Which to report; all that can be had by default.
        candidates: A file of the only films to rank for each person.

    Raises:
        ArtefactError: If data or split are no longer those of the training.
    """
    split = split_of(artefact)
    fold = split.test
    if candidates is not None:
        fold = replace(fold, candidates=read_candidates(candidates, fold.held_out))
    return evaluate(
        artefact.model,
        fold,
        train=split.train,
        metrics=metrics,
        k=tuple(k),
        like_at=like_at(artefact.model),
    )


def split_of(artefact: Artefact) -> Split:
    """The split of a saved run, cut anew and checked to be the same.

    Raises:
        ArtefactError: If data or split are no longer those of the training.
    """
    _, split = cut(read_spec(artefact.run))
    if split.digest != artefact.facts.split.digest:
        raise ArtefactError(
            "the data have changed since the training: the split is another one",
            where=artefact.run,
            remedy="Train the run again, or bring the old data back.",
        )
    return split


def like_at(model: Recommender) -> float | None:
    """The smallest rating that is a like to a model that was told one, else None."""
    return getattr(model.config, "like_at", None)


def validation(ready: Prepared) -> Validate | None:
    """What the trainer calls after an epoch, or None without a validation part."""
    fold, model = ready.split.valid, ready.model
    if fold is None or ready.trainer is None or not isinstance(model, Learned):
        return None
    held_out = _held_out_batches(model, fold, ready)
    monitor = ready.trainer.monitor or model.monitor
    usual = ["rmse", "mae"] if isinstance(model, RatingPredictor) else ["ndcg@10", "hit_rate@10"]
    metrics = [m for m in dict.fromkeys([monitor, *usual]) if m != VALID_LOSS]

    def validate() -> dict[str, float]:
        with torch.no_grad():
            report = evaluate(
                model, fold, train=ready.split.train, metrics=metrics, like_at=like_at(model)
            )
        told = {name: estimate.value for name, estimate in report.metrics.items()}
        return told if held_out is None else {VALID_LOSS: loss_over(model, held_out), **told}

    return validate


def _held_out_batches(model: Learned, fold: Fold, ready: Prepared) -> Batches | None:
    """Held-out ratings on which the model can tell its loss, or None."""
    if ready.trainer is None or fold.strangers:  # strangers have no vectors
        return None
    return model.held_out_batches(
        fold.held_out,
        ready.split.train,
        batch_size=ready.trainer.batch_size,
        seed=ready.spec.seed,
    )


def judged(artefact: Artefact, ready: Prepared) -> Artefact:
    """The artefact with its figures on the test part, and popularity's beside them."""
    fold, split = ready.split.test, ready.split
    baseline = models.build("popularity", {}, Sizes.of(split.train))
    fit(baseline, split.train)
    ours, theirs = (_report(model, fold, ready) for model in (artefact.model, baseline))
    facts = artefact.facts.updated(
        {
            "metrics": _figures(ours),
            "popularity": _figures(theirs),
            "protocol": str(ours.protocol),
            "peak_mb": memory.peak_mb(),
        }
    )
    return replace(artefact, facts=facts)


def _report(model: Recommender, fold: Fold, ready: Prepared) -> Report:
    with torch.no_grad():
        return evaluate(
            model,
            fold,
            train=ready.split.train,
            k=ready.spec.k,
            like_at=like_at(ready.model),
        )


def _figures(report: Report) -> dict[str, Figure]:
    return {
        name: Figure(value=e.value, low=_or_none(e.low), high=_or_none(e.high))
        for name, e in report.metrics.items()
    }


def _or_none(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124 - NaN is the one that differs
