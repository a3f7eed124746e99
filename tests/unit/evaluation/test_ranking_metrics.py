"""Ranking metrics against a slow oracle written from the definitions, and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from matinee.evaluation.ranking import METRICS

# --- the oracle: one user, plain Python, a list and a set -------------------------------------


def oracle(name: str, listed: list[int], wanted: set[int], k: int) -> float:
    top = listed[:k]
    ranks = [r for r, film in enumerate(top, start=1) if film in wanted]
    best = min(len(wanted), k)
    precisions = [sum(1 for other in ranks if other <= r) / r for r in ranks]
    gains = [math.log(2) / math.log(r + 1) for r in range(1, k + 1)]
    return {
        "hit_rate": 1.0 if ranks else 0.0,
        "precision": len(ranks) / k,
        "recall": len(ranks) / len(wanted),
        "recall_min": len(ranks) / best,
        "ndcg": sum(gains[r - 1] for r in ranks) / sum(gains[:best]),
        "map": sum(precisions) / best,
        "map_all": sum(precisions) / len(wanted),
        "mrr": 1 / ranks[0] if ranks else 0.0,
    }[name]


@st.composite
def lists(draw: st.DrawFn) -> tuple[list[list[int]], list[set[int]], int]:
    """Lists of one length for a few users, what they want, and a cut-off up to past the end."""
    n = draw(st.integers(1, 12))
    length = draw(st.integers(0, n))
    users = draw(st.integers(1, 5))
    films = st.permutations(range(n)).map(lambda p: list(p[:length]))
    wanted = st.sets(st.integers(0, n - 1), min_size=1)
    return (
        draw(st.lists(films, min_size=users, max_size=users)),
        draw(st.lists(wanted, min_size=users, max_size=users)),
        draw(st.integers(1, n + 3)),
    )


def _hits(listed: list[list[int]], wanted: list[set[int]]) -> np.ndarray:
    rows = [[film in w for film in films] for films, w in zip(listed, wanted, strict=True)]
    return np.array(rows, np.bool_).reshape(len(listed), -1)


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=150, deadline=None)
@given(case=lists())
def test_every_metric_is_what_its_definition_says(
    name: str, case: tuple[list[list[int]], list[set[int]], int]
) -> None:
    listed, wanted, k = case
    got = METRICS[name].compute(_hits(listed, wanted), np.array([len(w) for w in wanted]), k)
    expected = [oracle(name, films, w, k) for films, w in zip(listed, wanted, strict=True)]
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=50, deadline=None)
@given(case=lists())
def test_every_metric_lies_in_0_to_1(
    name: str, case: tuple[list[list[int]], list[set[int]], int]
) -> None:
    listed, wanted, k = case
    got = METRICS[name].compute(_hits(listed, wanted), np.array([len(w) for w in wanted]), k)
    assert ((got >= 0) & (got <= 1 + 1e-12)).all()


@pytest.mark.parametrize("k", [1, 3, 10, 40])
def test_ndcg_agrees_with_scikit_learn(k: int) -> None:
    rng = np.random.default_rng(5)
    scores = np.argsort(rng.random((50, 40)), axis=1).astype(float)
    relevance = rng.random((50, 40)) < 0.15
    relevance[:, 0] |= ~relevance.any(axis=1)
    order = np.argsort(-scores, axis=1)
    hits = np.take_along_axis(relevance, order, axis=1)
    ours = METRICS["ndcg"].compute(hits, relevance.sum(axis=1), k).mean()
    assert ours == pytest.approx(ndcg_score(relevance, scores, k=k), abs=1e-12)


def test_variants_differ_as_the_module_says() -> None:
    """One user, 1 of 2 relevant films at rank 1 of 1: all of `map`, half of `map_all`."""
    hits, relevant = np.array([[True]]), np.array([2])
    assert METRICS["map"].compute(hits, relevant, 1)[0] == 1.0
    assert METRICS["map_all"].compute(hits, relevant, 1)[0] == 0.5
    assert METRICS["recall"].compute(hits, relevant, 1)[0] == 0.5
    assert METRICS["recall_min"].compute(hits, relevant, 1)[0] == 1.0
    # RecTools' ideal list has k hits even for one relevant film: it would say
    # 1 / (1 + 1 / log2(3)) = 0.613 here.
    assert METRICS["ndcg"].compute(np.array([[True, False]]), np.array([1]), 2)[0] == 1.0


def test_longer_lists_never_find_less() -> None:
    rng = np.random.default_rng(0)
    hits = rng.random((200, 30)) < 0.2
    relevant = hits.sum(axis=1) + 1
    for name in ("hit_rate", "recall", "mrr", "map_all"):
        figures = [METRICS[name].compute(hits, relevant, k) for k in range(1, 31)]
        assert (np.diff(figures, axis=0) >= -1e-15).all(), name
