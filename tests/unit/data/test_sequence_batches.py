"""Sequences in batches: windows, what is asked about, and when things were rated."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from matinee.data.batches import SequenceBatches
from matinee.data.interactions import Interactions

LENGTHS = np.array([1, 3, 9, 0, 5, 30])


@pytest.fixture
def data() -> Interactions:
    """Person p rates films 0, 1, 2, ... at times 100 p, 100 p + 1, ..."""
    users = np.repeat(np.arange(len(LENGTHS)), LENGTHS)
    places = np.concatenate([np.arange(length) for length in LENGTHS])
    return Interactions.build(users, places, times=100 * users + places)


def test_an_epoch_shows_everyone_once_in_a_window_of_their_own(data: Interactions) -> None:
    batches = SequenceBatches(data, length=5, batch_size=2, seed=0, timed=True)
    people: list[int] = []
    for step in range(len(batches)):
        batch = batches.batch(3, step)
        real = batch["items"] < data.n_items
        assert torch.equal(batch["asked"], real)
        for items, times, row in zip(batch["items"], batch["times"], real, strict=True):
            count = int(row.sum())
            assert row[:count].all()
            person = int(times[0]) // 100
            assert count == min(LENGTHS[person], 5)
            assert items[:count].tolist() == list(range(int(items[0]), int(items[0]) + count))
            assert (100 * person + items[:count]).tolist() == times[:count].tolist()
            people.append(person)
    assert sorted(people) == [0, 1, 2, 4, 5]


def test_windows_change_from_epoch_to_epoch(data: Interactions) -> None:
    batches = SequenceBatches(data, length=5, batch_size=8, seed=0)
    drawn = [batches.batch(epoch, 0)["items"] for epoch in range(60)]
    starts = {int(items[:, 0].max()) for items in drawn}  # of the person with 30 films
    assert min(starts) < 4
    assert max(starts) > 21


def test_a_share_of_what_is_shown_is_asked_about_and_one_at_least(data: Interactions) -> None:
    batches = SequenceBatches(data, length=30, batch_size=8, seed=0, asked=0.2)
    drawn = [batches.batch(epoch, 0) for epoch in range(200)]
    for batch in drawn:
        assert not (batch["asked"] & (batch["items"] == data.n_items)).any()
        assert batch["asked"].any(1).all()
    longest = torch.stack([b["asked"][b["items"][:, -1] < data.n_items].squeeze(0) for b in drawn])
    assert float(longest.float().mean()) == pytest.approx(0.2, abs=0.02)
    assert longest.any(0).all()
    assert torch.equal(batches.batch(7, 0)["asked"], drawn[7]["asked"])
