"""Maximal marginal relevance, against a slow version and by its properties."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from matinee.recommendation.diversity import diversify, unit

Array = NDArray[np.floating]
VECTORS = arrays(np.float32, (9, 3), elements=st.integers(-3, 3).map(float))
SCORES = st.lists(st.integers(-20, 20), min_size=9, max_size=9).map(
    lambda s: np.array(sorted(s, reverse=True), np.float64)
)


def worth(scores: Array, vectors: Array, taken: list[int], film: int, weight: float) -> float:
    """The formula for one film."""

    def cosine(a: Array, b: Array) -> float:
        norm = float(np.linalg.norm(a) * np.linalg.norm(b))
        return float(a @ b) / norm if norm else 0.0

    low, high = min(scores), max(scores)
    relevance = (scores[film] - low) / (high - low) if high > low else 0.0
    return (1 - weight) * relevance - weight * max(cosine(vectors[film], vectors[j]) for j in taken)


def test_worked_by_hand() -> None:
    """Two alike films in front: half a mind for variety takes the third one second."""
    scores = np.array([1.0, 0.9, 0.6, 0.0])
    vectors = np.array([[1, 0], [1, 0], [0, 1], [1, 1]], np.float32)
    assert diversify(scores, vectors, 3, 0.5).tolist() == [0, 2, 1]
    assert diversify(scores, vectors, 3, 0.1).tolist() == [0, 1, 2]


@settings(deadline=None)
@given(scores=SCORES, vectors=VECTORS, weight=st.sampled_from([0.25, 0.5, 1]))
def test_every_pick_is_the_best_by_the_formula(
    scores: Array, vectors: Array, weight: float
) -> None:
    places = diversify(scores, vectors, 9, weight).tolist()
    for step in range(1, 9):
        taken, left = places[:step], places[step:]
        worths = [worth(scores, vectors, taken, film, weight) for film in left]
        assert worths[0] >= max(worths) - 1e-5


@given(scores=SCORES, vectors=VECTORS, k=st.integers(0, 12))
def test_zero_keeps_the_order(scores: Array, vectors: Array, k: int) -> None:
    assert diversify(scores, vectors, k, 0.0).tolist() == list(range(min(k, 9)))


@settings(deadline=None)
@given(scores=SCORES, vectors=VECTORS, k=st.integers(1, 9), weight=st.floats(0.01, 1))
def test_lists_no_film_twice_and_the_best_first(
    scores: Array, vectors: Array, k: int, weight: float
) -> None:
    places = diversify(scores, vectors, k, weight).tolist()
    assert places[0] == 0
    assert len(set(places)) == k


@settings(deadline=None)
@given(
    scores=SCORES,
    vectors=VECTORS,
    weights=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
def test_more_diversity_never_brings_the_first_two_closer(
    scores: Array, vectors: Array, weights: list[float]
) -> None:
    directions = unit(vectors)
    cosines = [
        float(directions[a] @ directions[b])
        for a, b in (diversify(scores, vectors, 2, weight) for weight in weights)
    ]
    assert cosines[1] <= cosines[0] + 1e-6


def test_fewer_films_than_asked_for() -> None:
    assert diversify(np.array([1.0]), np.ones((1, 2), np.float32), 5, 0.5).tolist() == [0]
    assert diversify(np.array([]), np.ones((0, 2), np.float32), 5, 0.5).tolist() == []
