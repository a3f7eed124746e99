"""What a person wants to see, as it stands in the address of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode

from matinee.errors import DataError

FIRST_PAGE, MOST = 24, 240
"""Films on the first page, and at most."""

NAMES = ("genre", "from", "to", "variety", "k")
"""The fields, as they are called in the address."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Genre, years and variety.

    Attributes:
        genre: A genre, or nothing for any.
        first: First year, or None.
        last: Last year, or None.
        variety: 0..100: how unlike each other the films may be.
        k: How many films.
    """

    genre: str = ""
    first: int | None = None
    last: int | None = None
    variety: int = 0
    k: int = FIRST_PAGE

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """Read them from an address.

        Raises:
            DataError: On a value that cannot be meant.
        """
        wishes = cls(
            query.get("genre", "").strip()[:100],
            _number(query, "from", 1, 9999, "a year such as 1984"),
            _number(query, "to", 1, 9999, "a year such as 1999"),
            _number(query, "variety", 0, 100, "0 to 100") or 0,
            _number(query, "k", 1, MOST, f"1 to {MOST}") or FIRST_PAGE,
        )
        if wishes.first and wishes.last and wishes.first > wishes.last:
            return replace(wishes, first=wishes.last, last=wishes.first)
        return wishes

    @property
    def years(self) -> tuple[int | None, int | None] | None:
        """First and last year, or None for any."""
        return None if self.first is None and self.last is None else (self.first, self.last)

    def address(self, k: int | None = None) -> str:
        """The page with these wishes, and `k` films."""
        values = (self.genre, self.first, self.last, self.variety or None, k or self.k)
        return "/?" + urlencode({n: v for n, v in zip(NAMES, values, strict=True) if v})

    def __str__(self) -> str:
        """'Comedy, 1990 to 1999'."""
        years = {
            (False, False): "",
            (True, False): f"from {self.first} on",
            (False, True): f"up to {self.last}",
            (True, True): f"{self.first} to {self.last}",
        }[self.first is not None, self.last is not None]
        return ", ".join(part for part in (self.genre, years) if part)


def _number(query: Mapping[str, str], name: str, low: int, high: int, like: str) -> int | None:
    text = query.get(name, "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 9 and low <= int(text) <= high:
        return int(text)
    raise DataError(f"{text[:40]!r} cannot be read", where=name, expected=like)
