"""A guest signs in: what is theirs moves over to the account."""

from __future__ import annotations

from sqlalchemy import Connection

from matinee.errors import DataError, UnknownName
from matinee.service.store import log, marks, people, ratings


def absorb(connection: Connection, guest: str, into: str, now: int) -> int:
    """Move a guest's ratings and marks, and let the guest go.

    Of two ratings of a film the newer stays; of one second, the guest's.

    Returns:
        The number of ratings and marks that moved.

    Raises:
        UnknownName: If there is no person to move them to.
        DataError: If the guest is an account.
    """
    if guest == into:
        return 0
    for person in sorted((guest, into)):  # in one order everywhere, so that none wait in a ring
        people.locked(connection, person)
    if people.find(connection, into) is None:
        raise UnknownName("there is no such person", where="into")
    found = people.find(connection, guest)
    if found is None:
        return 0
    if found.name is not None:
        raise DataError("only a guest's ratings move over; this is an account", where="guest")
    moved = ratings.put_many(connection, into, ratings.of(connection, guest), now)
    moved += marks.put_many(connection, into, marks.of(connection, guest), now)
    log.move(connection, guest, into)
    people.erase(connection, guest)
    return moved
