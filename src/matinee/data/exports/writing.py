"""Writing matched ratings as a table that Matinee, and anyone, can read."""

from __future__ import annotations

import csv
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from matinee.data.catalogue import Catalogue
from matinee.data.exports.types import Matched
from matinee.errors import DataError

COLUMNS = ("user", "item", "rating", "timestamp", "title", "year")
"""The columns written; `item` has the outside ids of the catalogue, `timestamp` dates in UTC."""

PERSON = "me"


def write_csv(matched: Matched, catalogue: Catalogue, path: Path) -> None:
    """Write matched ratings to a CSV file, all of it or nothing.

    `data check` and `data import` read it as a table of ratings, `recommend --ratings` as a
    person's. The column of times is left out where there are none.

    Args:
        matched: The ratings.
        catalogue: The catalogue they were matched with.
        path: The file; an earlier one of these columns is replaced, anything else is not.

    Raises:
        DataError: If there is something else at the path.
    """
    columns = [c for c in COLUMNS if c != "timestamp" or any(t is not None for t in matched.times)]
    _check_free(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=".importing-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(_rows(matched, catalogue))
        Path(scratch).replace(path)
    finally:
        Path(scratch).unlink(missing_ok=True)


def _rows(matched: Matched, catalogue: Catalogue) -> list[dict[str, object]]:
    films = catalogue.ids.encode(matched.items)
    facts = catalogue.frame[films].select("title", "year").rows()
    rated = zip(matched.items, matched.ratings, matched.times, facts, strict=True)
    return [
        {
            "user": PERSON,
            "item": item,
            "rating": f"{stars:g}",
            "timestamp": None if time is None else _date(time),
            "title": title,
            "year": year,
        }
        for item, stars, time, (title, year) in rated
    ]


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _check_free(path: Path) -> None:
    if not path.exists():
        return
    if path.is_file():
        with path.open(encoding="utf-8", errors="replace") as file:
            if file.readline().startswith(",".join(COLUMNS[:3])):
                return
    raise DataError("there is something else here", where=str(path), remedy="Name a new file.")
