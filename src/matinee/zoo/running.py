"""Training the zoo: one model after the other on one split, each in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from matinee import experiment
from matinee.config import load_toml
from matinee.errors import ArtefactError, ConfigError, MatineeError
from matinee.experiment import RunSpec
from matinee.models import MODELS, find

FAILURES = "failures.json"
"""Which models could not be trained, and why."""

Tell = Callable[[str], object]
"""Told what becomes of each model."""


@dataclass(frozen=True)
class Zoo:
    """What became of the models.

    Attributes:
        runs: Folders of those that are trained, by model.
        failures: Why the others are not.
        together: Whether one process trained them all, so that memory is not each one's own.
    """

    runs: Mapping[str, Path]
    failures: Mapping[str, str]
    together: bool = False


def specs(
    protocol: Mapping[str, Any], models: Sequence[str] = (), tuned: Path | None = None
) -> dict[str, RunSpec]:
    """The run of each model.

    Args:
        protocol: Fields of `RunSpec` that all share: data, split, seed, cut-offs.
        models: Which; all there are by default.
        tuned: A folder of studies, each in a folder named after its model, from which settings
            are taken; models without one keep their defaults.

    Raises:
        UnknownName: If there is no such model.
        ConfigError: If a study was of another protocol, or there is no study at all.
    """
    named = {name: find(name).name for name in models or MODELS}
    settings = {name: _tuned(name, protocol, tuned) if tuned else {} for name in named}
    if tuned and not any(settings.values()):
        raise ConfigError(
            "there is no study of any of the models",
            where=str(tuned),
            expected="folders named after models, as `matinee tune --out` made them",
        )
    return {
        name: RunSpec.parse({**protocol, "model": name, "settings": settings[name]})
        for name in named
    }


def _tuned(name: str, protocol: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    path = folder / name / "best.toml"
    if not path.is_file():
        return {}
    best = RunSpec.parse(load_toml(path), where=str(path))
    wanted = RunSpec.parse({**protocol, "model": name, "settings": best.settings, "k": best.k})
    if best != wanted:
        raise ConfigError(
            "these settings were tuned on other data or another split",
            where=str(path),
            remedy="Tune with the options of this command.",
        )
    return best.settings


def train_all(wanted: Mapping[str, RunSpec], folder: Path, tell: Tell | None = None) -> Zoo:
    """Train what is not there yet; a model that cannot be trained stops none of the others.

    A run that is there and was asked for in the same way is kept, one that was cut short goes
    on, anything else is trained anew. Each model has a process of its own, so that the memory
    it tells is its own.

    Args:
        wanted: The runs by model.
        folder: Where they go, each into a folder of its model's name.
        tell: Told what becomes of each model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    failures: dict[str, str] = {}
    for name, spec in wanted.items():
        place = folder / name
        if experiment.finished(place, spec):
            _say(tell, f"{name}: is there")
            continue
        why = _trained(spec, place)
        _say(tell, f"{name}: {why or 'trained'}")
        if why is not None:
            failures[name] = why
    text = json.dumps(failures, indent=2, ensure_ascii=False)
    (folder / FAILURES).write_text(text + "\n", encoding="utf-8")
    runs = {name: folder / name for name in wanted if name not in failures}
    return Zoo(runs, failures)


def found(folder: Path) -> Zoo:
    """The zoo of a folder as it is, nothing trained; the variants of a recipe are one too.

    Raises:
        ArtefactError: If there are no runs in it.
    """
    runs = {path.parent.name: path.parent for path in sorted(folder.glob("*/model.json"))}
    if together := not runs:
        runs = _variants(folder)
    if not runs:
        raise ArtefactError(
            "there are no runs here",
            where=str(folder),
            expected="the folder of `matinee bench zoo`, or of a recipe",
        )
    file = folder / FAILURES
    failures = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return Zoo(runs, {n: why for n, why in failures.items() if n not in runs}, together=together)


def _variants(folder: Path) -> dict[str, Path]:
    """The run with the lowest seed of each variant of a recipe, by name."""
    runs = [path.parent for path in folder.glob("runs/*/seed-*/model.json")]
    runs.sort(key=lambda run: (len(run.name), run.name), reverse=True)
    return {run.parent.name: run for run in runs}


def _trained(spec: RunSpec, folder: Path) -> str | None:
    """Train in a process of its own; why it could not be done, or None."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_train, args=(spec, folder, theirs))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:
        process.join()
        return f"the process ended with code {process.exitcode}"
    finally:
        process.terminate()  # if this one was stopped: then that one saves, and can go on
        process.join()


def _train(spec: RunSpec, folder: Path, answer: Any) -> None:
    """What the process does."""
    try:
        experiment.complete(spec, folder)
        answer.send(None)
    except MatineeError as error:
        answer.send(str(error))
    except KeyboardInterrupt:
        pass


def _say(tell: Tell | None, what: str) -> None:
    if tell is not None:
        tell(what)
