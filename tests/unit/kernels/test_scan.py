"""The compiled scan of inner products, held against plain sorting."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numba")

from matinee.kernels import selection
from matinee.models.longest import WIDTH, side_by_side


def looked_at(vectors: np.ndarray, rank: np.ndarray) -> selection.Films:
    """Films in the order of their lengths."""
    blocks = side_by_side(torch.from_numpy(vectors), torch.arange(len(vectors))).numpy()
    return selection.Films(blocks, np.linalg.norm(vectors.astype(np.float64), axis=1), rank)


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
    right = right[np.argsort(-np.linalg.norm(right, axis=1), kind="stable")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "SHARED", 7)
        found = selection.top_products(
            left, looked_at(right, rank), offsets, np.concatenate(barred), k, threads
        )
    for person, (items, values, kind) in enumerate(zip(*found, strict=True)):
        scores = right @ left[person]
        open_to = [film for film in range(films) if film not in barred[person]]
        expected = sorted(open_to, key=lambda film: (-scores[film], rank[film]))[:k]
        assert items.tolist() == expected + [-1] * (k - len(expected))
        assert values[: len(expected)].tolist() == scores[expected].tolist()
        assert np.isneginf(values[len(expected) :]).all()
        assert bool(kind & selection.DIFFER) == bool((scores != scores[0]).any())


def test_films_too_short_to_be_listed_are_not_looked_at() -> None:
    """The last films would be noticed: they are no numbers, though their lengths are told."""
    count = 3 * selection.CHUNK * WIDTH
    vectors = np.ones((count, 2), np.float32) / np.arange(1, count + 1, dtype=np.float32)[:, None]
    films = looked_at(vectors, np.arange(count))
    films.blocks[-1] = np.nan
    people = np.array([[1, 1], [1, 0], [0, 0]], np.float32)
    nothing = np.zeros(0, np.int64)
    for asking, noticed in ([0, 1], False), ([0, 1, 2], True):
        items, _, kinds = selection.top_products(
            people[asking], films, np.zeros(len(asking) + 1, np.int64), nothing, 3
        )
        assert (items[:2] == [0, 1, 2]).all()
        assert (kinds[:2] & selection.DIFFER).all()
        assert (kinds & selection.BROKEN).any() == noticed


@pytest.mark.parametrize(
    ("reach", "listed"),
    [((1.0, 0.0), 1), ((0.81, 0.0), 1), ((0.79, 0.0), 0), ((0.41, 0.5), 1), ((0.39, 0.5), 0)],
)
def test_films_of_a_greater_cosine_than_is_reckoned_with_are_missed(
    reach: tuple[float, float], listed: int
) -> None:
    """The best film is the last but one, of cosine 1; to be listed it needs one of 0.8.

    That is also the cosine of those that are listed before.
    """
    count = 2 * selection.CHUNK * WIDTH
    vectors = np.tile(np.array([0.8, 0.6], np.float32), (count, 1))
    vectors[-2] = 1, 0
    barred = np.array([count - 1, 0, 5])
    items, _, kinds = selection.top_products(
        np.array([[2, 0]], np.float32),
        looked_at(vectors, np.arange(count)),
        np.array([0, 3]),
        barred,
        2,
        reach=reach,
    )
    assert items.tolist() == [[count - 2, 1] if listed else [1, 2]]
    assert kinds[0] & selection.DIFFER


def test_equal_vectors_have_equal_products_wherever_they_stand() -> None:
    random = np.random.default_rng(3)
    vectors = np.tile(random.normal(size=17).astype(np.float32), (2 * WIDTH + 3, 1))
    people = random.normal(size=(5, 17)).astype(np.float32)
    count = len(vectors)
    items, values, kinds = selection.top_products(
        people,
        looked_at(vectors, np.arange(count)[::-1].copy()),
        np.zeros(6, np.int64),
        np.zeros(0, np.int64),
        4,
    )
    assert (items == [count - 1, count - 2, count - 3, count - 4]).all()
    assert (values == values[:, :1]).all()
    assert not kinds.any()


def test_a_film_that_is_no_number_is_told() -> None:
    films = looked_at(np.array([[np.nan], [2.0], [1.0]], np.float32), np.arange(3))
    nobody, nothing = np.zeros(2, np.int64), np.zeros(0, np.int64)
    _, _, kinds = selection.top_products(np.ones((1, 1), np.float32), films, nobody, nothing, 2)
    assert kinds[0] & selection.BROKEN
