"""Ratings: one a person and film, the newest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl
from sqlalchemy import Connection, bindparam, delete, select

from matinee.service.store import people
from matinee.service.store.schema import ratings
from matinee.service.store.types import Rating
from matinee.service.store.upserting import upsert

_COLUMNS = (ratings.c.item, ratings.c.rating, ratings.c.time)
_OF = (
    select(*_COLUMNS)
    .where(ratings.c.person == bindparam("person"))
    .order_by(ratings.c.time, ratings.c.item)
)
_ONE = select(*_COLUMNS).where(
    ratings.c.person == bindparam("person"), ratings.c.item == bindparam("item")
)
_ALL = select(ratings.c.person, *_COLUMNS).order_by(ratings.c.person, ratings.c.item)
_REMOVE = delete(ratings).where(
    ratings.c.person == bindparam("person"), ratings.c.item == bindparam("item")
)

PIECE = 50_000
"""Rows fetched at a time when all are."""

FRAME = {"user": pl.String, "item": pl.String, "rating": pl.Float64, "time": pl.Int64}


def of(connection: Connection, person: str) -> list[Rating]:
    """A person's ratings, oldest first, then by film."""
    return [Rating(*row) for row in connection.execute(_OF, {"person": person}).all()]


def one(connection: Connection, person: str, item: str) -> Rating | None:
    """A person's rating of a film."""
    row = connection.execute(_ONE, {"person": person, "item": item}).first()
    return None if row is None else Rating(*row)


def put(connection: Connection, person: str, rating: Rating, now: int) -> Rating | None:
    """Keep a rating, in the place of an earlier one, which is returned."""
    people.hold(connection, person, now)
    before = one(connection, person, rating.item)
    connection.execute(upsert(connection, ratings), _row(person, rating))
    return before


def put_many(connection: Connection, person: str, given: Sequence[Rating], now: int) -> int:
    """Keep the ratings that are not older than what is there of the same film; how many."""
    people.hold(connection, person, now)
    there = {rating.item: rating for rating in of(connection, person)}
    taken = [
        rating
        for rating in _newest(given)
        if rating.item not in there or there[rating.item].time <= rating.time
    ]
    if taken:
        connection.execute(upsert(connection, ratings), [_row(person, rating) for rating in taken])
    return len(taken)


def remove(connection: Connection, person: str, item: str) -> Rating | None:
    """Take a rating back; what it was."""
    if not people.locked(connection, person):
        return None
    before = one(connection, person, item)
    if before is not None:
        connection.execute(_REMOVE, {"person": person, "item": item})
    return before


def everything(connection: Connection) -> pl.DataFrame:
    """All ratings of all people, by person and film: user, item, rating, time."""
    rows = connection.execution_options(yield_per=PIECE).execute(_ALL)
    pieces = [
        pl.DataFrame([tuple(row) for row in piece], schema=FRAME, orient="row")
        for piece in rows.partitions()
    ]
    return pl.concat(pieces) if pieces else pl.DataFrame(schema=FRAME)


def _newest(given: Iterable[Rating]) -> list[Rating]:
    # Sorting is stable: of two with one time, the later in the list stays.
    return list({r.item: r for r in sorted(given, key=lambda rating: rating.time)}.values())


def _row(person: str, rating: Rating) -> dict[str, str | float | int]:
    return {
        "person": person,
        "item": rating.item,
        "rating": rating.rating,
        "time": rating.time,
    }
