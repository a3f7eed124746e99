"""Data, split and model of a run, so that every mistake shows before the training."""

from __future__ import annotations

from dataclasses import dataclass

from matinee import models
from matinee.data import load
from matinee.data.interactions import Interactions
from matinee.engine import memory
from matinee.errors import ArtefactError, ConfigError
from matinee.experiment.spec import NARROWING, RunSpec
from matinee.models import Recommender, Sizes
from matinee.models.routing import route
from matinee.splits import Split, make_split, narrowed_split
from matinee.training import TrainerConfig


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
