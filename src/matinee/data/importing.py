"""Anyone's files into a folder that Matinee reads without guessing."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from matinee.data.columns import ITEM_ROLES, PERSON_ROLES, RATING_ROLES, guess
from matinee.data.interactions import Interactions
from matinee.data.loading import Loaded, load_checked
from matinee.data.movielens import ITEM_FILES, PEOPLE_FILES, RATING_FILES
from matinee.data.sources import CANONICAL, CANONICAL_FORMAT
from matinee.data.tables import column_names
from matinee.errors import DataError

_PARTS = ("ratings", "items", "people")


def import_files(
    files: Sequence[str | Path],
    out: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    scale: tuple[float, float] | None = None,
) -> Loaded:
    """Read a table of ratings, and of films and people if given, into a canonical folder.

    The folder gets `ratings.parquet`, `items.parquet`, `people.parquet` (if there is such a
    table) and `dataset.json`; `load` reads it back to the same data. Which file is which is
    told by its name or its columns.

    Args:
        files: One table of ratings, at most one of films and one of people, in any order.
        out: The folder to make; an earlier import there is replaced, anything else is not.
        columns: As in `load`.
        scale: As in `load`.

    Returns:
        The data and what was found in reading them.

    Raises:
        DataError: If a file cannot be understood, or `out` holds something else.
    """
    folder = Path(out).expanduser()
    if folder.exists() and any(folder.iterdir()) and not (folder / CANONICAL).is_file():
        raise DataError(
            "the folder holds something else", where=str(folder), remedy="Name a new folder."
        )
    parts = _sorted_out([Path(file).expanduser() for file in files], columns or {})
    loaded = load_checked(
        parts["ratings"],
        columns=columns,
        items=parts.get("items"),
        people=parts.get("people"),
        scale=scale,
    )
    _write(loaded.data, folder, [str(path.name) for path in parts.values()])
    return loaded


def _sorted_out(files: Sequence[Path], columns: Mapping[str, str]) -> dict[str, Path]:
    parts: dict[str, Path] = {}
    for file in files:
        if not file.is_file():
            raise DataError("no such file", where=str(file))
        part = _part(file, columns)
        if part in parts:
            raise DataError(f"a second table of {part}", where=str(file), expected="one of a kind")
        parts[part] = file
    if "ratings" not in parts:
        names = ", ".join(str(file) for file in files) or "no files"
        raise DataError("none is a table of ratings", where=names, expected="users and films in it")
    return parts


def _part(file: Path, columns: Mapping[str, str]) -> str:
    """Whether a file is of ratings, items or people."""
    for part, known in zip(_PARTS, (RATING_FILES, ITEM_FILES, PEOPLE_FILES), strict=True):
        if file.name in known:
            return part
    names = column_names(file, columns)
    rated = guess(names, RATING_ROLES)
    if columns.get("user", "") in names or {"user", "item"} <= set(rated):
        return "ratings"
    if {"id", "title"} <= set(guess(names, ITEM_ROLES)):
        return "items"
    return "people" if "id" in guess(names, PERSON_ROLES) and "item" not in rated else "ratings"


def _write(data: Interactions, folder: Path, origin: Sequence[str]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".importing-"))
    try:
        _rating_frame(data).write_parquet(scratch / "ratings.parquet")
        data.catalogue.frame.write_parquet(scratch / "items.parquet")
        if data.people is not None:
            data.people.write_parquet(scratch / "people.parquet")
        facts = {
            "format": CANONICAL_FORMAT,
            "explicit": data.explicit,
            "timed": data.timed,
            "rows": len(data),
            "files": list(origin),
        }
        (scratch / CANONICAL).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _rating_frame(data: Interactions) -> pl.DataFrame:
    ids = pl.Series(list(data.user_ids), dtype=pl.String())
    columns = {
        "user": ids.gather(data.users),
        "item": data.catalogue.frame["id"].gather(data.items),
    }
    if data.explicit:
        columns["rating"] = pl.Series(data.ratings)
    if data.timed:
        columns["time"] = pl.Series(data.times)
    return pl.DataFrame(columns)
