"""All kinds of split by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matinee.data.interactions import Interactions
from matinee.errors import ConfigError, unknown
from matinee.splits.cuts import (
    chronological_split,
    global_time_split,
    leave_last_split,
    leave_random_split,
    random_split,
    strong_split,
)
from matinee.splits.files import files_split
from matinee.splits.types import Split

TAKES: dict[str, tuple[str, ...]] = {
    "random": ("test", "valid"),
    "stratified": ("test", "valid"),
    "chronological": ("test", "valid"),
    "leave-last": ("valid",),
    "leave-random": ("valid",),
    "strong": ("test", "valid", "fold_in"),
    "global-time": ("test", "valid"),
    "files": ("train", "test", "valid", "negatives"),
}
"""The options each kind takes; all take a seed, which those that draw nothing do not need."""

KINDS: tuple[str, ...] = tuple(TAKES)
"""The names of all kinds."""


def make_split(
    kind: str,
    data: Interactions | None,
    *,
    test: float | str | Path | None = None,
    valid: float | str | None = None,
    seed: int = 0,
    fold_in: float | None = None,
    train: str | Path | None = None,
    negatives: str | Path | None = None,
) -> Split:
    """Cut a data set in the way named; an option that is None has the kind's default.

    Args:
        kind: One of `KINDS`.
        data: The data set; for `files` the one whose ids the files use, or None.
        test: Share to test with; for `strong` a share or number of people; for `files` the
            test file. `leave-last` and `leave-random` take none.
        valid: Share to validate with, 0 for no validation; for `strong` a share or number
            of people. For `leave-last` and `leave-random` any share above 0 holds one
            rating of each person out, 0 none. For `files` also 'last'.
        seed: Of what is drawn.
        fold_in: Share of a stranger's ratings that is shown; `strong` only.
        train: Training file; `files` only.
        negatives: File of candidates; `files` only.

    Raises:
        UnknownName: If there is no such kind.
        ConfigError: If an option is out of range, lacking, or not one of the kind's.
        DataError: If the data cannot be cut so.
    """
    if kind not in TAKES:
        raise unknown("kind of split", kind, KINDS, where="--split")
    options = {
        "test": test,
        "valid": valid,
        "fold_in": fold_in,
        "train": train,
        "negatives": negatives,
    }
    given = {name: value for name, value in options.items() if value is not None}
    _check_taken(kind, given)
    if kind == "files":
        return _files(given, seed, data)
    if data is None:
        raise ConfigError(f"a {kind} split needs a data set")
    return _cut(kind, data, {name: _number(name, value) for name, value in given.items()}, seed)


def _cut(kind: str, data: Interactions, given: dict[str, float], seed: int) -> Split:
    match kind:
        case "random" | "stratified":
            return random_split(data, **given, seed=seed, stratified=kind == "stratified")
        case "chronological":
            return chronological_split(data, **given)
        case "leave-last":
            return leave_last_split(data, valid=given.get("valid", 1) > 0)
        case "leave-random":
            return leave_random_split(data, valid=given.get("valid", 1) > 0, seed=seed)
        case "strong":
            names = {"test": "test_users", "valid": "valid_users"}
            renamed = {names.get(name, name): value for name, value in given.items()}
            return strong_split(data, **renamed, seed=seed)
        case _:
            return global_time_split(data, **given)


def _files(given: dict[str, Any], seed: int, data: Interactions | None) -> Split:
    for name in ("train", "test"):
        if name not in given:
            raise ConfigError("a files split needs two files", where=f"--{name}", expected="a path")
    valid = given.get("valid", 0.0)
    return files_split(
        str(given["train"]),
        str(given["test"]),
        given.get("negatives"),
        valid="last" if valid == "last" else _number("valid", valid),
        seed=seed,
        data=data,
    )


def _check_taken(kind: str, given: dict[str, Any]) -> None:
    for name in given:
        if name not in TAKES[kind]:
            raise ConfigError(
                f"a {kind} split takes no {name!r}",
                where=f"--{name.replace('_', '-')}",
                expected="of " + ", ".join(f"--{n.replace('_', '-')}" for n in TAKES[kind]),
            )


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ConfigError(
            f"{name} = {str(value)!r} is not a number", where=f"--{name.replace('_', '-')}"
        ) from None
