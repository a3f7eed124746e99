"""Splits as folders: the ratings as Parquet or CSV, and `split.json`, which names them.

```
split.json              kind, digest, arguments, counts
train, test, valid      the ratings, .parquet or .csv; the last two are the held-out parts
test-history, ...       what is known when asked, where it is not simply the training part
test-candidates         the films ranked for each person, where they are given
items.parquet           the catalogue, in the order of its integers
users.parquet           the people, in the order of their integers
```

In Parquet `user` and `item` are integers, the row numbers of the last two; in CSV they are
the outside ids, for other programs to read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.vocabulary import LongArray, Vocabulary
from matinee.errors import ConfigError, DataError
from matinee.splits.types import Fold, Split

Format = Literal["parquet", "csv"]

VERSION = 1
DTYPES: dict[str, pl.DataType] = {"rating": pl.Float32(), "time": pl.Int64()}


@dataclass(frozen=True)
class _Store:
    """A folder in one format, with the people and films its integers stand for."""

    folder: Path
    format: str
    user_ids: Vocabulary
    catalogue: Catalogue

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.{self.format}"

    def write(self, name: str, frame: pl.DataFrame) -> None:
        if self.format == "csv":
            outside = [self._outside(frame["user"], self.user_ids)]
            outside.append(self._outside(frame["item"], self.catalogue.ids))
            frame.with_columns(outside).write_csv(self.path(name))
        else:
            frame.write_parquet(self.path(name))

    def read(self, name: str) -> pl.DataFrame:
        if self.format == "parquet":
            return pl.read_parquet(self.path(name))
        frame = pl.read_csv(self.path(name), infer_schema=False)
        inside = [self._inside(frame["user"], self.user_ids)]
        inside.append(self._inside(frame["item"], self.catalogue.ids))
        values = [pl.col(c).cast(dtype) for c, dtype in DTYPES.items() if c in frame.columns]
        return frame.with_columns(*inside, *values)

    @staticmethod
    def _outside(integers: pl.Series, ids: Vocabulary) -> pl.Series:
        return pl.Series(list(ids), dtype=pl.String()).gather(integers).alias(integers.name)

    @staticmethod
    def _inside(outside: pl.Series, ids: Vocabulary) -> pl.Series:
        known = pl.Series(list(ids), dtype=pl.String())
        return outside.replace_strict(
            known, pl.int_range(len(ids), eager=True), return_dtype=pl.Int32
        )


def save_split(split: Split, folder: str | Path, *, format: Format = "parquet") -> Path:  # noqa: A002 - the field's name
    """Write a split to a folder, which is made if need be.

    Args:
        split: The split.
        folder: Where to; parts of another split in it are replaced.
        format: How the ratings are written, `parquet` or `csv`.

    Returns:
        The folder.

    Raises:
        ConfigError: On another format.
        DataError: If the folder cannot be written.
    """
    if format not in ("parquet", "csv"):
        raise ConfigError(f"there is no format {format!r}", expected="parquet or csv")
    folder = Path(folder)
    data = split.train
    store = _Store(folder, format, data.user_ids, data.catalogue)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "split.json").unlink(missing_ok=True)
        _people(data).write_parquet(folder / "users.parquet")
        data.catalogue.frame.write_parquet(folder / "items.parquet")
        store.write("train", _frame(data))
        folds = {n: f for n, f in (("test", split.test), ("valid", split.valid)) if f is not None}
        facts = {name: _save_fold(store, name, fold, data) for name, fold in folds.items()}
        _write_json(folder / "split.json", _facts(split, format) | {"folds": facts})
    except OSError as error:
        raise DataError(f"cannot be written: {error}", where=str(folder)) from None
    return folder


def load_split(folder: str | Path) -> Split:
    """Read a split and verify that it is, rating for rating, the one that was saved.

    Raises:
        DataError: If the folder is not a split, is incomplete or was changed.
    """
    folder = Path(folder)
    facts = _read_json(folder / "split.json")
    try:
        split = _read(folder, facts)
    except (PolarsError, KeyError, TypeError, AttributeError, OSError) as error:
        raise DataError(f"the split cannot be read: {error}", where=str(folder)) from None
    if split.digest != facts["digest"]:
        raise DataError(
            "the split was changed since it was saved",
            where=str(folder),
            expected=f"the digest {facts['digest']}",
            remedy="Make the split again.",
        )
    return split


def _read(folder: Path, facts: dict[str, Any]) -> Split:
    people = pl.read_parquet(folder / "users.parquet")
    user_ids = Vocabulary(people["id"], sort="person")
    catalogue = Catalogue(pl.read_parquet(folder / "items.parquet"))
    store = _Store(folder, facts["format"], user_ids, catalogue)
    known = people if people.width > 1 else None
    train = _interactions(store, "train", known)
    folds = {name: _load_fold(store, name, fold, train) for name, fold in facts["folds"].items()}
    return Split(
        facts["kind"],
        train,
        folds["test"],
        folds.get("valid"),
        facts["arguments"],
        facts["dropped"],
    )


def _save_fold(store: _Store, name: str, fold: Fold, train: Interactions) -> dict[str, Any]:
    own_history = fold.history is not train and fold.history.digest != train.digest
    store.write(name, _frame(fold.held_out))
    if own_history:
        store.write(f"{name}-history", _frame(fold.history))
    if fold.candidates is not None:
        store.write(f"{name}-candidates", _long(fold.users, fold.candidates))
    return {
        "strangers": fold.strangers,
        "own_history": own_history,
        "candidates": fold.candidates is not None,
    }


def _load_fold(store: _Store, name: str, facts: dict[str, Any], train: Interactions) -> Fold:
    people = train.people
    history = _interactions(store, f"{name}-history", people) if facts["own_history"] else train
    fold = Fold(history, _interactions(store, name, people), strangers=facts["strangers"])
    if not facts["candidates"]:
        return fold
    candidates = _wide(store.read(f"{name}-candidates"), fold.users)
    return Fold(fold.history, fold.held_out, candidates, fold.strangers)


def _frame(data: Interactions) -> pl.DataFrame:
    columns: dict[str, Any] = {"user": data.users, "item": data.items}
    if data.explicit:
        columns["rating"] = data.ratings
    if data.timed:
        columns["time"] = data.times
    return pl.DataFrame(columns)


def _interactions(store: _Store, name: str, people: pl.DataFrame | None) -> Interactions:
    frame = store.read(name)
    return Interactions.build(
        frame["user"].to_numpy(),
        frame["item"].to_numpy(),
        frame["rating"].to_numpy() if "rating" in frame.columns else None,
        frame["time"].to_numpy() if "time" in frame.columns else None,
        user_ids=store.user_ids,
        catalogue=store.catalogue,
        people=people,
    )


def _people(data: Interactions) -> pl.DataFrame:
    if data.people is not None:
        return data.people
    return pl.DataFrame({"id": list(data.user_ids)}, schema={"id": pl.String()})


def _long(users: LongArray, candidates: LongArray) -> pl.DataFrame:
    """Candidates `[B, C]` as pairs, one a row, without the padding."""
    rows, columns = np.nonzero(candidates >= 0)
    return pl.DataFrame({"user": users[rows], "item": candidates[rows, columns]})


def _wide(pairs: pl.DataFrame, users: LongArray) -> LongArray:
    """The inverse of `_long`: `[B, C]`, padded with -1."""
    rows = np.searchsorted(users, pairs["user"].to_numpy())
    counts = np.bincount(rows, minlength=len(users))
    columns = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    candidates = np.full((len(users), int(counts.max(initial=0))), -1, np.int64)
    candidates[rows, columns] = pairs["item"].to_numpy()
    return candidates


def _facts(split: Split, form: str) -> dict[str, Any]:
    return {
        "version": VERSION,
        "format": form,
        "kind": split.kind,
        "digest": split.digest,
        "arguments": split.arguments,
        "counts": split.counts,
        "dropped": split.dropped,
    }


def _write_json(path: Path, facts: dict[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError("there is no saved split here", where=str(path.parent)) from None
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {error}", where=str(path)) from None
    if not isinstance(facts, dict) or facts.get("version") != VERSION:
        raise DataError(
            "this is not a split of this version", where=str(path), expected=f"version {VERSION}"
        )
    return facts
