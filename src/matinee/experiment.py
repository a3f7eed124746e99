"""One run from ratings to a judged model: load, split, fit, evaluate, save."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field

from matinee import models
from matinee.artefact import Artefact, DataFacts, Facts, Figure, SplitFacts, check_target, discard
from matinee.config import Config
from matinee.curves import save_curves
from matinee.data import load
from matinee.data.interactions import Interactions
from matinee.engine import History, Watcher, fit, memory
from matinee.engine.heldout import VALID_LOSS, loss_over
from matinee.engine.trainer import device_name
from matinee.errors import ArtefactError, ConfigError
from matinee.evaluation import Report, evaluate
from matinee.models import Learned, RatingPredictor, Recommender, Sizes
from matinee.models.base import Batches
from matinee.models.routing import route
from matinee.splits import (
    Fold,
    Split,
    make_split,
    narrowed_split,
    read_candidates,
)
from matinee.training import TrainerConfig

SPEC = "run.json"
"""The file of a run folder that says what was asked for."""


NARROWING = ("ordered", "at_least", "user_ratings", "film_ratings")
"""The fields of a run that say what of the data is learned from."""


class RunSpec(Config):
    """All that a run is a function of."""

    model: str
    """Name of the model."""
    data: str | None = None
    """A data set's name, a folder or a file; None where the split's files say it all."""
    split: str = "random"
    """Kind of split."""
    test: float | str | None = None
    """Share to test with, or the test file of a `files` split; None is the kind's default."""
    valid: Annotated[float, Field(ge=0)] | Literal["last"] | None = None
    """Share to validate with, or 'last' for a `files` split; None is the kind's default."""
    fold_in: float | None = None
    """Share of a stranger's ratings that is shown, for `strong`."""
    train: str | None = None
    """Training file of a `files` split."""
    negatives: str | None = None
    """File of candidates of a `files` split."""
    seen_films: bool = False
    """Whether only films of the training part are asked for; else all held-out ones are."""
    candidates: Annotated[int, Field(ge=1)] | None = None
    """Unseen films drawn for each person, to rank the held-out ones among; None ranks all."""
    at_least: float | None = None
    """Ratings below this are left out, so that what remains is 'liked'; None keeps all."""
    ordered: bool = False
    """Whether ratings without times are given in the order of time; it then stands for them."""
    user_ratings: Annotated[int, Field(ge=1)] | None = None
    """People with fewer ratings, of those not left out, are left out; None keeps everyone."""
    film_ratings: Annotated[int, Field(ge=1)] | None = None
    """Films with fewer ratings are left out altogether; None keeps all, unrated ones too."""
    seed: int = 0
    """Of the split, the initial weights and the training."""
    split_seed: int | None = None
    """Of the split, if another."""
    settings: dict[str, Any] = {}
    """Settings of the model and of the training loop by their names."""
    k: tuple[Annotated[int, Field(ge=1)], ...] = (10,)
    """Cut-offs of the ranking metrics."""
    retrained: bool = False
    """Whether it also learned from a service's ratings, which `matinee retrain` alone adds."""

    @property
    def drawn_from(self) -> int:
        """The seed of the split."""
        return self.seed if self.split_seed is None else self.split_seed


@dataclass(frozen=True)
class Prepared:
    """Data, split and settings of a run, checked and ready.

    Attributes:
        spec: What was asked for.
        data: All ratings.
        split: Their parts.
        model: With fresh weights.
        trainer: Settings of the training loop; None for models that are solved.
        needs: Memory that fitting is expected to take.
    """

    spec: RunSpec
    data: Interactions
    split: Split
    model: Recommender
    trainer: TrainerConfig | None
    needs: memory.Needs


def prepare(
    spec: RunSpec,
    parts: tuple[Interactions, Split] | None = None,
    *,
    check_memory: bool = True,
) -> Prepared:
    """Load, cut and build, so that every mistake shows before the training starts.

    Args:
        spec: What was asked for.
        parts: All ratings and their split; those that the spec names by default.
        check_memory: Whether to refuse what cannot fit in memory.

    Raises:
        TooLarge: If the training cannot fit in memory; the model is not even built then.
        MatineeError: On anything that is not there or does not fit.
    """
    kind = models.find(spec.model)
    config, trainer = route(spec.settings, kind)
    data, split = parts or cut(spec)
    sizes = Sizes.of(split.train)
    needs = memory.needs(kind, kind.Config.parse(config), sizes, trainer)
    if check_memory:
        memory.check(needs, trainer.device if trainer else "auto")
    model = models.build(spec.model, config, sizes, seed=spec.seed)
    return Prepared(spec, data, split, model, trainer, needs)


