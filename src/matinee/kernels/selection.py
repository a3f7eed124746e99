"""The k best films of each person in one pass; the twins are in `matinee.recommendation`."""

from __future__ import annotations

import numpy as np
from numba import njit

from matinee.kernels.arrays import Bits, Floats, Integers

STRIDE = 64
"""Scores compared with the worst one listed at a time."""

GROUP = 8
"""People for whom a film's vector is read once; each has a bit of a byte."""

DIFFER, BROKEN = np.uint8(1), np.uint8(2)
"""What the scores of a person with all films are: not all the same; not all numbers."""

# Sums may be made in any order; unlike with all of `fastmath`, NaN stays NaN.
SUMS = {"reassoc", "contract", "nsz"}


@njit(cache=True, nogil=True)
def top(
    scores: Floats, offsets: Integers, seen: Integers, k: int, rank: Integers
) -> tuple[Integers, Floats] | None:
    """The k films of highest score, without what people have seen.

    Args:
        scores: `[B, n]`; minus infinity is never listed.
        offsets: `[B + 1]`; row b must not list `seen[offsets[b]:offsets[b + 1]]`.
        seen: Film integers.
        k: Length of the lists.
        rank: `[n]` each film's place among equals.

    Returns:
        Film integers `[B, k]`, best first, -1 where nothing was left, and their scores, minus
        infinity there; None if a score is not a number.
    """
    items, values = _nothing(len(scores), k)
    row = np.empty(scores.shape[1], np.float32)  # a copy: scores may be the model's own memory
    for person in range(len(scores)):
        if not _copied(scores[person], row):
            return None
        row[seen[offsets[person] : offsets[person + 1]]] = -np.inf
        for start in range(0, len(row), STRIDE):
            stop = min(start + STRIDE, len(row))
            if _highest(row[start:stop]) < values[person, -1]:
                continue
            for film in range(start, stop):
                if row[film] >= values[person, -1]:
                    _offer(film, row[film], rank, items[person], values[person])
    return items, values


@njit(cache=True, nogil=True, inline="always")
def _copied(scores: Floats, row: Floats) -> bool:
    """Copy scores, and say whether all are numbers."""
    wrong = False
    for film in range(len(row)):
        row[film] = scores[film]
        wrong |= np.isnan(scores[film])
    return not wrong


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _highest(scores: Floats) -> float:
    """The maximum, told that there are only numbers, without which it takes a branch a score."""
    highest = scores[0]
    for score in scores:
        highest = max(highest, score)
    return highest


@njit(cache=True, nogil=True)
def top_products(
    people: Floats,
    films: Floats,
    offsets: Integers,
    barred: Integers,
    k: int,
    rank: Integers,
) -> tuple[Integers, Floats, Bits]:
    """The k films of highest inner product, without a table of all products.

    Args:
        people: `[B, d]`.
        films: `[n, d]`.
        offsets: `[B + 1]`; person b must not get `barred[offsets[b]:offsets[b + 1]]`.
        barred: Film integers.
        k: Length of the lists.
        rank: `[n]` each film's place among equals.

    Returns:
        Film integers `[B, k]`, -1 where nothing was left, their products, minus infinity
        there, and of what kind the products of a person with all films are `[B]`:
        `DIFFER`, `BROKEN`, both or neither.
    """
    items, values = _nothing(len(people), k)
    kinds = np.zeros(len(people), np.uint8)
    hidden = np.empty(len(films), np.uint8)
    for start in range(0, len(people), GROUP):
        stop = min(start + GROUP, len(people))
        hidden[:] = 0
        for person in range(start, stop):
            for film in barred[offsets[person] : offsets[person + 1]]:
                hidden[film] |= 1 << (person - start)
        rows = slice(start, stop)
        _scan(people[rows], films, hidden, rank, items[rows], values[rows], kinds[rows])
    return items, values, kinds


@njit(cache=True, nogil=True, fastmath=SUMS)
def _scan(
    people: Floats,
    films: Floats,
    hidden: Bits,
    rank: Integers,
    items: Integers,
    values: Floats,
    kinds: Bits,
) -> None:
    first = np.zeros(len(people), np.float32)
    last = items.shape[1] - 1
    for film in range(len(films)):
        for person in range(len(people)):
            score = np.float32(0.0)
            for i in range(people.shape[1]):
                score += people[person, i] * films[film, i]
            if film == 0:
                first[person] = score
            if score != first[person]:
                kinds[person] |= DIFFER
            if np.isnan(score):
                kinds[person] |= BROKEN
            if score >= values[person, last] and not hidden[film] >> person & 1:
                _offer(film, score, rank, items[person], values[person])


@njit(cache=True, nogil=True)
def _nothing(people: int, k: int) -> tuple[Integers, Floats]:
    return np.full((people, k), -1, np.int64), np.full((people, k), -np.inf, np.float32)


@njit(cache=True, nogil=True)
def _offer(film: int, score: np.float32, rank: Integers, items: Integers, values: Floats) -> None:
    """Put a film where it belongs in a list, if it does; the others move down."""
    if score == -np.inf:
        return
    place = len(items)
    while place and (
        score > values[place - 1]
        or (score == values[place - 1] and rank[film] < rank[items[place - 1]])
    ):
        place -= 1
    for other in range(len(items) - 1, place, -1):
        items[other], values[other] = items[other - 1], values[other - 1]
    if place < len(items):
        items[place], values[place] = film, score
