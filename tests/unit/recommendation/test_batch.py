"""Several people who ask at once: each gets what they would have got alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from matinee.artefact import Artefact
from matinee.errors import MatineeError, UnknownName
from matinee.recommendation import Ask, Recommendations, recommend, recommend_batch
from matinee.recommendation.person import asker

Make = Callable[..., Artefact]

ASKS = (
    Ask(user="p0", k=5),
    Ask(user="nobody", k=3),
    Ask(likes=("Alpha", "Beta"), k=12, because=True),
    Ask(user="p3", ratings={"Eta": 2.0}, genres=("War",), diversity=0.7),
    Ask(likes=("Mu",), years=(1991, 1994), exclude=("Gamma",)),
    Ask(likes=("Alpha",), hidden=("101", "no longer there"), k=4),
)


@pytest.mark.parametrize("name", ["ease", "itemknn", "popularity", "ials"])
def test_each_gets_what_they_would_have_got_alone(make_run: Make, name: str) -> None:
    run = make_run(name, {"l2": 2.0} if name == "ease" else {})
    together = recommend_batch(run, ASKS)
    for ask, answer in zip(ASKS, together, strict=True):
        (alone,) = recommend_batch(run, [ask])
        assert isinstance(answer, Recommendations)
        assert isinstance(alone, Recommendations)
        assert [film.id for film in answer.items] == [film.id for film in alone.items]
        assert answer.fallback == alone.fallback
        scores = [film.score for film in answer.items]
        assert scores == pytest.approx([film.score for film in alone.items], abs=1e-4)


def test_one_that_cannot_be_answered_keeps_nobody_from_theirs(make_run: Make) -> None:
    good, bad, other = recommend_batch(
        make_run(), [ASKS[0], Ask(likes=("Alfa Centauri",)), ASKS[2]]
    )
    assert isinstance(bad, UnknownName)
    assert not isinstance(good, MatineeError)
    assert not isinstance(other, MatineeError)


def test_nobody_asks(make_run: Make) -> None:
    assert recommend_batch(make_run(), []) == []


class TestRecord:
    def test_counts_as_if_it_had_been_said(self, make_run: Make) -> None:
        run = make_run()
        record = [("100", 5, 10), ("106", 2, 20)]
        (answer,) = recommend_batch(run, [Ask(user="new", history=record)])
        assert answer == recommend(run, ratings={"Alpha": 5, "Eta": 2})

    def test_the_newer_rating_counts_and_order_is_by_time(self, make_run: Make) -> None:
        """p0 rated films 2 to 5 with 5 stars at the times 2 to 5."""
        record = [("102", 1, 1), ("103", 2, 6), ("107", 3, 100)]
        asked = asker(make_run(), Ask(user="p0", history=record))
        assert asked.users.tolist() == [-1]
        assert asked.items.tolist() == [2, 4, 5, 3, 7]
        assert asked.ratings.tolist() == [5.0, 5.0, 5.0, 2.0, 3.0]

    def test_what_the_run_does_not_know_is_passed_over_and_stars_are_clipped(
        self, make_run: Make
    ) -> None:
        asked = asker(make_run(), Ask(history=[("gone", 5, 1), ("100", 10, 2)]))
        assert asked.items.tolist() == [0]
        assert asked.ratings.tolist() == [5.0]

    def test_only_lists_those_named(self, make_run: Make) -> None:
        (answer,) = recommend_batch(make_run(), [Ask(likes=("Alpha",), only=("103", "101"))])
        assert not isinstance(answer, MatineeError)
        assert sorted(film.id for film in answer.items) == ["101", "103"]
