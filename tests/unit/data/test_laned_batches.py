"""Ratings in an order that two threads can share."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.data.batches import LanedBatches
from matinee.data.interactions import Interactions

pairs = st.sets(st.tuples(st.integers(0, 12), st.integers(0, 9)), min_size=1, max_size=80)


def interactions(chosen: set[tuple[int, int]]) -> Interactions:
    """Everyone's stars for a film are a number of their own."""
    users, items = np.array(sorted(chosen)).T
    return Interactions.build(users, items, users * 16 + items)


def epoch(batches: LanedBatches) -> dict[str, np.ndarray]:
    """All batches of an epoch, one below the other."""
    return {name: column.numpy() for name, column in batches.span(0, 0, len(batches)).items()}


@given(pairs, st.integers(1, 30), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_an_epoch_shows_every_rating_once(
    chosen: set[tuple[int, int]], batch_size: int, seed: int
) -> None:
    data = interactions(chosen)
    shown = epoch(LanedBatches(data, batch_size=batch_size, seed=seed))
    rows = zip(shown["users"].tolist(), shown["items"].tolist(), shown["ratings"], strict=True)
    expected = zip(data.users.tolist(), data.items.tolist(), data.ratings, strict=True)
    assert sorted(rows) == sorted(expected)


@given(pairs, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_lanes_share_no_row_before_films_change_sides_nor_after(
    chosen: set[tuple[int, int]], seed: int
) -> None:
    batches = LanedBatches(interactions(chosen), batch_size=4, seed=seed)
    shown = epoch(batches)
    for part in (slice(None, batches.turn), slice(batches.turn, None)):
        lanes = shown["lanes"][part]
        for name in ("users", "items"):
            rows = shown[name][part]
            assert not set(rows[lanes == 0]) & set(rows[lanes == 1])


ANY = {"batch_size": 7, "seed": 3}


def test_lanes_take_turns_in_proportion() -> None:
    batches = LanedBatches(interactions({(u, i) for u in range(13) for i in range(10)}), **ANY)
    part = epoch(batches)["lanes"][: batches.turn]
    share = part.cumsum() - part.mean() * np.arange(1, len(part) + 1)
    assert np.abs(share).max() <= 1


def test_batches_are_those_of_a_span_and_a_function_of_the_seed() -> None:
    data = interactions({(u, i) for u in range(10) for i in range(0, 15, 2)})
    one, other = LanedBatches(data, **ANY), LanedBatches(data, **ANY)
    assert [len(one.batch(0, step)["users"]) for step in range(len(one))] == [7] * 11 + [3]
    span = one.span(1, 2, 5)
    for name, column in span.items():
        singles = [other.batch(1, step)[name] for step in range(2, 7)]
        assert torch.equal(column, torch.cat(singles))
    again = LanedBatches(data, batch_size=7, seed=4)
    assert not torch.equal(again.batch(0, 0)["items"], one.batch(0, 0)["items"])


@pytest.mark.parametrize("chosen", [{(0, 0)}, {(0, 0), (0, 1), (0, 2)}])
def test_a_single_person_is_no_special_case(chosen: set[tuple[int, int]]) -> None:
    assert len(LanedBatches(interactions(chosen), batch_size=2, seed=0)) == (len(chosen) + 1) // 2
