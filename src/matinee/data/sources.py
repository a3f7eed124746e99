"""Which files a data set consists of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matinee.data.download import find_local
from matinee.data.movielens import (
    EDITIONS,
    ITEM_FILES,
    LINK_FILES,
    PEOPLE_FILES,
    RATING_FILES,
    TAG_FILES,
)
from matinee.data.places import data_home
from matinee.data.tables import JSON_LINES, PARQUET
from matinee.data.unpack import unpack
from matinee.errors import DataError, suggestion, unknown

SAMPLE = "sample"
"""The name of the bundled sample: real films, simulated people."""

CANONICAL = "dataset.json"
"""Marks a folder that Matinee wrote itself."""

CANONICAL_FORMAT = 1

_TABLES = PARQUET | JSON_LINES | {".csv", ".tsv", ".txt", ".dat", ".data"}


@dataclass(frozen=True)
class Source:
    """The files of a data set.

    Attributes:
        ratings: The table of ratings.
        items: The film table, or None.
        people: The table of people, or None.
        tags: Tags given by people, or None.
        links: The films' ids elsewhere, or None.
    """

    ratings: Path
    items: Path | None = None
    people: Path | None = None
    tags: Path | None = None
    links: Path | None = None

    @property
    def files(self) -> list[Path]:
        """All of them that there are."""
        every = (self.ratings, self.items, self.people, self.tags, self.links)
        return [file for file in every if file is not None]


def find_source(
    data: str | Path, *, items: str | Path | None = None, people: str | Path | None = None
) -> Source:
    """Find a data set's files.

    Args:
        data: A name, `sample`, a folder, a zip file or a table.
        items: The film table instead of the one found.
        people: The table of people instead of the one found.

    Raises:
        DataError: If a file is not there, or a folder has no ratings.
        UnknownName: If `data` is neither a path nor a known name.
    """
    found = _locate(data)
    given_items = None if items is None else _existing(items)
    given_people = None if people is None else _existing(people)
    folder = found if found.is_dir() else found.parent
    ratings = _ratings_in(found) if found.is_dir() else found
    if found.is_file() and found.name not in RATING_FILES:
        return Source(ratings, given_items, given_people)
    return Source(
        ratings,
        given_items or _first(folder, ITEM_FILES),
        given_people or _first(folder, PEOPLE_FILES),
        _first(folder, TAG_FILES),
        _first(folder, LINK_FILES),
    )


def _locate(data: str | Path) -> Path:
    """The folder or file that is meant."""
    name, path = str(data), Path(data).expanduser()
    plain = isinstance(data, str) and not set(name) & set("/\\.")
    found = find_local(name) if plain else None
    if found is not None:
        return found
    if plain and name in EDITIONS:
        raise DataError(
            f"{name} is not on this machine",
            remedy=f"Fetch it with `matinee data fetch {name}`, or point MATINEE_DATA at a copy.",
        )
    if path.suffix.lower() == ".zip" and path.is_file():
        mark = hashlib.sha256(f"{path.resolve()} {path.stat().st_mtime_ns}".encode()).hexdigest()
        folder = data_home() / "unpacked" / f"{path.stem}-{mark[:16]}"
        return folder if folder.is_dir() else unpack(path, folder)
    if path.exists():
        return path
    if plain:
        raise unknown("data set, folder or file", name, [*EDITIONS, SAMPLE])
    return _existing(path)


def _existing(path: str | Path) -> Path:
    path = Path(path).expanduser()
    if path.exists():
        return path
    near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    raise DataError("no such file or folder", where=str(path), remedy=suggestion(path.name, near))


def _ratings_in(folder: Path) -> Path:
    _check_format(folder)
    known = _first(folder, RATING_FILES)
    if known is not None:
        return known
    tables = sorted(p for p in folder.iterdir() if p.suffix.lower() in _TABLES)
    if len(tables) == 1:
        return tables[0]
    raise DataError(
        "no table of ratings in the folder" if not tables else "several tables in the folder",
        where=str(folder),
        expected="one of " + ", ".join(RATING_FILES),
        remedy="Name the file of ratings itself.",
    )


def _check_format(folder: Path) -> None:
    mark = folder / CANONICAL
    if not mark.is_file():
        return
    try:
        version = json.loads(mark.read_text(encoding="utf-8"))["format"]
    except (ValueError, KeyError, TypeError):
        raise DataError("cannot be read", where=str(mark), expected="what Matinee wrote") from None
    if version != CANONICAL_FORMAT:
        raise DataError(
            f"the folder has format {version}",
            where=str(mark),
            expected=f"format {CANONICAL_FORMAT}",
            remedy="Import the files again, or use the Matinee that wrote it.",
        )


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)
