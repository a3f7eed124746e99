"""Rating metrics against a slow oracle, and scikit-learn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from matinee.data.interactions import Interactions, Scale
from matinee.errors import EvaluationError
from matinee.evaluation import rating
from matinee.evaluation.metric import Undefined
from matinee.evaluation.rating import METRICS, Pairs, predict_pairs
from matinee.splits import Fold

Make = Callable[..., Interactions]
Models = dict[str, Any]


Row = tuple[float, float, float]  # truth, stars, probability of a like


def oracle(name: str, rows: list[Row], like_at: float) -> float | None:
    """The figure of plain rows; None where undefined."""
    if name == "auc":
        return _auc(rows, like_at)
    if name == "calibration_error":
        return _calibration_error(rows, like_at)
    errors = [s - t for t, s, _ in rows]
    given = [p if t >= like_at else 1 - p for t, _, p in rows]
    mean_of = {
        "mse": [e * e for e in errors],
        "rmse": [e * e for e in errors],
        "mae": [abs(e) for e in errors],
        "accuracy": [float(t == min(5, max(1, math.floor(s + 0.5)))) for t, s, _ in rows],
        "log_loss": [-math.log(max(p, 1e-15)) for p in given],
    }[name]
    mean = math.fsum(mean_of) / len(rows)
    return math.sqrt(mean) if name == "rmse" else mean


def _auc(rows: list[Row], like_at: float) -> float | None:
    likes, rest = [r for r in rows if r[0] >= like_at], [r for r in rows if r[0] < like_at]
    if not likes or not rest:
        return None
    wins = sum((a[1] > b[1]) + 0.5 * (a[1] == b[1]) for a in likes for b in rest)
    return wins / (len(likes) * len(rest))


def _calibration_error(rows: list[Row], like_at: float) -> float:
    gap = 0.0
    for b in range(10):
        inside = [p - (t >= like_at) for t, _, p in rows if min(int(p * 10), 9) == b]
        gap += abs(math.fsum(inside))
    return gap / len(rows)


row = st.tuples(
    st.sampled_from([1.0, 2.0, 3.0, 4.0, 5.0]),
    st.one_of(st.floats(0, 6), st.sampled_from([2.5, 3.5, 3.0])),
    st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.1, 0.5, 1.0])),
)


def _pairs(people: list[list[Row]], like_at: float = 4.0) -> Pairs:
    truth, stars, chance = np.array([r for rows in people for r in rows]).T
    users = np.repeat(np.arange(len(people)), [len(rows) for rows in people])
    return Pairs(users, len(people), truth, stars, chance, Scale(1.0, 5.0, 1.0), like_at)


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=150, deadline=None)
@given(
    people=st.lists(st.lists(row, min_size=1, max_size=6), min_size=1, max_size=5),
    like_at=st.sampled_from([1.0, 3.0, 4.0]),
)
def test_every_metric_is_what_its_definition_says(
    name: str, people: list[list[Row]], like_at: float
) -> None:
    pairs, flat = _pairs(people, like_at), [r for rows in people for r in rows]
    expected = oracle(name, flat, like_at)
    if expected is None:
        with pytest.raises(Undefined):
            METRICS[name].compute(pairs)
        return
    figure = METRICS[name].compute(pairs)
    assert figure.value == pytest.approx(expected, rel=1e-12, abs=1e-12)
    if figure.per_user is not None:
        own = [oracle(name, rows, like_at) for rows in people]
        wanted = [math.nan if x is None else x for x in own]
        np.testing.assert_allclose(figure.per_user, wanted, rtol=1e-10, atol=1e-12)


@pytest.fixture(scope="module")
def many() -> Pairs:
    rng = np.random.default_rng(1)
    people = []
    for _ in range(80):
        truth = rng.integers(1, 6, 10).astype(float)
        stars = np.round(np.clip(truth + rng.normal(0, 1.5, 10), 1, 5), 1)
        people.append(list(zip(truth, stars, (stars - 0.5) / 5, strict=True)))
    return _pairs(people)


def test_scikit_learn_agrees(many: Pairs) -> None:
    def value(name: str) -> float:
        return METRICS[name].compute(many).value

    assert value("auc") == pytest.approx(sk.roc_auc_score(many.liked, many.stars), abs=1e-12)
    assert value("log_loss") == pytest.approx(sk.log_loss(many.liked, many.probability), abs=1e-12)
    assert value("rmse") == pytest.approx(
        sk.root_mean_squared_error(many.truth, many.stars), abs=1e-12
    )
    assert value("mae") == pytest.approx(sk.mean_absolute_error(many.truth, many.stars), abs=1e-12)
    rounded = np.floor(many.stars + 0.5)
    assert value("accuracy") == pytest.approx(sk.accuracy_score(many.truth, rounded), abs=1e-12)
    table = rating.confusion(many)
    assert table.columns == ["rating", "1", "2", "3", "4", "5"]
    np.testing.assert_array_equal(
        table.drop("rating").to_numpy(), sk.confusion_matrix(many.truth, rounded)
    )


def test_calibration_table_adds_up(many: Pairs) -> None:
    table = rating.calibration(many)
    assert table["ratings"].sum() == len(many.truth)
    gaps = (table["predicted"] - table["liked"]).abs() * table["ratings"]
    assert gaps.sum() / len(many.truth) == pytest.approx(
        METRICS["calibration_error"].compute(many).value, abs=1e-12
    )


def test_halves_round_up_and_levels_end_with_the_scale() -> None:
    pairs = _pairs([[(3.0, 2.5, 0.5), (4.0, 3.5, 0.5), (5.0, 9.0, 0.5), (1.0, -2.0, 0.5)]])
    assert rating.accuracy(pairs).value == 1.0


def test_the_most_probable_rating_counts_where_a_model_gives_it() -> None:
    """Half ones, half fives: 3 is expected and is never given."""
    truth = np.array([1.0, 5.0, 5.0])
    pairs = Pairs(
        users=np.zeros(3, np.int64),
        n_users=1,
        truth=truth,
        stars=np.array([3.0, 3.0, 4.4]),
        probability=None,
        scale=Scale(1.0, 5.0, 1.0),
        like_at=4.0,
        likeliest=np.array([1.0, 1.0, 5.0]),
    )
    assert rating.accuracy(pairs).value == pytest.approx(2 / 3)
    assert rating.mae(pairs).value == pytest.approx((2 + 2 + 0.6) / 3)
    table = rating.confusion(pairs)
    assert table.row(0) == (1.0, 1, 0, 0, 0, 0)
    assert table.row(4) == (5.0, 1, 0, 0, 0, 1)


def test_a_scale_of_halves_has_its_own_levels() -> None:
    truth = np.array([0.5, 3.5, 5.0])
    stars = np.array([0.6, 3.2, 4.74])  # nearest: 0.5, 3.0 and 4.5
    pairs = Pairs(np.zeros(3, np.int64), 1, truth, stars, None, Scale(0.5, 5.0, 0.5), 4.0)
    assert rating.accuracy(pairs).value == pytest.approx(1 / 3)
    assert rating.confusion(pairs).shape == (10, 11)


def test_a_continuous_scale_has_no_levels() -> None:
    truth = np.array([0.0, 1.0])
    pairs = Pairs(np.zeros(2, np.int64), 1, truth, truth, None, Scale(0.0, 1.0, 1e-6), 0.5)
    with pytest.raises(Undefined, match="levels"):
        rating.accuracy(pairs)


@pytest.mark.parametrize("batch", [1, 2, 3, None])
def test_predictions_come_back_to_their_ratings(
    batch: int | None, make_data: Make, models: Models
) -> None:
    """People with unequal numbers of ratings, whose order on the way is another."""
    rng = np.random.default_rng(0)
    held = make_data(np.argwhere(rng.random((9, 12)) < 0.4), 9, 12)
    held = make_data(np.column_stack([held.users, held.items]), 9, 12, 1 + held.items % 5)
    table = rng.integers(1, 6, (9, 12)).astype(np.float32)
    fold = Fold(make_data([(0, 0)], 9, 12, [3.0]), held)
    pairs = predict_pairs(models["stars"](table), fold, train=held, batch=batch)
    np.testing.assert_array_equal(pairs.stars, table[held.users, held.items])
    np.testing.assert_array_equal(fold.users[pairs.users], held.users)
    np.testing.assert_array_equal(pairs.truth, held.ratings)
    assert pairs.probability is None
    assert pairs.like_at == 4.0


def test_the_threshold_itself_is_a_like(make_data: Make, models: Models) -> None:
    held = make_data([(0, 0), (0, 1)], 1, 2, [1.0, 5.0])
    model = models["stars"](np.ones((1, 2)))
    pairs = predict_pairs(model, Fold(held, held), train=held, like_at=5.0)
    assert pairs.liked.tolist() == [False, True]
    halves = make_data([(0, i) for i in range(3)], 1, 3, [0.5, 3.5, 5.0])
    pairs = predict_pairs(models["stars"](np.ones((1, 3))), Fold(halves, halves), train=halves)
    assert pairs.liked.tolist() == [False, False, True]


def test_who_cannot_predict_says_so(make_data: Make, models: Models) -> None:
    held = make_data([(0, 0)], 1, 2, [1.0])
    with pytest.raises(Undefined, match=r"table.*predicts no stars"):
        predict_pairs(models["table"](np.ones((1, 2))), Fold(held, held), train=held)
    bare = make_data([(0, 0)], 1, 2)
    with pytest.raises(Undefined, match="no ratings"):
        predict_pairs(models["stars"](np.ones((1, 2))), Fold(bare, bare), train=bare)
    with pytest.raises(EvaluationError, match=r"ratings that are not numbers \(NaN\)"):
        predict_pairs(models["stars"](np.full((1, 2), np.nan)), Fold(held, held), train=held)


def test_nan_that_was_not_asked_for_is_no_matter(make_data: Make, models: Models) -> None:
    """Padding is film 0, whose prediction is thrown away."""
    held = make_data([(0, 1), (1, 1), (1, 2)], 2, 3, [1.0, 2.0, 3.0])
    table = np.array([[np.nan, 2.0, 2.0], [1.0, 2.0, 3.0]])
    pairs = predict_pairs(models["stars"](table), Fold(held, held), train=held)
    assert pairs.stars.tolist() == [2.0, 2.0, 3.0]
