"""The compiled scan of inner products, held against plain sorting."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numba")

from matinee.kernels import selection
from matinee.models.filmblocks import CHUNK, WIDTH, FilmBlocks


def blocks_of(vectors: np.ndarray, rank: np.ndarray | None = None) -> FilmBlocks:
    """Films in the order in which they are looked at; those of high numbers come last of equals."""
    rank = np.arange(len(vectors)) if rank is None else rank
    return FilmBlocks.from_vectors(torch.from_numpy(vectors), rank)


def looked_at(films: FilmBlocks) -> selection.Films:
    """What the scan is told of them."""
    return selection.Films(films.vectors, films.centres, films.radii, films.most, films.rank)


@settings(deadline=None)
@given(
    people=st.integers(1, 40),
    films=st.one_of(st.integers(1, 30), st.integers(100, 300)),
    dim=st.sampled_from([3, 8, 17]),
    k=st.integers(1, 12),
    threads=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_products_are_sorted_without_what_is_barred(
    people: int, films: int, dim: int, k: int, threads: int, seed: int
) -> None:
    """Whole numbers, so that sums are exact and many tie."""
    rng = np.random.default_rng(seed)
    left = rng.integers(-2, 3, (people, dim)).astype(np.float32)
    right = rng.integers(-2, 3, (films, dim)).astype(np.float32)
    barred = [rng.choice(films, rng.integers(0, films + 1), replace=False) for _ in range(people)]
    rank = rng.permutation(films)
    offsets = np.cumsum([0, *map(len, barred)])
    blocks = blocks_of(right, rank)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "SHARED", 7)
        found = selection.top_products(
            left, looked_at(blocks), offsets, blocks.places[np.concatenate(barred)], k, threads
        )
    for person, (places, values, kind) in enumerate(zip(*found, strict=True)):
        items = np.where(places < 0, -1, blocks.order[places])
        scores = right @ left[person]
        open_to = [film for film in range(films) if film not in barred[person]]
        expected = sorted(open_to, key=lambda film: (-scores[film], rank[film]))[:k]
        assert items.tolist() == expected + [-1] * (k - len(expected))
        assert values[: len(expected)].tolist() == scores[expected].tolist()
        assert np.isneginf(values[len(expected) :]).all()
        assert bool(kind & selection.DIFFER) == bool((scores != scores[0]).any())


def test_films_too_short_to_be_listed_are_not_looked_at() -> None:
    """The shortest would be noticed: they are no numbers, though their lengths are told."""
    count = 3 * CHUNK * WIDTH
    vectors = np.ones((count, 2), np.float32) / np.arange(1, count + 1, dtype=np.float32)[:, None]
    blocks = blocks_of(vectors)
    films = looked_at(blocks)
    films.vectors[blocks.places[-1] // WIDTH] = np.nan
    people = np.array([[1, 1], [1, 0], [0, 0]], np.float32)
    nothing = np.zeros(0, np.int64)
    for asking, noticed in ([0, 1], False), ([0, 1, 2], True):
        places, _, kinds = selection.top_products(
            people[asking], films, np.zeros(len(asking) + 1, np.int64), nothing, 3
        )
        assert (blocks.order[places[:2]] == [0, 1, 2]).all()
        assert (kinds[:2] & selection.DIFFER).all()
        assert (kinds & selection.BROKEN).any() == noticed


def test_blocks_that_point_elsewhere_are_not_looked_at() -> None:
    """They would be noticed: they are as long as others, but no numbers, as only centres tell."""
    longer = np.tile(np.array([2, 0], np.float32), (2 * WIDTH, 1))
    elsewhere = np.tile(np.array([0, 1.9], np.float32), (WIDTH, 1))
    blocks = blocks_of(np.concatenate([longer, elsewhere]))
    films = looked_at(blocks)
    films.vectors[-1] = np.nan
    for person, noticed in ([1, 0.5], False), ([0.5, 1], True):
        _, _, kinds = selection.top_products(
            np.array([person], np.float32), films, np.zeros(2, np.int64), np.zeros(0, np.int64), 3
        )
        assert bool(kinds[0] & selection.BROKEN) == noticed


@pytest.mark.parametrize(("reach", "found"), [(1.0, True), (0.51, True), (0.48, False)])
def test_films_nearer_than_is_reckoned_with_are_missed(reach: float, found: bool) -> None:
    """The best film, of product 2, is 1.98 nearer than the centre of its block, of 0.02.

    Films of product 1 are listed before.
    """
    vectors = np.repeat(np.array([[1, 50], [0, 5]], np.float32), [2 * WIDTH, WIDTH], axis=0)
    vectors[-1] = 2, 5
    blocks = blocks_of(vectors)
    places, _, kinds = selection.top_products(
        np.array([[1, 0]], np.float32),
        looked_at(blocks),
        np.array([0, 1]),
        blocks.places[:1],
        1,
        reach=reach,
    )
    assert blocks.order[places].tolist() == [[len(vectors) - 1 if found else 1]]
    assert kinds[0] & selection.DIFFER


def test_equal_vectors_have_equal_products_wherever_they_stand() -> None:
    random = np.random.default_rng(3)
    vectors = np.tile(random.normal(size=17).astype(np.float32), (2 * WIDTH + 3, 1))
    people = random.normal(size=(5, 17)).astype(np.float32)
    count = len(vectors)
    blocks = blocks_of(vectors, np.arange(count)[::-1].copy())
    places, values, kinds = selection.top_products(
        people, looked_at(blocks), np.zeros(6, np.int64), np.zeros(0, np.int64), 4
    )
    assert (blocks.order[places] == [count - 1, count - 2, count - 3, count - 4]).all()
    assert (values == values[:, :1]).all()
    assert not kinds.any()


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_film_that_is_no_number_is_told(broken: float) -> None:
    vectors = np.ones((3 * WIDTH, 2), np.float32)
    vectors[-1] = broken
    films = looked_at(blocks_of(vectors))
    nobody, nothing = np.zeros(2, np.int64), np.zeros(0, np.int64)
    people = np.array([[1, -1]], np.float32)
    _, _, kinds = selection.top_products(people, films, nobody, nothing, 2)
    assert kinds[0] & selection.BROKEN
