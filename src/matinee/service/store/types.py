"""What the database keeps, as values: people, ratings, marks, keys, models, the log."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.errors import MatineeError

MARKS = ("watchlist", "not_interested", "seen")
"""The kinds of a mark."""

SCOPES = ("read", "write", "admin")
"""What a key may be allowed."""


class NameTaken(MatineeError):
    """A name that another account has."""

    kind = "name_taken"


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who rates.

    Attributes:
        id: 1..64 characters, chosen by the client or random.
        name: The account's name; None while the person is a guest.
        created: When first seen, in Unix seconds.
        epoch: How often their sessions were ended; only those of this epoch are good.
    """

    id: str
    name: str | None
    created: int
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Rating:
    """One person's rating of one film.

    Attributes:
        item: The film's outside id, 1..200 characters.
        rating: Any finite number; the scale is the model's affair.
        time: When it was last given, in Unix seconds.
    """

    item: str
    rating: float
    time: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A film that a person put aside.

    Attributes:
        item: The film's outside id.
        kind: One of `MARKS`.
        time: When, in Unix seconds.
    """

    item: str
    kind: str
    time: int


@dataclass(frozen=True, slots=True)
class Key:
    """An API key, without its secret.

    Attributes:
        id: What stands between the first two underscores of the token.
        name: What the operator calls it.
        scopes: A subset of `SCOPES`.
        digest: SHA-256 of the whole token.
        created: In Unix seconds.
        expires: When it stops being valid, or None.
        revoked: When it was revoked, or None.
    """

    id: str
    name: str
    scopes: frozenset[str]
    digest: bytes
    created: int
    expires: int | None
    revoked: int | None

    def valid(self, now: int) -> bool:
        """Whether the key is neither revoked nor past its time."""
        return self.revoked is None and (self.expires is None or now < self.expires)


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model that the service has been told of.

    Attributes:
        version: What replies name; unique.
        run: The run folder.
        name: The model's name.
        created: When it was added, in Unix seconds.
        active: Whether it is the one that serves; at most one is.
    """

    version: str
    run: str
    name: str
    created: int
    active: bool


@dataclass(frozen=True, slots=True)
class LogRow:
    """One list that was recommended.

    Attributes:
        person: Whom to, or None for someone without a name or id.
        time: In Unix seconds.
        version: The model that made it.
        fallback: Whether it was popularity, for want of anything better.
        items: Outside film ids, best first.
    """

    person: str | None
    time: int
    version: str
    fallback: bool
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogLimits:
    """How much of the recommendation log is kept.

    Attributes:
        rows: The newest so many.
        seconds: Nothing older than this.
    """

    rows: int = 100_000
    seconds: int = 90 * 24 * 3600
