"""From the ratings people have given to a model that has learned from them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from matinee import models
from matinee.artefact import Artefact
from matinee.data.interactions import Interactions
from matinee.engine import Watcher
from matinee.errors import ArtefactError, ConfigError, EvaluationError, StoreError
from matinee.experiment import RunSpec, cut, read_spec, train
from matinee.models import Learned
from matinee.service.deployment import load, version_of
from matinee.service.retraining.holding import ENOUGH, hold_out
from matinee.service.retraining.joining import Joined, join
from matinee.service.retraining.judging import Verdict, judge
from matinee.service.store import ModelRow, Store
from matinee.splits import Split

PEOPLE = 30
"""Fewer people than this are too few to judge a model by."""

DATED = re.compile(r"-\d{4}-\d\d-\d\d(-\d+)?$")


@dataclass(frozen=True)
class Retrained:
    """What came of it.

    Attributes:
        old: The model that was active.
        run: Folder of the new run; None after a dry run.
        version: Its version, likewise.
        verdict: How the two compare.
        activated: Whether the new one serves now.
        ratings: Number of ratings the database added to the data set, or that are newer.
        unknown: Ids of the films that the data set lacks.
        left_out: Number of ratings of them, which were left out.
    """

    old: ModelRow
    run: str | None
    version: str | None
    verdict: Verdict
    activated: bool
    ratings: int
    unknown: tuple[str, ...]
    left_out: int


def retrain(
    store: Store,
    *,
    out: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    dry_run: bool = False,
    force: bool = False,
    watcher: Watcher | None = None,
) -> Retrained:
    """Train the active model anew with the database's ratings; let it serve if it is no worse.

    The very model that was judged is the one that serves. The held-out ratings are not lost:
    they are part of its history, and the next retraining learns from them.

    Args:
        store: The database.
        out: The new run's folder, which must not exist; by default beside the old one, with
            the date in its name.
        settings: Settings of model and training that are to differ from the old run's.
        seed: Of the training; the old run's by default.
        dry_run: Compare only: leave neither a run nor a trace in the database.
        force: Activate it even if it is worse or few people can judge.
        watcher: Told of the training's progress.

    Raises:
        MatineeError: If it cannot be done. The old model then serves on, and of the new one
            nothing is left.
    """
    old = _active(store)
    target = _target(Path(old.run), out)
    spec = _spec(old.run, settings or {}, seed)
    before = Artefact.load(old.run)
    joined, split = _parts(store, spec, before)
    _check_people(split, force=force)
    target.parent.mkdir(parents=True, exist_ok=True)
    place = None if dry_run else target.parent
    with TemporaryDirectory(dir=place, prefix=".retraining-") as scratch:
        folder = Path(scratch) / "run"
        made = train(spec, folder, parts=(joined.data, split), watcher=watcher)
        _name_data(made).save(folder)
        verdict = judge(before.model, made.model, split)
        version = load(str(folder)).version
        if not dry_run:
            folder.rename(target)
    told = (int(joined.given.sum()), joined.unknown, joined.left_out)
    if dry_run:
        return Retrained(old, None, None, verdict, False, *told)
    accepted = force or not verdict.worse
    store.add_model(version, str(target), made.name)
    if accepted:
        _activate(store, version, instead_of=old)
    return Retrained(old, str(target), version, verdict, accepted, *told)


def _active(store: Store) -> ModelRow:
    """The model that serves, its folder being what it was when it was activated."""
    active = store.active_model()
    if active is None:
        raise ConfigError(
            "no model is active, so there is none to train anew",
            where=str(store),
            remedy="Serve one with `matinee serve RUN`, which makes it the active one.",
        )
    if version_of(active.run) != active.version:
        raise ArtefactError(
            "the folder holds another run than the active one by now",
            where=active.run,
            expected=f"version {active.version}",
            remedy="Serve it with `matinee serve RUN`, which makes it the active one.",
        )
    return active


def _target(old: Path, out: Path | None) -> Path:
    """The new run's folder, which does not exist."""
    if out is not None:
        if out.exists():
            raise ArtefactError("the folder exists", where=str(out), expected="a new folder")
        return out.resolve()
    stem = f"{DATED.sub('', old.name)}-{time.strftime('%Y-%m-%d')}"
    named, number = old.with_name(stem), 1
    while named.exists():
        number += 1
        named = old.with_name(f"{stem}-{number}")
    return named


def _spec(run: str, settings: Mapping[str, Any], seed: int | None) -> RunSpec:
    """What the old run was asked to do, with the wishes of today."""
    spec = read_spec(run)
    return spec.updated(
        {
            "settings": {**spec.settings, **settings},
            "seed": spec.seed if seed is None else seed,
            "retrained": True,
        }
    )


def _parts(store: Store, spec: RunSpec, before: Artefact) -> tuple[Joined, Split]:
    """All ratings, and those among them that both models are judged by."""
    base, usual = cut(spec.updated({"retrained": False}))
    _check_films(base, before)
    joined = join(base, store.all_ratings(), at_least=spec.at_least)
    validate = usual.valid is not None and issubclass(models.find(spec.model), Learned)
    return joined, hold_out(joined, before.history, validate=validate, seed=spec.seed)


def _check_films(base: Interactions, before: Artefact) -> None:
    """Both models must know the same films for their lists to be compared."""
    if base.catalogue.ids != before.catalogue.ids:
        raise ArtefactError(
            "the films of the data set are others than at the training",
            where=before.run,
            remedy="Train a run with `matinee train` and serve it, then retrain that.",
        )


def _check_people(split: Split, *, force: bool) -> None:
    people, least = len(split.test.users), 2 if force else PEOPLE
    if people < least:
        raise EvaluationError(
            f"too few people of the database have {ENOUGH} ratings, at least one of them new, to"
            f" judge a new model by: {people}",
            expected=f"{least} or more",
            remedy="Wait for more" + ("." if force else ", or use --force."),
        )


def _name_data(made: Artefact) -> Artefact:
    """The run, saying that it learned from the database too."""
    data = made.facts.data
    named = data.updated({"name": f"{data.name} and the ratings of the service"})
    return replace(made, facts=made.facts.updated({"data": named}))


def _activate(store: Store, version: str, *, instead_of: ModelRow) -> None:
    active = store.active_model()
    if active is None or active.version != instead_of.version:
        raise StoreError(
            "another model was activated while this one was trained, and serves on",
            where=str(store),
            expected=f"version {instead_of.version}",
            remedy=f"Activate version {version} through the API, or retrain again.",
        )
    store.activate_model(version)
