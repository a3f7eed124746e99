"""Marks: films on the watchlist, not of interest, or seen."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, select

from matinee.service.store import people
from matinee.service.store.schema import marks
from matinee.service.store.types import Mark
from matinee.service.store.upserting import upsert

_OF = (
    select(marks.c.item, marks.c.kind, marks.c.time)
    .where(marks.c.person == bindparam("person"))
    .order_by(marks.c.time, marks.c.item, marks.c.kind)
)
_REMOVE = delete(marks).where(
    marks.c.person == bindparam("person"),
    marks.c.item == bindparam("item"),
    marks.c.kind == bindparam("kind"),
)


def of(connection: Connection, person: str) -> list[Mark]:
    """A person's marks, oldest first, then by film and kind."""
    return [Mark(*row) for row in connection.execute(_OF, {"person": person}).all()]


def put(connection: Connection, person: str, mark: Mark, now: int) -> None:
    """Keep a mark; its time is renewed if it is there."""
    people.hold(connection, person, now)
    connection.execute(upsert(connection, marks), _row(person, mark))


def put_many(connection: Connection, person: str, given: list[Mark], now: int) -> int:
    """Keep the marks that are not older than the same ones there; how many."""
    people.hold(connection, person, now)
    there = {(mark.item, mark.kind): mark.time for mark in of(connection, person)}
    taken = [mark for mark in given if there.get((mark.item, mark.kind), 0) <= mark.time]
    if taken:
        connection.execute(upsert(connection, marks), [_row(person, mark) for mark in taken])
    return len(taken)


def remove(connection: Connection, person: str, item: str, kind: str) -> bool:
    """Take a mark away; whether it was there."""
    found = connection.execute(_REMOVE, {"person": person, "item": item, "kind": kind})
    return found.rowcount > 0


def _row(person: str, mark: Mark) -> dict[str, str | int]:
    return {"person": person, "item": mark.item, "kind": mark.kind, "time": mark.time}
