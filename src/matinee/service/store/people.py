"""People: guests, accounts, and how one becomes the other."""

from __future__ import annotations

import secrets
import unicodedata

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.exc import IntegrityError

from matinee.errors import DataError
from matinee.service.store.schema import people
from matinee.service.store.types import NameTaken, Person
from matinee.service.store.upserting import touch

_COLUMNS = (people.c.id, people.c.name, people.c.created, people.c.epoch)
_BY_ID = select(*_COLUMNS).where(people.c.id == bindparam("id"))
_BY_NAME = select(*_COLUMNS, people.c.passphrase_hash).where(people.c.folded == bindparam("folded"))
_HOLD = select(people.c.id).where(people.c.id == bindparam("id")).with_for_update()
_OTHER = select(people.c.id).where(
    people.c.folded == bindparam("folded"), people.c.id != bindparam("id")
)


def add(connection: Connection, person: str | None, now: int) -> Person:
    """A guest, there already or new; with a random id if none is given."""
    person = secrets.token_urlsafe(16) if person is None else person
    hold(connection, person, now)
    found = find(connection, person)
    assert found is not None
    return found


def find(connection: Connection, person: str) -> Person | None:
    """The person of an id."""
    row = connection.execute(_BY_ID, {"id": person}).first()
    return None if row is None else Person(*row)


def by_name(connection: Connection, name: str) -> tuple[Person, str] | None:
    """The account of a name, with its passphrase hash; upper and lower case are one."""
    row = connection.execute(_BY_NAME, {"folded": fold(name)}).first()
    return None if row is None else (Person(*row[:-1]), row.passphrase_hash)


def hold(connection: Connection, person: str, now: int) -> None:
    """Make sure a person is there, and keep others from changing what is theirs meanwhile."""
    if not locked(connection, person):
        # In PostgreSQL another may have added the person just now: then this waits and locks.
        connection.execute(touch(connection, people), {"id": person, "created": now})


def locked(connection: Connection, person: str) -> bool:
    """Lock a person's row until the transaction ends; whether there is one."""
    return connection.execute(_HOLD, {"id": person}).first() is not None


def sign_up(
    connection: Connection, person: str, name: str, passphrase_hash: str, now: int
) -> Person:
    """Give a guest a name.

    Raises:
        NameTaken: If another account has it.
        DataError: If the person has an account already.
    """
    hold(connection, person, now)
    found = find(connection, person)
    if found is not None and found.name is not None:
        raise DataError("this person has an account already", where="person")
    folded = fold(name)
    if connection.execute(_OTHER, {"folded": folded, "id": person}).first() is not None:
        raise _taken(name)
    try:
        connection.execute(
            update(people)
            .where(people.c.id == person)
            .values(name=name, folded=folded, passphrase_hash=passphrase_hash)
        )
    except IntegrityError:
        raise _taken(name) from None  # someone took it between the two statements
    return Person(person, name, now if found is None else found.created)


def end_sessions(connection: Connection, person: str) -> None:
    """Begin a new epoch of a person's sessions."""
    begin = update(people).where(people.c.id == person).values(epoch=people.c.epoch + 1)
    connection.execute(begin)


def erase(connection: Connection, person: str) -> bool:
    """Take a person away, and by the foreign keys their ratings and marks."""
    return connection.execute(delete(people).where(people.c.id == person)).rowcount > 0


def fold(name: str) -> str:
    """The form in which names are compared."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _taken(name: str) -> NameTaken:
    return NameTaken(f"the name {name!r} is taken", where="name", remedy="Choose another.")
