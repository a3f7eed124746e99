"""Intervals that hold what they promise, and tests checked against exact enumeration."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from matinee.data.interactions import Interactions, Scale
from matinee.errors import EvaluationError
from matinee.evaluation import beyond, rating
from matinee.evaluation.lists import mark
from matinee.evaluation.metric import Figure, Undefined
from matinee.evaluation.rating import Pairs
from matinee.evaluation.significance import Estimate, compare, compare_runs, holm

Make = Callable[..., Interactions]


def test_interval_of_a_mean_is_the_t_interval() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.1, 30)
    estimate = Estimate.of(Figure.mean(values))
    low, high = stats.t.interval(0.95, 29, values.mean(), stats.sem(values))
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-12)


def test_users_without_a_figure_do_not_count() -> None:
    values = np.array([0.0, np.nan, 1.0])
    assert Estimate.of(Figure.mean(values)) == Estimate.of(Figure.mean(values[[0, 2]]))
    with pytest.raises(Undefined):
        Figure.mean(np.array([np.nan]))


def test_interval_stays_within_what_is_possible() -> None:
    estimate = Estimate.of(Figure.mean(np.array([0.0, 0.0, 1.0])), highest=1.0)
    assert (estimate.low, estimate.high) == (0, 1)


def test_one_user_has_no_interval() -> None:
    estimate = Estimate.of(Figure.mean(np.array([0.5])))
    assert math.isnan(estimate.low)
    assert estimate.as_dict() == {"value": 0.5, "low": None, "high": None}


# --- standard errors against the bootstrap over users ------------------------------------------


def _error(figure: Figure) -> float:
    return float(figure.influence.std(ddof=1) / math.sqrt(len(figure.influence)))


def _people(seed: int) -> list[np.ndarray]:
    """Columns truth, stars, probability; people differ in bias and in number of ratings."""
    rng = np.random.default_rng(seed)
    people: list[np.ndarray] = []
    for _ in range(150):
        n = rng.integers(1, 25)
        truth = rng.integers(1, 6, n).astype(float)
        stars = truth + rng.normal(rng.normal(0, 0.8), 1, n)
        people.append(np.column_stack([truth, stars, 1 / (1 + np.exp(3 - stars))]))
    return people


def _pairs(people: list[np.ndarray]) -> Pairs:
    users = np.repeat(np.arange(len(people)), [len(p) for p in people])
    truth, stars, chance = np.concatenate(people).T
    return Pairs(users, len(people), truth, stars, chance, Scale(1.0, 5.0, 1.0), 4.0)


@pytest.mark.parametrize("name", rating.METRICS)
def test_rating_errors_agree_with_the_bootstrap(name: str) -> None:
    people, rng = _people(0), np.random.default_rng(1)
    compute = rating.METRICS[name].compute
    again = [
        compute(_pairs([people[i] for i in rng.integers(0, len(people), len(people))])).value
        for _ in range(300)
    ]
    # 300 draws know their spread to 4 %; the rest is the linearisation's.
    assert _error(compute(_pairs(people))) == pytest.approx(np.std(again), rel=0.15)


@pytest.mark.parametrize("name", ["gini", "popularity_bias", "coverage"])
def test_list_errors_agree_with_independent_samples(name: str, make_data: Make) -> None:
    """The spread over many worlds of other users; coverage's resamples would be biased."""
    rng = np.random.default_rng(2)
    n_users, n_items = 200, 120
    weights = 1 / np.arange(1, n_items + 1)
    values, errors = [], []
    train = make_data([(u, i) for i in range(n_items) for u in range(n_items - i)], 200, n_items)
    for _ in range(100):
        noise = rng.gumbel(size=(n_users, n_items)) + np.log(weights)
        lists = np.argsort(-noise, axis=1)[:, :5]
        rankings = mark(np.arange(n_users), lists, train)
        seen = [(u, i) for u in range(n_users) for i in range(rng.integers(1, n_items))]
        shown = beyond.Shown(rankings, train, make_data(seen, n_users, n_items))
        figure = beyond.METRICS[name].compute(shown, 5)
        values.append(figure.value)
        errors.append(_error(figure))
    # The jackknife's error of a count of kinds is on the safe side (Efron & Stein 1981).
    upper = 1.6 if name == "coverage" else 1.25
    assert 0.8 < np.mean(errors) / np.std(values) < upper


