"""Reading what a person wishes: a range of years, a file of stars."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from matinee.errors import ConfigError, DataError

TITLES = ("title", "item", "id", "name", "film", "movie")
STARS = ("rating", "stars", "score")
"""Column names that are understood, in any case."""


def years(text: str) -> tuple[int | None, int | None]:
    """The first and last year of `1990..1999`, `1990..`, `..1999` or `1994`.

    Raises:
        ConfigError: On anything else.
    """
    first, dots, last = text.partition("..")
    ends = [first, last] if dots else [first, first]
    if not any(ends) or not all(end == "" or (end.isascii() and end.isdigit()) for end in ends):
        raise ConfigError(
            f"{text!r} is no range of years",
            where="--year",
            expected="A..B, such as 1990..1999, 1990.. or ..1999",
        )
    start, stop = (int(end) if end else None for end in ends)
    return start, stop


def read_ratings(path: Path) -> dict[str, float]:
    """Stars by title or id, from JSON or CSV.

    JSON: `{"Heat": 5}` or `[{"title": "Heat", "rating": 5}]`. CSV: a header with a title
    or id and a rating, then a line for each film. A film given twice keeps the later one.

    Raises:
        DataError: If the file cannot be read so; the message names the row.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DataError(f"the ratings cannot be read: {reason}", where=str(path)) from None
    rows = _json_rows(text, path) if path.suffix == ".json" else _csv_rows(text, path)
    ratings: dict[str, float] = {}
    for place, row in enumerate(rows, 1):
        title, stars = _entry(row, f"{path}, row {place}")
        ratings[title] = stars
    if not ratings:
        raise DataError("there are no ratings in the file", where=str(path))
    return ratings


def _json_rows(text: str, path: Path) -> list[dict[str, Any]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"the file is not JSON: {error}", where=str(path)) from None
    if isinstance(document, dict):
        return [{"title": title, "rating": stars} for title, stars in document.items()]
    if isinstance(document, list) and all(isinstance(row, dict) for row in document):
        return document
    raise DataError(
        "the JSON is of another shape", where=str(path), expected='{"Heat": 5} or a list of rows'
    )


def _csv_rows(text: str, path: Path) -> list[dict[str, Any]]:
    reader = csv.DictReader(text.splitlines())
    if reader.fieldnames is None:
        raise DataError("the file is empty", where=str(path))
    return list(reader)


def _entry(row: dict[str, Any], where: str) -> tuple[str, float]:
    folded = {str(key).strip().casefold(): value for key, value in row.items()}
    title = next((folded[name] for name in TITLES if folded.get(name)), None)
    stars = next((folded[name] for name in STARS if folded.get(name) not in (None, "")), None)
    if title is None or stars is None:
        raise DataError(
            "the row lacks a film or a rating",
            where=where,
            expected="a column title (or id) and a column rating",
        )
    try:
        return str(title).strip(), float(stars)
    except (TypeError, ValueError):
        raise DataError(f"{stars!r} is not a number", where=where, expected="stars") from None
