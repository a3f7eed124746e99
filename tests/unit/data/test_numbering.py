"""Ids to integers, and which rating of a pair counts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.data.numbering import losers, number, sort_ids


@given(st.lists(st.integers(-(2**40), 2**40), max_size=30), st.booleans())
def test_numbers_are_numbered_in_order(ids: list[int], near: bool) -> None:
    ids = [i % 50 - 9 for i in ids] if near else ids
    for column in (pl.Series(ids, dtype=pl.Int64), pl.Series(map(str, ids), dtype=pl.String)):
        places, names = number(column)
        assert names.to_list() == [str(i) for i in sorted(set(ids))]
        assert [names[int(p)] for p in places] == [str(i) for i in ids]


@given(st.lists(st.text("ab01é ", min_size=1), max_size=30))
def test_text_is_numbered_in_order(ids: list[str]) -> None:
    places, names = number(pl.Series(ids, dtype=pl.String))
    assert [names[int(p)] for p in places] == ids
    assert names.n_unique() == len(names)


@pytest.mark.parametrize(
    ("ids", "ordered"),
    [
        (["10", "9"], ["9", "10"]),
        (["10", "9", "x"], ["10", "9", "x"]),
        (["10", "09"], ["09", "10"]),
        (["-1", "-10", "0"], ["-10", "-1", "0"]),
    ],
)
def test_only_plain_whole_numbers_count_as_numbers(ids: list[str], ordered: list[str]) -> None:
    assert sort_ids(pl.Series(ids)).to_list() == ordered


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4)), max_size=40),
    st.booleans(),
    st.booleans(),
)
def test_losers_against_a_dictionary(
    rows: list[tuple[int, int, int]], timed: bool, in_order: bool
) -> None:
    rows = sorted(rows) if in_order else rows
    winners: dict[tuple[int, int], int] = {}
    for row, (user, item, time) in enumerate(rows):
        best = winners.get((user, item))
        if best is None or not timed or time >= rows[best][2]:
            winners[user, item] = row
    users, items, times = (np.array([r[i] for r in rows], np.int32) for i in range(3))
    found = losers(users, items, times if timed else None)
    assert found.tolist() == sorted(set(range(len(rows))) - set(winners.values()))
