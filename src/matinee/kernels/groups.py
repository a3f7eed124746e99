"""Which entries of a step are of the same row of a table."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from matinee.kernels.arrays import Integers, ShortIntegers


class Groups(NamedTuple):
    """Entries by the row they are of.

    Attributes:
        rows: `[m]`, the distinct rows in the order in which they are met; each is a group.
        slots: `[n]`, the group of each entry.
        places: `[n]`, where each entry stands when groups lie one after the other.
        bounds: `[m + 1]`, where groups begin.
        first: `[n_rows]`, all -1, and so again after each use.
    """

    rows: ShortIntegers
    slots: ShortIntegers
    places: ShortIntegers
    bounds: ShortIntegers
    first: ShortIntegers


@njit(nogil=True, cache=True)
def make_groups(entries: int, n_rows: int) -> Groups:
    """Memory for as many entries of a table of so many rows."""
    return Groups(
        np.empty(min(entries, n_rows), np.int32),
        np.empty(entries, np.int32),
        np.empty(entries, np.int32),
        np.empty(min(entries, n_rows) + 1, np.int32),
        np.full(n_rows, -1, np.int32),
    )


@njit(nogil=True, cache=True)
def group(entries: Integers, memory: Groups) -> Groups:
    """Groups of entries `[n]`, each told by its row, in memory for at least as many."""
    rows, slots, places, bounds, first = memory
    n, count = len(entries), 0
    for entry in range(n):
        row = entries[entry]
        slot = first[row]
        if slot < 0:
            slot = first[row] = count
            rows[count], bounds[count + 1] = row, 0
            count += 1
        slots[entry] = slot
        bounds[slot + 1] += 1
    at = bounds[0] = 0
    for slot in range(count):  # for now, where the group itself begins
        size = bounds[slot + 1]
        bounds[slot + 1] = at
        at += size
        first[rows[slot]] = -1
    for entry in range(n):
        after = slots[entry] + 1
        places[entry] = bounds[after]
        bounds[after] += 1
    return Groups(rows[:count], slots[:n], places[:n], bounds[: count + 1], first)
