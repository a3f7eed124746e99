"""What is on record of a person, and how it joins what they ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from matinee.recommendation import Ask
from matinee.service.store import Mark, Rating

Record = tuple[Sequence[Rating], Sequence[Mark]]
"""A person's ratings and marks, as `Store.history` gives them."""

Records = Callable[[Sequence[str]], Mapping[str, Record]]
"""The records of people by id, as `Store.histories` gives them."""

HIDDEN = frozenset({"seen", "not_interested"})
"""Marks that keep a film out of lists."""


def known(ask: Ask, person: str, record: Record) -> Ask:
    """What is asked, with what is on record of the person."""
    ratings, marks = record
    return replace(
        ask,
        user=person,
        history=[(given.item, given.rating, given.time) for given in ratings],
        hidden=[mark.item for mark in marks if mark.kind in HIDDEN],
    )
