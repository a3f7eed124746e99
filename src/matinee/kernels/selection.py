"""The k best films of each person in one pass; the twins are in `matinee.recommendation`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numba import njit

from matinee.kernels.arrays import Bits, Doubles, Floats, Integers

STRIDE = 64
"""Scores compared with the worst one listed at a time."""

SHARED = 100_000
"""Films for each thread from which their waking is worth it."""

DIFFER, BROKEN = np.uint8(1), np.uint8(2)
"""What the scores of a person with all films are: not all the same; not all numbers."""

# A product and a sum may be one step, but in the order that is written.
IN_ORDER = {"contract", "nsz"}


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


class Films(NamedTuple):
    """Films in the order in which they are looked at, see `matinee.models.filmblocks`.

    Attributes:
        vectors: `[blocks, d, w]`, w films' vectors at a time, side by side; those that are spare
            in the last block count for nothing.
        centres: `[chunks, d, c]`, the centres of c blocks at a time, side by side.
        radii: `[blocks]`, how far any film of a block is from its centre at most.
        most: `[blocks]`, how long the vector of any film from a block on is at most.
        rank: `[n]`, each film's place among films of equal score.
    """

    vectors: Floats
    centres: Floats
    radii: Doubles
    most: Doubles
    rank: Integers


class Barred(NamedTuple):
    """What people must not get.

    Attributes:
        offsets: `[B + 1]`, where each person's begin and the last one's end.
        films: Places of films, each person's ascending.
    """

    offsets: Integers
    films: Integers


class Lists(NamedTuple):
    """What is found for each person.

    Attributes:
        items: `[B, k]` places of films.
        values: `[B, k]` their products.
        kinds: `[B]`, see `top_products`.
    """

    items: Integers
    values: Floats
    kinds: Bits


def top_products(
    people: Floats,
    films: Films,
    offsets: Integers,
    barred: Integers,
    k: int,
    threads: int = 1,
    reach: float = 1.0,
) -> tuple[Integers, Floats, Bits]:
    """The k films of highest inner product, without a table of all products.

    A product is at most the product of the two lengths (Cauchy and Schwarz), so that nobody
    needs to look at films once that is less than the worst one listed (Teflioudi et al., 'LEMP:
    Fast retrieval of large entries in a matrix product', SIGMOD 2015). Nor is a block looked at
    where the product with its centre is less by more than the product of length and radius (Ram
    and Gray, 'Maximum inner-product search using cone trees', KDD 2012, theorem 3.1).

    Args:
        people: `[B, d]`.
        films: All films.
        offsets: `[B + 1]`; person b must not get `barred[offsets[b]:offsets[b + 1]]`.
        barred: Places in `films`.
        k: Length of the lists.
        threads: How many may share the films, if these are many.
        reach: How far towards a person, as a share of the radius of its block, a film is
            reckoned to be, 0 to 1; those farther are missed. With 1 there are none.

    Returns:
        Places in `films` `[B, k]`, -1 where nothing was left, their products, minus infinity
        there, and of what kind the products of a person with all these films are `[B]`:
        `DIFFER`, `BROKEN`, both or neither.
    """
    parts = max(min(threads, len(films.rank) // SHARED), 1)
    ascending = Barred(offsets, _ascending(offsets, barred))

    def part(number: int) -> tuple[Integers, Floats, Bits]:
        return _top_products(people, films, (number, parts), ascending, k, reach)

    if parts == 1:
        return part(0)
    with ThreadPoolExecutor(parts) as pool:
        items, values, kinds = zip(*pool.map(part, range(parts)), strict=True)
    merged = _merged(np.stack(items), np.stack(values), films.rank)
    return *merged, np.bitwise_or.reduce(kinds)


@njit(cache=True, nogil=True)
def _ascending(offsets: Integers, items: Integers) -> Integers:
    """Each person's items in ascending order."""
    ordered = np.empty_like(items)
    for person in range(len(offsets) - 1):
        mine = slice(offsets[person], offsets[person + 1])
        ordered[mine] = np.sort(items[mine])
    return ordered


@njit(cache=True, nogil=True)
def _top_products(
    people: Floats,
    films: Films,
    share: tuple[int, int],
    barred: Barred,
    k: int,
    reach: float,
) -> tuple[Integers, Floats, Bits]:
    """What `top_products` gives, of every so many chunks of films, for whom one may hold a film."""
    lists = Lists(*_nothing(len(people), k), np.zeros(len(people), np.uint8))
    lengths, live = _lengths(people), np.arange(len(people))
    first, size = _first_products(people, films), int(films.centres.shape[2])
    for chunk in range(share[0], len(films.centres), share[1]):
        live = _staying(films.most[chunk * size], lengths, live, lists)
        if not len(live):
            break
        within = films.radii[chunk * size : (chunk + 1) * size]
        bounds = _bounds(people, lengths * reach, live, films.centres[chunk], within)
        _look(people, live, bounds, films, chunk * size, first, barred, lists)
    return lists.items, lists.values, lists.kinds


@njit(cache=True, nogil=True)
def _staying(length: float, lengths: Doubles, live: Integers, lists: Lists) -> Integers:
    """For whom a film of a length could be as good as the worst one listed."""
    kept = np.empty_like(live)
    count = 0
    for person in live:
        kept[count] = person
        if length * lengths[person] < lists.values[person, -1]:  # never of NaN
            lists.kinds[person] |= DIFFER  # what is left out is less than what is listed
        else:
            count += 1
    return kept[:count]


@njit(cache=True, nogil=True)
def _bounds(
    people: Floats, lengths: Doubles, live: Integers, centres: Floats, radii: Doubles
) -> Doubles:
    """What no product of each person who is live with a film of each block exceeds."""
    bounds = np.empty((len(live), len(radii)))
    products = np.empty(centres.shape[1], np.float32)
    for place in range(len(live)):
        _products(people[live[place]], centres, products)
        for block in range(len(radii)):
            bounds[place, block] = products[block] + lengths[live[place]] * radii[block]
    return bounds


@njit(cache=True, nogil=True)
def _look(
    people: Floats,
    live: Integers,
    bounds: Doubles,
    films: Films,
    start: int,
    first: Floats,
    barred: Barred,
    lists: Lists,
) -> None:
    """Look at the blocks from `start` on for some people, each of which is loaded once for all."""
    width = films.vectors.shape[2]
    scores = np.empty(width, np.float32)
    for number in range(bounds.shape[1]):
        block = start + number
        found = scores[: len(films.rank) - block * width]
        for place in range(len(live)):
            person = int(live[place])
            if bounds[place, number] < lists.values[person, -1]:  # never of NaN
                lists.kinds[person] |= DIFFER
                continue
            _products(people[person], films.vectors[block], scores)
            if _all_less(found, lists.values[person, -1]):
                lists.kinds[person] |= DIFFER  # from the one that is listed
            else:
                lists.kinds[person] |= _kind(found, first[person])
                _offer_all(found, block * width, barred, person, films.rank, lists)


@njit(cache=True, nogil=True)
def _lengths(people: Floats) -> Doubles:
    """Lengths, a little larger than what rounding can add to any product."""
    slack = 1 + people.shape[1] * 2.0**-22
    return np.sqrt(np.square(people.astype(np.float64)).sum(1)) * slack


@njit(cache=True, nogil=True)
def _offer_all(
    scores: Floats, start: int, barred: Barred, person: int, rank: Integers, lists: Lists
) -> None:
    """Offer a person the films from `start` on that are not barred."""
    items, values = lists.items[person], lists.values[person]
    theirs = barred.films[barred.offsets[person] : barred.offsets[person + 1]]
    for place in range(len(scores)):
        score, film = scores[place], start + place
        if score >= values[-1] and not _among(film, theirs):
            _offer(film, score, rank, items, values)


@njit(cache=True, nogil=True)
def _among(item: int, ascending: Integers) -> bool:
    place = int(np.searchsorted(ascending, item))
    return place < len(ascending) and bool(ascending[place] == item)


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
def _all_less(scores: Floats, worst: np.float32) -> bool:
    """Whether all scores are numbers and less than the worst one listed."""
    other = np.int32(0)  # as wide as a score, so that several are compared at once
    for score in scores:
        other |= np.int32(0) if score < worst else np.int32(1)
    return bool(other == 0)


@njit(cache=True, nogil=True)
def _kind(scores: Floats, first: np.float32) -> np.uint8:
    """Of what kind scores are beside the first of all."""
    differ = broken = False
    for score in scores:
        differ |= score != first
        broken |= score != score  # noqa: PLR0124 - as only NaN is
    return DIFFER * np.uint8(differ) | BROKEN * np.uint8(broken)


@njit(cache=True, nogil=True)
def _first_products(people: Floats, films: Films) -> Floats:
    """Inner products of people `[B]` with the film that is looked at first."""
    first, scores = np.empty(len(people), np.float32), np.empty(films.vectors.shape[2], np.float32)
    for person in range(len(people)):
        _products(people[person], films.vectors[0], scores)
        first[person] = scores[0]
    return first


@njit(cache=True, nogil=True, fastmath=IN_ORDER)
def _products(person: Floats, block: Floats, scores: Floats) -> None:
    """Inner products of a person with a block of films, eight numbers of each at a time.

    All films' sums are made in one order, so that equal vectors have equal products.
    """
    whole = len(person) - len(person) % 8
    scores[:] = 0
    for i in range(0, whole, 8):
        a, b, c, d = person[i], person[i + 1], person[i + 2], person[i + 3]
        e, f, g, h = person[i + 4], person[i + 5], person[i + 6], person[i + 7]
        p, q, r, s = block[i], block[i + 1], block[i + 2], block[i + 3]
        t, u, v, w = block[i + 4], block[i + 5], block[i + 6], block[i + 7]
        for j in range(len(scores)):
            four = a * p[j] + b * q[j] + c * r[j] + d * s[j]
            scores[j] += four + e * t[j] + f * u[j] + g * v[j] + h * w[j]
    for i in range(whole, len(person)):
        a, p = person[i], block[i]
        for j in range(len(scores)):
            scores[j] += a * p[j]


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
