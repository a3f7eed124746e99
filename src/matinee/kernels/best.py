"""The best films of many rows of scores; twin: `recommendation.topk.top`."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Integers = NDArray[np.integer]
Floats = NDArray[np.float32]

STRIDE = 64
"""Scores compared with the worst one listed at a time."""


@njit(nogil=True, cache=True)
def select(
    span: tuple[int, int],
    scores: Floats,
    offsets: Integers,
    seen: Integers,
    places: Integers,
    items: Integers,
    values: Floats,
) -> bool:
    """List the best films of some rows, without those seen.

    Args:
        span: The first row and the one after the last.
        scores: `[B, n]`; minus infinity is never listed.
        offsets: `[B + 1]`; row b must not list `seen[offsets[b]:offsets[b + 1]]`.
        seen: Films.
        places: `[n]`; of films scored alike the one with the lowest place comes first.
        items: `[B, k]` of -1, filled, best first.
        values: `[B, k]` of minus infinity, filled.

    Returns:
        False if a score is not a number.
    """
    row = np.empty(scores.shape[1], np.float32)  # a copy: scores may be the model's own memory
    for person in range(span[0], span[1]):
        if not _copied(scores[person], row):
            return False
        row[seen[offsets[person] : offsets[person + 1]]] = -np.inf
        for start in range(0, len(row), STRIDE):
            stop = min(start + STRIDE, len(row))
            if _highest(row[start:stop]) < values[person, -1]:
                continue
            for film in range(start, stop):
                if row[film] >= values[person, -1] and row[film] > -np.inf:
                    _list(film, row[film], places, items[person], values[person])
    return True


@njit(nogil=True, cache=True, inline="always")
def _copied(scores: Floats, row: Floats) -> bool:
    """Copy scores, and say whether all are numbers."""
    wrong = False
    for film in range(len(row)):
        row[film] = scores[film]
        wrong |= scores[film] != scores[film]
    return not wrong


@njit(nogil=True, cache=True, fastmath={"nnan", "nsz"})
def _highest(scores: Floats) -> float:
    """The maximum, told that there are only numbers, without which it takes a branch a score."""
    highest = scores[0]
    for score in scores:
        highest = max(highest, score)
    return highest


@njit(nogil=True, cache=True)
def _list(film: int, score: float, places: Integers, items: Integers, values: Floats) -> None:
    """Put a film where it belongs in a list, if it does; the others move down."""
    place = len(items)
    while place > 0 and (
        score > values[place - 1]
        or (score == values[place - 1] and places[film] < places[items[place - 1]])
    ):
        place -= 1
    for other in range(len(items) - 1, place, -1):
        items[other], values[other] = items[other - 1], values[other - 1]
    if place < len(items):
        items[place], values[place] = film, score
