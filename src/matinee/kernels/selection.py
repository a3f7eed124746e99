"""The k best films of each person in one pass; the twins are in `matinee.recommendation`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numba import njit

from matinee.kernels.arrays import Bits, Floats, Integers

STRIDE = 64
"""Scores compared with the worst one listed at a time."""

GROUP = 8
"""People for whom a film's vector is read once; each has a bit of a byte."""

ABREAST = 4
"""People whose sums are made at once, as many as the registers hold; divides `GROUP`."""

SHARED = 100_000
"""Films for each thread from which their waking is worth it."""

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


def top_products(
    people: Floats,
    films: Floats,
    offsets: Integers,
    barred: Integers,
    k: int,
    rank: Integers,
    threads: int = 1,
) -> tuple[Integers, Floats, Bits]:
    """The k films of highest inner product, without a table of all products.

    Args:
        people: `[B, d]`.
        films: `[n, d]`.
        offsets: `[B + 1]`; person b must not get `barred[offsets[b]:offsets[b + 1]]`.
        barred: Film integers.
        k: Length of the lists.
        rank: `[n]` each film's place among equals.
        threads: How many may share the films, if these are many.

    Returns:
        Film integers `[B, k]`, -1 where nothing was left, their products, minus infinity
        there, and of what kind the products of a person with all films are `[B]`:
        `DIFFER`, `BROKEN`, both or neither.
    """
    parts = max(min(threads, len(films) // SHARED), 1)
    bounds = np.linspace(0, len(films), parts + 1).astype(np.int64).tolist()

    def part(span: tuple[int, int]) -> tuple[Integers, Floats, Bits]:
        return _top_products(people, films, span, offsets, barred, k, rank)

    if parts == 1:
        return part((0, len(films)))
    with ThreadPoolExecutor(parts) as pool:
        items, values, kinds = zip(*pool.map(part, pairwise(bounds)), strict=True)
    merged = _merged(np.stack(items), np.stack(values), rank)
    return *merged, np.bitwise_or.reduce(kinds)


@njit(cache=True, nogil=True)
def _top_products(
    people: Floats,
    films: Floats,
    span: tuple[int, int],
    offsets: Integers,
    barred: Integers,
    k: int,
    rank: Integers,
) -> tuple[Integers, Floats, Bits]:
    """What `top_products` gives, of the films of a span; they differ if from film 0."""
    items, values = _nothing(len(people), k)
    kinds, hidden = np.zeros(len(people), np.uint8), np.empty(len(films), np.uint8)
    for start in range(0, len(people), GROUP):
        rows = slice(start, min(start + GROUP, len(people)))
        hidden[:] = 0
        for person in range(rows.start, rows.stop):
            for film in barred[offsets[person] : offsets[person + 1]]:
                hidden[film] |= 1 << (person - start)
        _scan(people[rows], films, span, hidden, rank, items[rows], values[rows], kinds[rows])
    return items, values, kinds


@njit(cache=True, nogil=True)
def _scan(
    people: Floats,
    films: Floats,
    span: tuple[int, int],
    hidden: Bits,
    rank: Integers,
    items: Integers,
    values: Floats,
    kinds: Bits,
) -> None:
    """The lists of a group, from the scores of `STRIDE` films at a time."""
    filled = np.zeros((-(-len(people) // ABREAST) * ABREAST, people.shape[1]), np.float32)
    filled[: len(people)] = people
    scores, first = np.empty((2, len(filled), STRIDE), np.float32)
    _all_products(filled, films[:1], first)
    for start in range(span[0], span[1], STRIDE):
        block = films[start : min(start + STRIDE, span[1])]
        _all_products(filled, block, scores)
        for person in range(len(people)):
            row, worst = scores[person, : len(block)], values[person, -1]
            differ, broken, reach = _judged(row, first[person, 0], worst)
            kinds[person] |= DIFFER * differ | BROKEN * broken
            if not reach:
                continue
            for film in range(start, start + len(block)):
                score = row[film - start]
                if score >= values[person, -1] and not hidden[film] >> person & 1:
                    _offer(film, score, rank, items[person], values[person])


@njit(cache=True, nogil=True)
def _merged(items: Integers, values: Floats, rank: Integers) -> tuple[Integers, Floats]:
    """The best of several lists `[parts, B, k]` of each person."""
    best, highest = _nothing(items.shape[1], items.shape[2])
    for part in range(len(items)):
        for person in range(len(best)):
            for place in range(items.shape[2]):
                film, score = items[part, person, place], values[part, person, place]
                _offer(film, score, rank, best[person], highest[person])
    return best, highest


@njit(cache=True, nogil=True)
def _judged(scores: Floats, first: np.float32, worst: np.float32) -> tuple[bool, bool, bool]:
    """Whether any score is another than the first, no number, or as good as the worst listed."""
    differ = broken = reach = False
    for score in scores:
        differ |= score != first
        broken |= score != score  # noqa: PLR0124 - as only NaN is
        reach |= score >= worst
    return differ, broken, reach


@njit(cache=True, nogil=True)
def _all_products(people: Floats, films: Floats, scores: Floats) -> None:
    """Inner products of people, a multiple of `ABREAST`, with a block of films."""
    for start in range(0, len(people), ABREAST):
        stop = start + ABREAST
        _products(people[start:stop], films, scores[start:stop])


@njit(cache=True, nogil=True, fastmath=SUMS)
def _products(people: Floats, films: Floats, scores: Floats) -> None:
    """Inner products of `ABREAST` people with films, each of which is loaded once for all."""
    a, b, c, d = people[0], people[1], people[2], people[3]
    p, q, r, s = scores[0], scores[1], scores[2], scores[3]
    for film in range(len(films)):
        row = films[film]
        one = two = three = four = np.float32(0)
        for i in range(len(row)):
            x = row[i]
            one += a[i] * x
            two += b[i] * x
            three += c[i] * x
            four += d[i] * x
        p[film], q[film], r[film], s[film] = one, two, three, four


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
