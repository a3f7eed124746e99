"""The compiled scan of inner products, held against plain sorting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numba")

from matinee.kernels import selection


@settings(deadline=None)
@given(
    people=st.integers(1, 19),
    films=st.integers(1, 30),
    k=st.integers(1, 12),
    threads=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_products_are_sorted_without_what_is_barred(
    people: int, films: int, k: int, threads: int, seed: int
) -> None:
    """Whole numbers, so that sums are exact and many tie."""
    rng = np.random.default_rng(seed)
    left = rng.integers(-2, 3, (people, 3)).astype(np.float32)
    right = rng.integers(-2, 3, (films, 3)).astype(np.float32)
    barred = [rng.choice(films, rng.integers(0, films + 1), replace=False) for _ in range(people)]
    rank = rng.permutation(films)
    offsets = np.cumsum([0, *map(len, barred)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "SHARED", 7)
        found = selection.top_products(
            left, right, offsets, np.concatenate(barred), k, rank, threads
        )
    for person, (items, values, kind) in enumerate(zip(*found, strict=True)):
        scores = right @ left[person]
        open_to = [film for film in range(films) if film not in barred[person]]
        expected = sorted(open_to, key=lambda film: (-scores[film], rank[film]))[:k]
        assert items.tolist() == expected + [-1] * (k - len(expected))
        assert values[: len(expected)].tolist() == scores[expected].tolist()
        assert np.isneginf(values[len(expected) :]).all()
        assert bool(kind & selection.DIFFER) == bool((scores != scores[0]).any())


def test_a_film_that_is_no_number_is_told() -> None:
    films = np.array([[1.0], [np.nan], [2.0]], np.float32)
    nobody, nothing = np.zeros(2, np.int64), np.zeros(0, np.int64)
    _, _, kinds = selection.top_products(
        np.ones((1, 1), np.float32), films, nobody, nothing, 2, np.arange(3)
    )
    assert kinds[0] & selection.BROKEN
