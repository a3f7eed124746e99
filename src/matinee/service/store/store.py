"""The store: everything the service keeps, each method one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self, TypeVar

import polars as pl
from sqlalchemy import Connection, text

from matinee.errors import StoreError
from matinee.service.store import (
    absorbing,
    attempts,
    histories,
    keys,
    log,
    marks,
    migrating,
    models,
    people,
    ratings,
    values,
)
from matinee.service.store.backend import Backend
from matinee.service.store.histories import History
from matinee.service.store.places import Place
from matinee.service.store.postgres import Postgres
from matinee.service.store.sqlite import Sqlite
from matinee.service.store.types import Key, LogLimits, LogRow, Mark, ModelRow, Person, Rating

T = TypeVar("T")


def unix_now() -> int:
    """Unix seconds."""
    return int(time.time())


def open_store(
    url: str,
    *,
    create: bool = True,
    limits: LogLimits = LogLimits(),  # noqa: B008 - frozen
    clock: Callable[[], int] = unix_now,
) -> Store:
    """Open a database; an empty one is given its tables.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`.
        create: Make an SQLite file that is not there.
        limits: How much of the recommendation log is kept.
        clock: What time it is, in Unix seconds.

    Raises:
        StoreError: If it cannot be reached or opened, or is of another schema version.
    """
    store = Store(open_backend(url, create=create), limits=limits, clock=clock)
    try:
        store.prepare()
    except BaseException:
        store.close()
        raise
    return store


def open_backend(url: str, *, create: bool) -> Backend:
    """Open a database as it is, of whatever version.

    Raises:
        StoreError: If it cannot be opened.
    """
    place = Place.of(url)
    return Postgres(place) if place.path is None else Sqlite(place, create=create)


class Store:
    """A database that is open. Its methods may be called from any thread.

    What a method accepted is on the disk when it returns. Methods that change what a person
    has make the person if need be. All raise `StoreError` if the database cannot be used, and
    `DataError` for values that cannot be kept.
    """

    def __init__(self, backend: Backend, *, limits: LogLimits, clock: Callable[[], int]) -> None:
        self._backend, self._limits, self._clock = backend, limits, clock
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __str__(self) -> str:
        """Where the database is, without its password."""
        return str(self._backend.place)

    # People

    def add_person(self, id: str | None = None) -> Person:  # noqa: A002
        """A guest of this id, there already or new; the id is random if none is given."""
        person = None if id is None else values.person_id(id)
        return self._write(lambda c: people.add(c, person, self._clock()))

    def person(self, id: str) -> Person | None:  # noqa: A002
        """The person of an id, or None."""
        return self._read(lambda c: people.find(c, values.person_id(id)))

    def account(self, name: str) -> tuple[Person, str] | None:
        """The account of a name, in upper or lower case, and its passphrase hash; or None."""
        return self._read(lambda c: people.by_name(c, values.label(name, "name")))

    def sign_up(self, id: str, name: str, passphrase_hash: str) -> Person:  # noqa: A002
        """Give a guest a name and a passphrase.

        Raises:
            NameTaken: If another account has the name, in upper or lower case.
            DataError: If the person has an account already.
        """
        person, name = values.person_id(id), values.label(name, "name")
        return self._write(
            lambda c: people.sign_up(c, person, name, passphrase_hash, self._clock())
        )

    def absorb(self, guest_id: str, into_id: str) -> int:
        """Move a guest's ratings and marks to someone else, and let the guest go.

        Of two ratings of a film the newer stays; of one second, the guest's.

        Returns:
            The number of ratings and marks that moved.

        Raises:
            UnknownName: If there is nobody to move them to.
            DataError: If the guest is an account.
        """
        guest, into = values.person_id(guest_id), values.person_id(into_id)
        return self._write(lambda c: absorbing.absorb(c, guest, into, self._clock()))

    def end_sessions(self, id: str) -> None:  # noqa: A002
        """Make every session of a person that there is bad."""
        person = values.person_id(id)
        self._write(lambda c: people.end_sessions(c, person))

    def erase_person(self, id: str) -> bool:  # noqa: A002
        """Erase a person with everything of theirs, the log included; whether there was any."""
        person = values.person_id(id)
        return self._write(lambda c: log.erase(c, person) | people.erase(c, person))

    # Ratings

    def rate(
        self,
        person_id: str,
        item: str,
        rating: float,
        *,
        time: int | None = None,
    ) -> Rating | None:
        """Keep a rating, given now or at a time; the one it took the place of, or None."""
        person = values.person_id(person_id)
        now = self._clock()
        given = values.stars(Rating(item, float(rating), now if time is None else time))
        return self._write(lambda c: ratings.put(c, person, given, now))

    def rate_many(self, person_id: str, given: Sequence[Rating]) -> int:
        """Keep many ratings, all or none, but leave newer ones of the same films alone.

        Returns:
            The number of films whose rating was taken.
        """
        person = values.person_id(person_id)
        checked = [values.stars(rating) for rating in given]
        return self._write(lambda c: ratings.put_many(c, person, checked, self._clock()))

    def unrate(self, person_id: str, item: str) -> Rating | None:
        """Take a rating back; what it was, or None."""
        person, item = values.person_id(person_id), values.item_id(item)
        return self._write(lambda c: ratings.remove(c, person, item))

    def ratings(self, person_id: str) -> list[Rating]:
        """A person's ratings, oldest first, then by film."""
        person = values.person_id(person_id)
        return self._read(lambda c: ratings.of(c, person))

    def rating(self, person_id: str, item: str) -> Rating | None:
        """A person's rating of a film, or None."""
        person, item = values.person_id(person_id), values.item_id(item)
        return self._read(lambda c: ratings.one(c, person, item))

    def all_ratings(self) -> pl.DataFrame:
        """All ratings, by person and film: user, item (text), rating (float), time (seconds)."""
        return self._read(ratings.everything)

    # Marks

    def mark(self, person_id: str, item: str, kind: str) -> None:
        """Put a film on the watchlist, or say that it is seen or not of interest."""
        person = values.person_id(person_id)
        made = Mark(values.item_id(item), values.kind_of_mark(kind), self._clock())
        self._write(lambda c: marks.put(c, person, made, made.time))

    def unmark(self, person_id: str, item: str, kind: str) -> bool:
        """Take a mark away; whether it was there."""
        person, item = values.person_id(person_id), values.item_id(item)
        kind = values.kind_of_mark(kind)
        return self._write(lambda c: marks.remove(c, person, item, kind))

    def marks(self, person_id: str) -> list[Mark]:
        """A person's marks, oldest first, then by film and kind."""
        person = values.person_id(person_id)
        return self._read(lambda c: marks.of(c, person))

    def history(self, person_id: str) -> History:
        """A person's ratings and marks as they were at one moment."""
        return self.histories([person_id])[person_id]

    def histories(self, people: Sequence[str]) -> dict[str, History]:
        """The ratings and marks of each of some people, of each as they were at one moment."""
        every = [{"person": values.person_id(person)} for person in people]
        self._check_open()
        found = self._backend.fetch(histories.STATEMENT, every)
        return {person: histories.history(rows) for person, rows in zip(people, found, strict=True)}

    # Keys

    def create_key(
        self, name: str, scopes: Iterable[str], *, expires: int | None = None
    ) -> tuple[Key, str]:
        """A new API key and its token, which is kept nowhere.

        Args:
            name: What the operator calls it.
            scopes: One or more of `SCOPES`.
            expires: Unix seconds.
        """
        name, allowed = values.label(name, "name"), values.scopes(scopes)
        return self._write(lambda c: keys.create(c, name, allowed, expires, self._clock()))

    def key(self, id: str) -> Key | None:  # noqa: A002
        """The key of an id, valid or not; or None."""
        return self._read(lambda c: keys.find(c, id))

    def keys(self) -> list[Key]:
        """All keys, oldest first."""
        return self._read(keys.every)

    def revoke_key(self, id: str) -> bool:  # noqa: A002
        """Make a key invalid for good; False if there is none that was not yet."""
        return self._write(lambda c: keys.revoke(c, id, self._clock()))

    # Models

    def add_model(self, version: str, run: str, name: str) -> None:
        """Remember a model. One that is known keeps its date, and serves on if it does."""
        version = values.label(version, "version")
        run, name = values.label(run, "run"), values.label(name, "model")
        self._write(lambda c: models.add(c, version, run, name, self._clock()))

    def models(self) -> list[ModelRow]:
        """All models, oldest first."""
        return self._read(models.every)

    def active_model(self) -> ModelRow | None:
        """The model that serves, or None before the first."""
        return self._read(models.active)

    def activate_model(self, version: str) -> None:
        """Make a model the one that serves.

        Raises:
            UnknownName: If there is no such version.
        """
        self._write(lambda c: models.activate(c, version))

    # The log, and attempts to sign in

    def log_recommendations(self, rows: Sequence[LogRow]) -> None:
        """Write down what was recommended, and forget what the limits no longer allow."""
        now = self._clock()

        def append(connection: Connection) -> None:
            log.append(connection, rows)
            log.prune(connection, self._limits, now)

        self._write(append)

    def recommendations(self, person_id: str) -> list[LogRow]:
        """What was recommended to a person, oldest first, as far as the log goes back."""
        return self._read(lambda c: log.of(c, values.person_id(person_id)))

    def attempt(self, key: str, *, limit: int, window: int) -> bool:
        """Count an attempt, such as to sign in; False once the limit of the window is passed.

        Args:
            key: Who attempts what. Only its digest is kept, and no longer than the window.
            limit: Attempts allowed in a window.
            window: Seconds, from the first attempt on.
        """
        now = self._clock()
        return self._write(lambda c: attempts.attempt(c, key, limit=limit, window=window, now=now))

    # The database itself

    def prepare(self) -> None:
        """Make the tables of an empty database; refuse one of another version."""
        self._write(migrating.prepare)

    def ping(self) -> None:
        """Raise a `StoreError` unless the database answers."""
        self._read(lambda c: c.execute(text("SELECT 1")).scalar())

    def close(self) -> None:
        """Finish what waits and let go of the database. No other method may follow."""
        if not self._closed:
            self._closed = True
            self._backend.close()

    def _read(self, question: Callable[[Connection], T]) -> T:
        self._check_open()
        return self._backend.read(question)

    def _write(self, change: Callable[[Connection], T]) -> T:
        self._check_open()
        return self._backend.write(change)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("the database has been closed", where=str(self))
