"""Sorting rows, against numpy's lexsort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.data import ordering
from matinee.data.ordering import sort_rows


def expected(users, times, items, ratings):
    order = np.lexsort((times, users))
    return users[order], times[order], items[order], ratings[order]


@given(
    st.lists(st.tuples(st.integers(0, 2**31 - 2), st.integers(-(2**62), 2**62 - 1)), max_size=60),
    st.integers(1, 9),
    st.booleans(),
)
def test_any_rows(rows: list[tuple[int, int]], block: int, grouped: bool) -> None:
    if grouped:
        rows = sorted((u % 5, t % 7) for u, t in rows)[::-1]
        rows.sort(key=lambda row: row[0])
    users = np.array([u % 1000 for u, _ in rows], np.int32)
    times = np.array([t for _, t in rows], np.int64)
    items = np.arange(len(rows), dtype=np.int32)
    ratings = items.astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "BLOCK_ROWS", block)
        found = sort_rows(users, times, items, ratings)
    for array, right in zip(found, expected(users, times, items, ratings), strict=True):
        np.testing.assert_array_equal(array, right)


def test_many_rows_cross_block_borders() -> None:
    rng = np.random.default_rng(0)
    n = 300_000
    users = rng.integers(0, 50, n).astype(np.int32)
    times = rng.integers(0, 1000, n)
    items = np.arange(n, dtype=np.int32)
    ratings = items.astype(np.float32)
    for given_users in (users, np.sort(users)):
        found = sort_rows(given_users, times, items, ratings)
        for array, right in zip(found, expected(given_users, times, items, ratings), strict=True):
            np.testing.assert_array_equal(array, right)


def test_rows_in_order_are_not_copied() -> None:
    users, times = np.array([0, 0, 1], np.int32), np.array([5, 5, 1])
    items, ratings = np.array([2, 1, 0], np.int32), np.ones(3, np.float32)
    assert sort_rows(users, times, items, ratings)[2] is items
