"""The k best films of each person in one pass; the twins are in `matinee.recommendation`."""

from __future__ import annotations

import numpy as np
from numba import njit

from matinee.kernels.arrays import Bits, Floats, Integers

GROUP = 8
"""People for whom a film's vector is read once; each has a bit of a byte."""

DIFFER, BROKEN = np.uint8(1), np.uint8(2)
"""What the scores of a person with all films are: not all the same; not all numbers."""

# Sums may be made in any order; unlike with all of `fastmath`, NaN stays NaN.
SUMS = {"reassoc", "contract", "nsz"}


@njit(cache=True, nogil=True)
def top(scores: Floats, k: int, rank: Integers) -> tuple[Integers, Floats]:
    """The k films of highest score; among equals, those of lowest rank.

    Args:
        scores: `[B, n]` without NaN.
        k: 1 to n.
        rank: `[n]` each film's place among equals.

    Returns:
        Film integers `[B, k]` and their scores, best first.
    """
    items, values = _nothing(len(scores), k)
    for person in range(len(scores)):
        listed, theirs, row = items[person], values[person], scores[person]
        found, least = 0, -np.inf
        for film in range(len(row)):
            if found < k or row[film] >= least:
                found = _offer(listed, theirs, found, film, row[film], rank)
                least = theirs[k - 1]
    return items, values


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
    found, first = np.zeros(len(people), np.int64), np.zeros(len(people), np.float32)
    k = items.shape[1]
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
            good = found[person] < k or score >= values[person, k - 1]
            if good and not hidden[film] >> person & 1:
                found[person] = _offer(
                    items[person], values[person], found[person], film, score, rank
                )


@njit(cache=True, nogil=True)
def _nothing(people: int, k: int) -> tuple[Integers, Floats]:
    return np.full((people, k), -1, np.int64), np.full((people, k), -np.inf, np.float32)


@njit(cache=True, nogil=True)
def _offer(
    items: Integers, values: Floats, found: int, film: int, score: np.float32, rank: Integers
) -> int:
    """Put a film where it belongs among the best so far, if it does; how many there are now."""
    k = len(items)
    if found == k:
        last = k - 1
        if score < values[last] or (score == values[last] and rank[film] > rank[items[last]]):
            return found
        place = last
    else:
        place = found
        found += 1
    while place and (
        values[place - 1] < score
        or (values[place - 1] == score and rank[items[place - 1]] > rank[film])
    ):
        values[place], items[place] = values[place - 1], items[place - 1]
        place -= 1
    values[place], items[place] = score, film
    return found
