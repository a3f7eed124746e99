"""The order of an epoch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.data import shuffling
from matinee.data.interactions import Interactions
from matinee.data.shuffling import Shuffled, ShuffledByPeople

histories = st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(any)


def ratings(counts: list[int]) -> Interactions:
    """People with so many films each."""
    films = np.concatenate([np.arange(count) for count in counts])
    return Interactions.build(np.repeat(np.arange(len(counts)), counts), films)


# Ratings of a block: fewer than somebody has, some people's, more than there are.
@given(st.sampled_from([1, 7, 1000]), histories, st.integers(1, 9), st.integers(1, 4))
def test_an_epoch_has_every_rating_once_however_it_is_cut(
    block: int, counts: list[int], per_batch: int, steps: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shuffling, "BLOCK", block)
        order = ShuffledByPeople(ratings(counts), per_batch, seed=1)
        spans = [order.rows(2, step, steps) for step in range(0, len(order), steps)]
        again = [
            ShuffledByPeople(order.data, per_batch, seed=1).rows(2, step)
            for step in range(len(order))
        ]
    once = np.concatenate(spans)
    assert sorted(once) == list(range(sum(counts)))
    assert np.array_equal(once, np.concatenate(again))  # whatever was asked for before


def test_people_of_a_block_are_done_before_others_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    data = ratings([50] * 40)
    monkeypatch.setattr(shuffling, "BLOCK", 500)
    order = ShuffledByPeople(data, 500, seed=0)
    blocks = [set(data.users[order.rows(0, step)].tolist()) for step in range(4)]
    assert [len(people) for people in blocks] == [10] * 4
    assert len(set.union(*blocks)) == 40
    assert set(data.users[order.rows(1, 0)].tolist()) not in blocks  # others in the next epoch
    within = data.users[order.rows(0, 0)]
    assert (np.diff(within) < 0).any()


def test_what_fits_in_a_block_is_plainly_shuffled() -> None:
    data = ratings([5, 9, 1])
    plain, ours = Shuffled(15, 4, seed=3), ShuffledByPeople(data, 4, seed=3)
    for epoch, step in [(0, 0), (2, 3), (0, 1)]:
        assert np.array_equal(plain.rows(epoch, step), ours.rows(epoch, step))
