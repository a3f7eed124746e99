"""The metrics of likes against hand-worked cases and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from matinee.data.interactions import Scale
from matinee.evaluation import likes
from matinee.evaluation.metric import Undefined
from matinee.evaluation.rating import Pairs


def pairs(truth: list[float], stars: list[float], chances: list[float] | None = None) -> Pairs:
    return Pairs(
        users=np.arange(len(truth)) // 2,
        n_users=(len(truth) + 1) // 2,
        truth=np.array(truth),
        stars=np.array(stars),
        probability=None if chances is None else np.array(chances),
        scale=Scale(1, 5, 1),
        like_at=4,
    )


def test_stars_are_compared_with_the_threshold_where_there_is_no_probability() -> None:
    found = pairs([5, 4, 3, 1], [4.0, 3.9, 4.2, 2.0])
    assert likes.predicted(found).tolist() == [True, False, True, False]
    assert likes.like_accuracy(found).value == 0.5
    assert likes.like_precision(found).value == 0.5
    assert likes.like_recall(found).value == 0.5
    assert likes.like_confusion(found).rows() == [("dislike", 1, 1), ("like", 1, 1)]


def test_a_probability_counts_before_the_stars() -> None:
    found = pairs([5, 1], [1.0, 5.0], [0.5, 0.49])
    assert likes.like_accuracy(found).value == 1


def test_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    found = pairs(rng.integers(1, 6, 200).tolist(), [3.0] * 200, rng.random(200).tolist())
    told = likes.predicted(found)
    assert likes.like_accuracy(found).value == pytest.approx(sk.accuracy_score(found.liked, told))
    assert likes.like_precision(found).value == pytest.approx(sk.precision_score(found.liked, told))
    assert likes.like_recall(found).value == pytest.approx(sk.recall_score(found.liked, told))
    table = likes.like_confusion(found).drop("rating").to_numpy()
    np.testing.assert_array_equal(table, sk.confusion_matrix(found.liked, told))


def test_precision_without_a_predicted_like_is_undefined() -> None:
    with pytest.raises(Undefined):
        likes.like_precision(pairs([5, 4], [1.0, 1.0]))
