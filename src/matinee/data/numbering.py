"""Outside ids to integers, in an order that does not depend on the file's."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.vocabulary import IntArray

_WHOLE_NUMBER = r"^(0|-?[1-9]\d{0,17})$"


def sort_ids(ids: pl.Series) -> pl.Series:
    """Each id once, as text: numerically if all are whole numbers, else alphabetically."""
    ids = ids.unique()
    if ids.dtype.is_integer():
        return ids.sort().cast(pl.String)
    if ids.str.contains(_WHOLE_NUMBER).all():
        return ids.cast(pl.Int64).sort().cast(pl.String)
    return ids.sort()


def number(column: pl.Series) -> tuple[IntArray, pl.Series]:
    """The place of each row's id among the sorted ids.

    Args:
        column: `[n]` text or integers, no nulls.

    Returns:
        `[n]` int32 places, and the ids as text.
    """
    if column.dtype.is_integer() and len(column):
        low, high = int(column.min()), int(column.max())  # type: ignore[arg-type]  # not empty
        if high - low < 8 * len(column) + 1_000_000:
            return _number_dense(column, low, high)
    ids = sort_ids(column)
    places = pl.DataFrame({"id": ids.cast(column.dtype)}).with_row_index("place")
    rows = pl.DataFrame({"id": column}).join(places, on="id", how="left", maintain_order="left")
    return rows["place"].cast(pl.Int32).to_numpy(), ids


def _number_dense(column: pl.Series, low: int, high: int) -> tuple[IntArray, pl.Series]:
    """By a look-up table; chunk by chunk, so that no copy of the column is made."""
    chunks = column.get_chunks()
    seen = np.zeros(high - low + 1, np.bool_)
    for chunk in chunks:
        seen[chunk.to_numpy() - low] = True
    place = np.cumsum(seen, dtype=np.int32) - 1
    places = np.empty(len(column), np.int32)
    start = 0
    for chunk in chunks:
        places[start : start + len(chunk)] = place[chunk.to_numpy() - low]
        start += len(chunk)
    return places, pl.Series(np.flatnonzero(seen) + low).cast(pl.String)


def losers(users: IntArray, items: IntArray, times: NDArray[np.integer] | None) -> IntArray:
    """Rows of pairs that are rated again later; in time, and in the file where times tie.

    Args:
        users: `[n]` integers.
        items: `[n]` integers.
        times: `[n]`, or None where only the place in the file tells what is later.
    """
    by_user = np.all(users[1:] >= users[:-1])
    if by_user and np.all((users[1:] > users[:-1]) | (items[1:] > items[:-1])):
        return np.empty(0, np.int32)
    pairs = users.astype(np.int64) * (int(items.max(initial=0)) + 1) + items
    ordered = pl.Series(pairs).sort().to_numpy()
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(repeated):
        return np.empty(0, np.int32)
    rows = np.flatnonzero(np.isin(pairs, repeated))
    late = np.zeros(len(rows)) if times is None else times[rows]
    rows = rows[np.lexsort((late, pairs[rows]))]
    return np.sort(rows[:-1][pairs[rows][1:] == pairs[rows][:-1]]).astype(np.int32)
