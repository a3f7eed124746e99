"""Which entries of a step are of the same row of a table.

Entries lie in lanes, one after the other, which threads may share out among them. What belongs to
a row is summed up in each lane first, in the order of its entries, and then over the lanes, so that
a lane needs no more memory than it has entries, nor anything of another lane.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from matinee.kernels.arrays import Integers, ShortIntegers


class Groups(NamedTuple):
    """Entries by the row they are of.

    Attributes:
        rows: `[m]`, the distinct rows in the order in which they are met.
        counts: `[m]`, the entries of each.
        slots: `[n]`, which of them each entry is of.
        sums: `[n]`, which sum each entry is part of: those of its lane and row.
        lanes: `[lanes + 1]`, where the sums of each lane begin.
        bounds: `[m + 1]`, where those of each row begin in `order`.
        order: `[sums]`, all sums by row.
        first: `[n_rows]`, all -1, and so again after each use.
    """

    rows: ShortIntegers
    counts: ShortIntegers
    slots: ShortIntegers
    sums: ShortIntegers
    lanes: ShortIntegers
    bounds: ShortIntegers
    order: ShortIntegers
    first: ShortIntegers


@njit(nogil=True, cache=True)
def make_groups(entries: int, n_rows: int) -> Groups:
    """Memory for as many entries of a table of so many rows."""
    most = min(entries, n_rows)
    return Groups(
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty(entries, np.int32),
        np.empty(entries, np.int32),
        np.zeros(entries + 1, np.int32),
        np.zeros(most + 1, np.int32),
        np.empty(entries, np.int32),
        np.full(n_rows, -1, np.int32),
    )


@njit(nogil=True, cache=True)
def group(entries: Integers, lane: int, memory: Groups) -> Groups:
    """Groups of entries `[n]`, each told by its row, in memory for at least as many."""
    n, met = len(entries), memory.order
    lanes, slots, sums = memory.lanes[: -(-n // lane) + 1], memory.slots[:n], memory.sums[:n]
    for number in range(len(lanes) - 1):
        here = slice(number * lane, min((number + 1) * lane, n))
        lanes[number + 1] = _lane(entries[here], lanes[number], memory.first, met, sums[here])
    count, distinct = lanes[-1], 0
    rows, counts, bounds, of = (
        memory.rows,
        memory.counts,
        memory.bounds,
        np.empty_like(met[: lanes[-1]]),
    )
    for one in range(count):
        memory.first[met[one]] = -1
    for one in range(count):
        row = met[one]
        slot = memory.first[row]
        if slot < 0:
            slot = memory.first[row] = distinct
            rows[slot], counts[slot], bounds[slot + 1] = row, 0, 0
            distinct += 1
        of[one] = slot
        bounds[slot + 1] += 1
    rows, counts, bounds = rows[:distinct], counts[:distinct], bounds[: distinct + 1]
    for row in rows:
        memory.first[row] = -1
    for entry in range(n):
        slots[entry] = of[sums[entry]]
        counts[slots[entry]] += 1
    _order(of, bounds, memory.order)
    return Groups(rows, counts, slots, sums, lanes, bounds, memory.order[:count], memory.first)


@njit(nogil=True, cache=True)
def _lane(
    entries: Integers, begin: int, first: ShortIntegers, met: ShortIntegers, sums: ShortIntegers
) -> int:
    """Number the distinct rows of a lane from `begin`, noting them; where numbers end.

    What `first` says of former lanes is below `begin`.
    """
    count = begin
    for entry in range(len(entries)):
        row = entries[entry]
        if first[row] < begin:
            first[row], met[count] = count, row
            count += 1
        sums[entry] = first[row]
    return count


@njit(nogil=True, cache=True)
def _order(of: ShortIntegers, bounds: ShortIntegers, order: ShortIntegers) -> None:
    """Sort by counting: `bounds`, from 1, goes from the sizes of groups to where they end."""
    at = 0
    for slot in range(1, len(bounds)):  # for now, where groups begin
        size = bounds[slot]
        bounds[slot] = at
        at += size
    for one in range(len(of)):
        after = of[one] + 1
        order[bounds[after]] = one
        bounds[after] += 1
