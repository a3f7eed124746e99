"""What may be written into the database at all: the same for both kinds of it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from matinee.errors import DataError, unknown
from matinee.service.store.schema import ITEM_ID, PERSON_ID
from matinee.service.store.types import MARKS, SCOPES, Rating

LATEST = 253_402_300_799
"""The last second of the year 9999."""


def person_id(value: str) -> str:
    """Check a person's id.

    Raises:
        DataError: Unless it is 1..64 characters that both databases can keep.
    """
    return _text(value, "person", PERSON_ID)


def item_id(value: str) -> str:
    """Check a film's outside id.

    Raises:
        DataError: Unless it is 1..200 characters that both databases can keep.
    """
    return _text(value, "film", ITEM_ID)


def label(value: str, where: str) -> str:
    """Check a name or a version that people read.

    Raises:
        DataError: Unless it is 1..200 characters that both databases can keep.
    """
    return _text(value, where, 200, sort="a text")


def stars(rating: Rating) -> Rating:
    """Check a rating: its film, its number, its time.

    Raises:
        DataError: If one of them cannot be kept.
    """
    item_id(rating.item)
    if not math.isfinite(rating.rating):
        raise DataError(
            "the rating is not a number", where=f"film {rating.item!r}", expected="a finite number"
        )
    if not 0 <= rating.time <= LATEST:
        raise DataError(
            f"the time {rating.time} is out of range",
            where=f"film {rating.item!r}",
            expected="Unix seconds from 0, up to the year 9999",
        )
    return rating


def kind_of_mark(value: str) -> str:
    """Check the kind of a mark.

    Raises:
        UnknownName: If there is no such kind.
    """
    if value not in MARKS:
        raise unknown("mark", value, MARKS)
    return value


def scopes(values: Iterable[str]) -> frozenset[str]:
    """Check what a key is to be allowed.

    Raises:
        UnknownName: If there is no such scope.
        DataError: If there is none at all.
    """
    wanted = frozenset(values)
    for value in sorted(wanted):
        if value not in SCOPES:
            raise unknown("scope", value, SCOPES)
    if not wanted:
        raise DataError("a key needs a scope", expected="one or more of " + ", ".join(SCOPES))
    return wanted


def _text(value: str, where: str, longest: int, *, sort: str = "an id") -> str:
    if not 1 <= len(value) <= longest:
        raise DataError(
            f"{sort} of {len(value)} characters",
            where=where,
            expected=f"1 to {longest} characters",
        )
    # PostgreSQL keeps no NUL, and half of a surrogate pair is no text in either database.
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise DataError(
            f"{sort} with a character that cannot be stored",
            where=where,
            expected="Unicode text without NUL",
        )
    return value
