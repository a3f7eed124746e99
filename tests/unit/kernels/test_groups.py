"""Entries of a step by row: what is summed in lanes, and then over them, is what NumPy sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

pytest.importorskip("numba")

ROWS = 12


@given(
    st.lists(st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=40), min_size=1, max_size=3),
    st.integers(1, 50),
)
@settings(max_examples=60, deadline=None)
def test_sums_over_lanes_are_sums_of_rows(steps: list[list[int]], lane: int) -> None:
    from matinee.kernels.groups import group, make_groups  # noqa: PLC0415 - needs numba

    memory = make_groups(max(map(len, steps)), ROWS)
    for step in steps:  # the same memory for all of them
        entries = np.array(step)
        groups = group(entries, lane, memory)
        assert_array_equal(groups.rows[groups.slots], entries)
        assert_array_equal(groups.rows, list(dict.fromkeys(step)))
        assert_array_equal(groups.counts, np.bincount(groups.slots))
        own = np.searchsorted(groups.lanes, groups.sums, side="right") - 1
        assert_array_equal(own, np.arange(len(entries)) // lane)
        weights = np.arange(1, len(entries) + 1)
        sums = np.bincount(groups.sums, weights, minlength=len(groups.order))
        assert len(sums) == len({(a, b) for a, b in zip(own.tolist(), step, strict=True)})
        totals = np.add.reduceat(sums[groups.order], groups.bounds[:-1])
        assert_array_equal(totals, np.bincount(groups.slots, weights))
