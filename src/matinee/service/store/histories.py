"""What is on record of people: read for every recommendation, so read by the shortest way."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, null, select, union_all

from matinee.service.store.schema import marks, ratings
from matinee.service.store.types import Mark, Rating

History = tuple[list[Rating], list[Mark]]
"""A person's ratings and marks, each oldest first, then by film (and kind)."""

_PERSON = bindparam("person")

# One statement, so that what it reads is of one moment without a transaction around it.
STATEMENT = union_all(
    select(ratings.c.item, ratings.c.time, null().label("kind"), ratings.c.rating).where(
        ratings.c.person == _PERSON
    ),
    select(marks.c.item, marks.c.time, marks.c.kind, null()).where(marks.c.person == _PERSON),
).order_by("time", "item", "kind")
"""A person's ratings and marks; its parameter is `person`."""


def history(rows: Iterable[tuple[str, int, str | None, float | None]]) -> History:
    """The rows of `STATEMENT` as ratings and marks."""
    given: list[Rating] = []
    made: list[Mark] = []
    for item, time, kind, stars in rows:
        if stars is not None:
            given.append(Rating(item, stars, time))
        elif kind is not None:
            made.append(Mark(item, kind, time))
    return given, made
