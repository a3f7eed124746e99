"""Batches and the negatives in them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.data import sampling
from matinee.data.batches import RatingBatches, SampledBatches
from matinee.data.interactions import Interactions
from matinee.data.sampling import NegativeSampler, fixed_sample
from matinee.errors import DataError

pairs = st.sets(st.tuples(st.integers(0, 9), st.integers(0, 14)), min_size=1, max_size=100)


def interactions(chosen: set[tuple[int, int]]) -> Interactions:
    """Pairs as interactions of 10 people and 16 films, the last never rated."""
    whole = Interactions.build(np.arange(10), np.full(10, 15))
    users, items = zip(*sorted(chosen), strict=True)
    return Interactions.build(users, items, user_ids=whole.user_ids, catalogue=whole.catalogue)


@given(pairs, st.integers(0, 2**31), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_negative_is_never_a_known_positive(
    chosen: set[tuple[int, int]], seed: int, searching: bool
) -> None:
    data = interactions(chosen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "BITMAP_BYTES", 0 if searching else 1 << 30)
        sampler = NegativeSampler(data)
    users = np.repeat(np.arange(10, dtype=np.int32), 20)
    drawn = sampler.sample(users, np.arange(len(users)), seed)
    assert not chosen & set(zip(users.tolist(), drawn.tolist(), strict=True))
    assert drawn.min() >= 0
    assert drawn.max() < 16


def test_negatives_are_uniform_over_what_is_unknown() -> None:
    data = interactions({(0, i) for i in range(0, 15, 2)} | {(1, 1)})
    users = np.zeros(70_000, np.int32)
    drawn = NegativeSampler(data).sample(users, np.arange(len(users)), 0)
    counts = np.bincount(drawn, minlength=16)
    assert set(counts.nonzero()[0]) == {1, 3, 5, 7, 9, 11, 13, 15}
    expected = 70_000 / 8
    assert (np.abs(counts[counts > 0] - expected) < 5 * np.sqrt(expected)).all()


def test_one_unknown_film_among_many_is_found() -> None:
    data = Interactions.build(np.zeros(4095, int), np.delete(np.arange(4096), 17))
    drawn = NegativeSampler(data).sample(np.zeros(50, np.int32), np.arange(50), 0)
    assert (drawn == 17).all()


def test_somebody_who_rated_everything_is_told_of() -> None:
    with pytest.raises(DataError, match="rated every film"):
        NegativeSampler(Interactions.build([0, 0, 1], [0, 1, 0]))


@given(pairs, st.integers(1, 40), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_an_epoch_shows_every_positive_once(
    chosen: set[tuple[int, int]], batch_size: int, negatives: int
) -> None:
    batches = SampledBatches(
        interactions(chosen), negatives=negatives, batch_size=batch_size, seed=1
    )
    shown: list[tuple[int, int]] = []
    for step in range(len(batches)):
        batch = batches.batch(2, step)
        assert batch["items"].shape == (len(batch["users"]), 1 + negatives)
        assert batch["items"].numel() <= max(batch_size, 1 + negatives)
        shown += zip(batch["users"].tolist(), batch["items"][:, 0].tolist(), strict=True)
    assert sorted(shown) == sorted(chosen)


@pytest.mark.parametrize("kind", ["ratings", "sampled"])
def test_a_batch_is_a_function_of_seed_epoch_and_step(kind: str) -> None:
    data = interactions({(u, i) for u in range(10) for i in range(0, 15, 2)})

    def batches(seed: int) -> RatingBatches | SampledBatches:
        if kind == "ratings":
            return RatingBatches(data, batch_size=7, seed=seed)
        return SampledBatches(data, negatives=2, batch_size=21, seed=seed)

    first, second = batches(1), batches(1)
    for epoch, step in [(3, 2), (0, 0), (3, 1)]:  # in any order, whatever was asked before
        ours, theirs = first.batch(epoch, step), second.batch(epoch, step)
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    others = [batches(2).batch(3, 2), first.batch(4, 2), first.batch(3, 3)]
    assert not any(torch.equal(first.batch(3, 2)["items"], other["items"]) for other in others)


def test_batches_one_below_the_other_are_the_batches_one_by_one() -> None:
    data = interactions({(u, i) for u in range(10) for i in range(0, 15, 2)})
    batches = SampledBatches(data, negatives=3, batch_size=28, seed=4)
    span = batches.span(1, 2, 5)
    singles = [batches.batch(1, step) for step in range(2, 7)]
    for name, tensor in span.items():
        assert torch.equal(tensor, torch.cat([single[name] for single in singles]))
    whole = SampledBatches(data, negatives=3, batch_size=280, seed=4).batch(1, 0)
    assert torch.equal(whole["items"][14:49], span["items"])  # whatever the batch


def test_the_fixed_sample_is_fixed_and_without_repeats() -> None:
    sample = fixed_sample(1000, 64)
    assert torch.equal(sample, fixed_sample(1000, 64))
    assert len(sample.unique()) == 64
    assert torch.equal(fixed_sample(10, 64), torch.arange(10))
