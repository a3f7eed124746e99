"""A person's ratings as a file: taken along, and brought."""

from __future__ import annotations

import csv
import io
import time
from datetime import UTC, datetime
from typing import Any

from matinee.data.catalogue import Catalogue
from matinee.data.exports import Limits, Matched, guarded, match, read_export
from matinee.service.service import Service
from matinee.service.store import Rating

COLUMNS = ("id", "title", "year", "rating", "timestamp")


def take_along(catalogue: Catalogue, ratings: list[Rating]) -> str:
    """Ratings as CSV, which `bring` reads back exactly.

    Ids and titles that a spreadsheet would take for formulas are guarded by an apostrophe;
    reading takes it off. Films that the catalogue has no more stand there by their id alone.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(_row(catalogue, rating) for rating in ratings)
    return text.getvalue()


def bring(
    service: Service, person: str, content: bytes, kind: str = "auto", *, name: str = "the file"
) -> tuple[Matched, int]:
    """Keep the ratings of an export.

    Args:
        service: Where they are kept.
        person: Whose they are.
        content: The file.
        kind: One of `data.exports.KINDS`.
        name: What to call the file in messages.

    Returns:
        What was matched, and how many ratings are new or newer.

    Raises:
        DataError: If the file cannot be read.
    """
    limits = Limits(file_bytes=service.settings.max_upload_bytes)
    export = read_export(content, kind, name=name, limits=limits)
    matched = match(export, service.artefact.titles, service.scale)
    now = int(time.time())
    rows = zip(matched.items, matched.ratings, matched.times, strict=True)
    ratings = [Rating(item, stars, _given(at, now)) for item, stars, at in rows]
    return matched, service.store.rate_many(person, ratings) if ratings else 0


def _row(catalogue: Catalogue, rating: Rating) -> list[Any]:
    film = catalogue.ids.find(rating.item)
    title, year = ("", None) if film is None else catalogue.rows[film][1:3]
    stars = str(rating.rating).removesuffix(".0")
    when = datetime.fromtimestamp(rating.time, UTC).strftime("%Y-%m-%d %H:%M:%S")
    shown = title if title.strip() else rating.item  # a row without a title is not read
    return [guarded(rating.item), guarded(shown), year, stars, when]


def _given(at: int | None, now: int) -> int:
    """When a rating was given: not in the future, nor before there were computers."""
    return now if at is None else min(max(at, 0), now)
