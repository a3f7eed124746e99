"""Films in blocks of like length and direction."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.models import filmblocks
from matinee.models.filmblocks import CHUNK, WIDTH, FilmBlocks


def drawn(films: int, dim: int, seed: int = 0) -> torch.Tensor:
    random = np.random.default_rng(seed)
    lengths = random.lognormal(sigma=0.5, size=(films, 1))
    return torch.from_numpy((random.normal(size=(films, dim)) * lengths).astype(np.float32))


@settings(deadline=None, max_examples=30)
@given(films=st.integers(1, 1500), dim=st.integers(1, 9), seed=st.integers(0, 99))
def test_blocks_hold_every_film_once_and_bound_every_product(
    films: int, dim: int, seed: int
) -> None:
    vectors = drawn(films, dim, seed)
    blocks = FilmBlocks.from_vectors(vectors, np.arange(films)[::-1].copy())
    assert sorted(blocks.order.tolist()) == list(range(films))
    assert (blocks.order[blocks.places] == np.arange(films)).all()
    assert (blocks.rank == films - 1 - blocks.order).all()
    beside = blocks.vectors.transpose(0, 2, 1).reshape(-1, dim)
    assert (beside[:films] == vectors.numpy()[blocks.order]).all()
    person = drawn(1, dim, seed + 100)[0].numpy()
    products, which = beside[:films] @ person, np.arange(films) // WIDTH
    length, centres = np.linalg.norm(person.astype(np.float64)), blocks.centre(which)
    assert (products <= centres @ person + length * blocks.radii[which]).all()
    assert (products <= length * blocks.most[which] * 1.0001).all()
    assert (np.diff(blocks.most) <= 0).all()
    assert blocks.centres.shape == (-(-len(blocks.radii) // CHUNK), dim, CHUNK)


def test_a_block_has_films_of_like_direction() -> None:
    """Four heaps of one length, farther apart one way than the other, in one band."""
    random = np.random.default_rng(0)
    heap = random.permutation(np.repeat(np.arange(4), WIDTH))
    vectors = np.array([[3, 1, 0], [3, -1, 0], [-3, 1, 0], [-3, -1, 0]])[heap].astype(np.float64)
    vectors += 0.01 * random.normal(size=vectors.shape)
    blocks = FilmBlocks.from_vectors(torch.from_numpy(vectors.astype(np.float32)), heap)
    heaps = heap[blocks.order].reshape(4, WIDTH)
    assert (heaps == heaps[:, :1]).all()
    assert (blocks.radii < 0.1).all()


def test_long_films_come_before_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filmblocks, "BAND", 2 * WIDTH)
    lengths = drawn(9 * WIDTH, 6).norm(dim=1)
    vectors = drawn(9 * WIDTH, 6)
    blocks = FilmBlocks.from_vectors(vectors, np.arange(9 * WIDTH))
    bands = lengths[blocks.order].split(2 * WIDTH)
    for longer, shorter in pairwise(bands):
        assert longer.min() >= shorter.max()


def test_a_film_of_no_numbers_stands_in_the_first_band() -> None:
    vectors = drawn(5 * WIDTH, 4)
    vectors[-1, 2] = torch.nan
    blocks = FilmBlocks.from_vectors(vectors, np.arange(len(vectors)))
    block = int(blocks.places[-1]) // WIDTH
    assert block < 4
    assert np.isinf(blocks.most[: block + 1]).all()
    assert np.isnan(blocks.radii[block])
