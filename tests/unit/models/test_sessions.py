"""Session neighbours, worked by hand."""

from __future__ import annotations

from math import exp, sqrt

import pytest
from numpy.testing import assert_array_equal
from torch import Tensor

from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models.sessions import HOUR, SessionNeighbours
from support.boards import fitted

PLAIN = {"past": 1.0, "reach": 1.0, "length": 5, "before": 1.0}


def two_people(wait: int = 60) -> Interactions:
    """One rates films 0, 1 and, after a wait, 2; the other 3 and 1."""
    times = [0, 60, 60 + wait, 0, 60]
    return Interactions.build([0, 0, 0, 1, 1], [0, 1, 2, 3, 1], times=times)


def scores(data: Interactions, queries: Queries, **settings: float) -> list[float]:
    found: Tensor = fitted("sessionknn", data, **(PLAIN | settings)).score(queries)
    return found[0].tolist()


def test_what_stands_near_a_film_in_common_counts_by_how_like_the_session_is() -> None:
    first, second = (1 + exp(-1)) / sqrt(3), 1 / sqrt(2)
    expected = [first * exp(-1), first + second, first * exp(-1), second * exp(-1)]
    found = scores(two_people(), Queries.anonymous([[0, 1]]))
    assert found == pytest.approx(expected)


def test_what_stands_before_the_film_in_common_counts_less() -> None:
    asked = Queries.anonymous([[1]])
    first, second = 1 / sqrt(3), 1 / sqrt(2)
    both = 0.25 * (first + second)
    expected = [0.25 * first * exp(-1), both, first * exp(-1), 0.25 * second * exp(-1)]
    assert scores(two_people(), asked, before=0.25) == pytest.approx(expected)


def test_films_that_were_rated_long_ago_do_not_count() -> None:
    stranger = Queries.anonymous([[0, 3]])
    first, second = exp(-1) / sqrt(3), 1 / sqrt(2)
    expected = [first, first * exp(-1) + second * exp(-1), first * exp(-2), second]
    assert scores(two_people(), stranger) == pytest.approx(expected)
    assert scores(two_people(), stranger, length=1) == [0, 0, 0, 1]  # each film is a session


def test_a_pause_ends_a_session_and_so_does_a_great_length() -> None:
    asked = Queries.anonymous([[0]])
    assert scores(two_people(), asked)[2] > 0
    assert scores(two_people(wait=6 * HOUR), asked)[2] > 0
    assert scores(two_people(wait=6 * HOUR + 1), asked)[2] == 0
    assert scores(two_people(), asked, length=2)[2] == 0


def test_only_the_nearest_sessions_count() -> None:
    found = scores(two_people(), Queries.anonymous([[0, 1]]), neighbours=1)
    assert found[3] == 0
    assert found[2] > 0


def test_own_sessions_are_left_out() -> None:
    data = two_people()
    found = scores(data, data.queries())
    second = exp(-1) / sqrt(2)  # film 1 was the last but one
    assert found == pytest.approx([0, second, 0, second * exp(-1)])


def test_sessions_are_told_apart_by_person_too() -> None:
    data = Interactions.build([0, 0, 1, 1], [0, 1, 2, 3], times=[0, 60, 120, 180])
    model = fitted("sessionknn", data)
    assert isinstance(model, SessionNeighbours)
    assert_array_equal(model.sessions.numpy(), [0, 0, 1, 1])


def test_who_has_no_history_is_told_nothing() -> None:
    assert scores(two_people(), Queries.anonymous([[]])) == [0, 0, 0, 0]