def cut(spec: RunSpec) -> tuple[Interactions, Split]:
    """The data of a run and their split.

    Raises:
        ArtefactError: If the run learned from more than its data set.
        ConfigError: If something is to be left out of what others have split.
        MatineeError: If the data are not there or cannot be cut so.
    """
    if spec.retrained:
        raise ArtefactError(
            "this run also learned from the ratings of a service, as they were then",
            expected="a run that `matinee train` made",
            remedy="Its card has its figures; `matinee retrain` makes it anew.",
        )
    narrowed = {name: getattr(spec, name) for name in NARROWING}
    if spec.split == "files" and (given := [name for name in narrowed if narrowed[name]]):
        raise ConfigError(
            "a files split is taken as it is",
            where=", ".join(given),
            remedy="Leave it out, or leave the ratings out of the files.",
        )
    data = None if spec.data is None else load(spec.data).narrowed(**narrowed)
    split = make_split(
        spec.split,
        data,
        test=spec.test,
        valid=spec.valid,
        seed=spec.drawn_from,
        fold_in=spec.fold_in,
        train=spec.train,
        negatives=spec.negatives,
    )
    split = narrowed_split(
        split, seen_films=spec.seen_films, candidates=spec.candidates, seed=spec.drawn_from
    )
    if data is None or spec.split == "files":
        data = split.test.history.merge(split.test.held_out)
    return data, split


def train(
    spec: RunSpec,
    out: str | Path,
    *,
    parts: tuple[Interactions, Split] | None = None,
    watcher: Watcher | None = None,
    announce: Callable[[memory.Needs], object] | None = None,
    resume: bool = False,
    check_memory: bool = True,
) -> Artefact:
    """Train a model, judge it next to popularity, and keep all of it in a folder.

    The model is saved before it is judged, so that no failure of the judging loses it. All
    ratings, those of the test part too, become the artefact's history: nobody is to be
    recommended a film they have rated. The figures are had on the split alone.

    Args:
        spec: What to do.
        out: The run folder; made, or an earlier run that is replaced.
        parts: All ratings and their split; those that the spec names by default.
        watcher: Told of progress.
        announce: Told, before the training starts, what memory it is expected to take.
        resume: Go on from the folder's checkpoints.
        check_memory: Whether to refuse what cannot fit in memory.

    Raises:
        MatineeError: On anything that cannot be done.
        KeyboardInterrupt: After Ctrl-C, with the folder ready to be resumed.
    """
    folder = Path(out)
    check_target(folder)
    ready = prepare(spec, parts, check_memory=check_memory)
    if announce is not None:
        announce(ready.needs)
    folder.mkdir(parents=True, exist_ok=True)
    if not resume:
        discard(folder)
    (folder / SPEC).write_text(spec.model_dump_json(indent=2), encoding="utf-8")
    started = time.perf_counter()
    history = fit(
        ready.model,
        ready.split.train,
        ready.trainer,
        seed=spec.seed,
        validate=_validation(ready),
        folder=folder,
        watcher=watcher,
        resume=resume,
    )
    seconds = time.perf_counter() - started
    if history.records:
        save_curves(history, folder / "loss.png", model=spec.model)
    artefact = Artefact.of(
        ready.model.eval(), ready.split.train, ready.data, _facts(ready, history, seconds)
    ).save(folder)
    return _judged(artefact, ready).save(folder)


def resume(
    run: str | Path,
    *,
    watcher: Watcher | None = None,
    announce: Callable[[memory.Needs], object] | None = None,
    check_memory: bool = True,
) -> Artefact:
    """Go on with a training that was stopped; see `train`.

    Raises:
        ArtefactError: If the folder holds none.
    """
    return train(
        read_spec(run),
        run,
        watcher=watcher,
        announce=announce,
        resume=True,
        check_memory=check_memory,
    )


def read_spec(run: str | Path) -> RunSpec:
    """What a run was asked to do.

    Raises:
        ArtefactError: If the folder does not say.
    """
    path = Path(run) / SPEC
    try:
        return RunSpec.parse(json.loads(path.read_text(encoding="utf-8")), where=str(path))
    except FileNotFoundError:
        raise ArtefactError(
            "this is not the folder of a run", where=str(run), expected=f"a folder with {SPEC}"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ArtefactError(f"cannot be read: {error}", where=str(path)) from None


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


def _validation(ready: Prepared) -> Any:
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


def _judged(artefact: Artefact, ready: Prepared) -> Artefact:
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


def _facts(ready: Prepared, history: History, seconds: float) -> Facts:
    spec, best = ready.spec, history.best
    trainer = ready.trainer.model_dump(mode="json") if ready.trainer else {}
    if best is not None:
        trainer |= {"best_epoch": best.epoch, "trained_epochs": history.records[-1].epoch}
    return Facts(
        data=DataFacts.of(spec.data or str(spec.train), ready.data),
        split=SplitFacts.of(ready.split, ready.split.arguments),
        trainer=trainer,
        seed=spec.seed,
        seconds=seconds,
        peak_mb=memory.peak_mb(),
        machine=device_name(ready.model.device),
    )
