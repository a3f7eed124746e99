"""One small evaluation whose every figure is worked out by hand.

Two people, six films a..f (0..5), k = 3.

    training    person 0: a          person 1: a b        person 2: a c
    list        person 0: c b e      person 1: f d c
    held out    person 0: b d f e    person 1: c

Hits            person 0: ranks 2, 3 of 4 relevant        person 1: rank 3 of 1 relevant
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.vocabulary import Vocabulary
from matinee.evaluation import Estimate, metrics_from_lists
from matinee.evaluation.metric import Figure

A, B, C, D, E, F = range(6)
GENRES = [["Drama"], ["Drama"], ["Drama", "War"], ["War"], [], ["Comedy"]]


def _data(pairs: list[tuple[int, int]]) -> Interactions:
    films = Catalogue.from_frame(pl.DataFrame({"id": list("abcdef"), "genres": GENRES}))
    users, items = np.array(pairs).T
    return Interactions.build(users, items, user_ids=Vocabulary("012"), catalogue=films)


TRAIN = _data([(0, A), (1, A), (1, B), (2, A), (2, C)])
HELD = _data([(0, B), (0, D), (0, F), (0, E), (1, C)])
LISTS = [[C, B, E], [F, D, C]]

LOG3 = math.log2(3)  # the discount of rank 2; rank 1 has 1 and rank 3 has log2(4) = 2

EXPECTED = {
    # Both have a hit.
    "hit_rate@3": (1 + 1) / 2,
    # 2 of 3 and 1 of 3.
    "precision@3": (2 / 3 + 1 / 3) / 2,
    # 2 of 4 and 1 of 1.
    "recall@3": (2 / 4 + 1) / 2,
    # 2 of min(4, 3) and 1 of min(1, 3).
    "recall_min@3": (2 / 3 + 1) / 2,
    # (1/log2 3 + 1/2) / (1 + 1/log2 3 + 1/2) = 0.530721, and (1/2) / 1.
    "ndcg@3": ((1 / LOG3 + 1 / 2) / (1 + 1 / LOG3 + 1 / 2) + 1 / 2) / 2,
    # Precision is 1/2 at rank 2 and 2/3 at rank 3: 7/6 over 3; 1/3 at rank 3: over 1.
    "map@3": (7 / 6 / 3 + 1 / 3) / 2,
    # The same over 4 and over 1.
    "map_all@3": (7 / 6 / 4 + 1 / 3) / 2,
    # First hits at ranks 2 and 3.
    "mrr@3": (1 / 2 + 1 / 3) / 2,
    # Person 0's hit is at rank 2, person 1 has none among the first two.
    "mrr@2": (1 / 2 + 0) / 2,
    "hit_rate@1": 0.0,
    # Trainable films are a, b, c (3, 1, 1 ratings); b and c are shown.
    "coverage@3": 2 / 3,
    # They are shown 0, 1, 2 times: (-2*0 + 0*1 + 2*2) / ((3 - 1) * 3).
    "gini@3": 4 / 6,
    # Person 0: e has no genre; c (Drama, War) and b (Drama): cosine 1/sqrt(2).
    # Person 1: f-d 0, f-c 0, d-c 1/sqrt(2): mean cosine 1/(3 sqrt(2)).
    "diversity@3": ((1 - 1 / math.sqrt(2)) + (1 - 1 / (3 * math.sqrt(2)))) / 2,
    # Three people with training ratings; c, b, e and f, d, c count 1 each (e, f, d have no
    # rating and count as one): every film has log2(3) bits.
    "novelty@3": LOG3,
    # By popularity a comes first, then b and c in some order, then d, e, f in some order.
    # Person 1 saw a and b, so that c comes first on that popularity list: the hit c is no
    # surprise at k = 3. Person 0 saw a: the list has b and c and one of d, e, f; see below.
    # Watched: a alone has mean 3; a and b have mean 2. Shown: c b e: 2/3; f d c: 1/3.
    "popularity_bias@3": (2 / 3 + 1 / 3) / (3 + 2),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_figure_is_as_worked_out(name: str) -> None:
    report = metrics_from_lists(LISTS, HELD, train=TRAIN, metrics=[name])
    assert report.metrics[name].value == pytest.approx(EXPECTED[name], abs=1e-12)


def test_ndcg_in_decimals() -> None:
    """Guards the formula above against being wrong twice: 1.130930 / 2.130930 and 0.5."""
    report = metrics_from_lists(LISTS, HELD, metrics=["ndcg@3"])
    assert report.per_user["ndcg@3"].to_list() == pytest.approx([0.530721, 0.5], abs=1e-6)


def test_serendipity_at_2() -> None:
    """At k = 2 person 0's popularity list is b and c, so that the hit b surprises nobody.

    Person 1 has no hit among the first two. At k = 3 person 0's hit e counts (1/3) unless
    chance put it third on the popularity list.
    """
    report = metrics_from_lists(LISTS, HELD, train=TRAIN, metrics=["serendipity"], k=(2, 3))
    assert report.metrics["serendipity@2"].value == 0
    assert report.metrics["serendipity@3"].value in (0, pytest.approx(1 / 6))


def test_interval_by_hand() -> None:
    """1, 2, 6: mean 3, variance (4 + 1 + 9) / 2 = 7, t(0.975, 2) = 4.302653.

    Margin 4.302653 * sqrt(7 / 3) = 6.572411; nothing is below 0.
    """
    estimate = Estimate.of(Figure.mean(np.array([1.0, 2.0, 6.0])))
    assert (estimate.value, estimate.low) == (3, 0)
    assert estimate.high == pytest.approx(9.572411, abs=1e-5)