# --- tests -------------------------------------------------------------------------------------


def test_t_test_is_scipys() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random(50), rng.random(50)
    assert compare(a, b).p == pytest.approx(stats.ttest_rel(a, b).pvalue, abs=1e-12)


def test_sign_flips_agree_with_all_patterns() -> None:
    d = np.array([0.3, -0.1, 0.25, 0.4, 0.1, -0.05, 0.2, 0.15])
    sums = [abs(np.dot(signs, d)) for signs in itertools.product([1, -1], repeat=len(d))]
    exact = np.mean([s >= abs(d.sum()) - 1e-12 for s in sums])
    found = compare(d, np.zeros(8), rounds=20_000)
    assert found.p_randomised == pytest.approx(exact, abs=0.01)
    assert found.p_randomised == compare(d, np.zeros(8), rounds=20_000).p_randomised


def test_two_equal_runs_do_not_differ() -> None:
    found = compare(np.arange(9.0), np.arange(9.0))
    assert (found.p, found.p_randomised, found.difference.value) == (1, 1, 0)


def test_a_difference_without_spread_is_certain() -> None:
    found = compare(np.ones(12), np.zeros(12))
    assert found.p == 0
    assert found.p_randomised < 0.002


def test_no_number_of_random_patterns_proves_impossibility() -> None:
    """With 9 patterns, none as extreme, the observed one is still 1 of 10."""
    assert compare(np.ones(60), np.zeros(60), rounds=9).p_randomised == pytest.approx(0.1)


def test_false_alarms_are_as_many_as_promised() -> None:
    """Of 400 comparisons of like with like about 20 are below 0.05, by either test."""
    rng = np.random.default_rng(3)
    found = [compare(rng.random(40), rng.random(40), rounds=499, seed=i) for i in range(400)]
    for p in ([f.p for f in found], [f.p_randomised for f in found]):
        assert stats.binomtest(sum(x < 0.05 for x in p), 400, 0.05).pvalue > 1e-3


def test_pairs_are_needed() -> None:
    with pytest.raises(EvaluationError, match="paired"):
        compare([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(EvaluationError, match="fewer than two"):
        compare([1.0, math.nan], [1.0, 2.0])


def test_holm_by_hand() -> None:
    """Sorted 0.01 0.02 0.03 0.04 times 4 3 2 1: 0.04 0.06 0.06 0.04, then never falling."""
    assert holm([0.03, 0.01, 0.04, 0.02]).tolist() == pytest.approx([0.06, 0.04, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_plain_and_bonferroni(p: list[float]) -> None:
    corrected = holm(p)
    assert (corrected >= np.array(p)).all()
    assert (corrected <= np.minimum(1, np.array(p) * len(p)) + 1e-15).all()


def _frame(users: list[str], **columns: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame({"user": users, **columns})


def test_runs_are_joined_by_user_and_corrected_together() -> None:
    a = _frame(["x", "y", "z"], hit=[1.0, 0.0, 1.0], auc=[0.5, None, 0.7])
    b = _frame(["z", "x", "y"], hit=[0.0, 0.5, 0.25], other=[1.0, 1.0, 1.0])
    c = _frame(["x", "y", "z"], hit=[0.0, 0.0, 0.0], auc=[0.5, 0.5, 0.6])
    table = compare_runs({"a": a, "b": b, "c": c})
    assert table.select("metric", "a", "b").rows() == [
        ("hit", "a", "b"),
        ("hit", "a", "c"),
        ("auc", "a", "c"),
        ("hit", "b", "c"),
    ]
    # a - b for x, y, z: 0.5, -0.25, 1.
    assert table["difference"][0] == pytest.approx(1.25 / 3)
    assert table["users"].to_list() == [3, 3, 2, 3]
    np.testing.assert_allclose(table["p_holm"], holm(table["p"].to_numpy()))


def test_runs_on_other_users_are_refused() -> None:
    with pytest.raises(EvaluationError, match="different users"):
        compare_runs({"a": _frame(["x", "y"], m=[1, 2]), "b": _frame(["x", "z"], m=[1, 2])})


def test_nothing_to_compare_is_an_empty_table() -> None:
    assert compare_runs({"a": _frame(["x", "y"], m=[1, 2])}).height == 0
