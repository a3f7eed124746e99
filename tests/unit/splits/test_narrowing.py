"""Narrowed questions: what is dropped, what is drawn, what stays."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.data.interactions import Interactions
from matinee.splits import (
    Fold,
    Split,
    chronological_split,
    last_of_each,
    seen_films_only,
    with_candidates,
)


@pytest.fixture
def split() -> Split:
    """Two people; film 4 is rated by nobody before the test."""
    data = Interactions.build(
        [0, 0, 0, 0, 1, 1, 1, 1],
        [0, 1, 2, 4, 1, 0, 4, 3],
        times=[1, 2, 3, 4, 1, 2, 3, 4],
    )
    return chronological_split(data, test=0.5)


def held(fold: Fold) -> list[tuple[int, int]]:
    return list(zip(fold.held_out.users.tolist(), fold.held_out.items.tolist(), strict=True))


def test_unseen_films_are_asked_for_no_more(split: Split) -> None:
    assert held(split.test) == [(0, 2), (0, 4), (1, 4), (1, 3)]
    rows = split.train.take(np.arange(len(split.train)))
    more = rows.build([0], [2], user_ids=rows.user_ids, catalogue=rows.catalogue)
    narrowed = seen_films_only(Split("x", rows.merge(more), split.test))
    assert held(narrowed.test) == [(0, 2)]
    assert narrowed.dropped == {"film unseen in training": 3}


def test_the_last_of_each_is_asked_and_the_others_are_known(split: Split) -> None:
    fold = last_of_each(split.test)
    assert held(fold) == [(0, 4), (1, 3)]
    assert fold.history.items.tolist() == [0, 1, 2, 1, 0, 4]


def test_candidates_are_unseen_distinct_and_hold_what_is_to_be_found() -> None:
    rng = np.random.default_rng(1)
    users, items = np.nonzero(rng.random((30, 40)) < 0.3)
    data = Interactions.build(users, items, times=np.arange(len(users)))
    fold = chronological_split(data, test=0.3).test
    drawn = with_candidates(fold, 9, seed=3)
    assert drawn.candidates is not None
    for user, row in zip(fold.users, drawn.candidates, strict=True):
        films = row[row >= 0]
        known = set(fold.history.items[fold.history.users == user].tolist())
        wanted = set(fold.held_out.items[fold.held_out.users == user].tolist())
        assert len(set(films.tolist())) == len(films) == 9 + len(wanted)
        assert wanted <= set(films.tolist())
        assert not known & set(films.tolist())
    again = with_candidates(fold, 9, seed=3).candidates
    np.testing.assert_array_equal(again, drawn.candidates)
    assert not np.array_equal(with_candidates(fold, 9, seed=4).candidates, drawn.candidates)


def test_all_unseen_films_are_taken_where_there_are_fewer(split: Split) -> None:
    drawn = with_candidates(split.test, 50, seed=0)
    assert drawn.candidates is not None
    films = [sorted(row[row >= 0].tolist()) for row in drawn.candidates]
    assert films == [[2, 3, 4], [2, 3, 4]]


def test_candidates_go_with_people_who_are_asked_no_more() -> None:
    held_out = Interactions.build([0, 1], [3, 0])
    ids, catalogue = held_out.user_ids, held_out.catalogue
    train = Interactions.build([0, 1, 1], [0, 1, 2], user_ids=ids, catalogue=catalogue)
    fold = with_candidates(Fold(train, held_out), 1, seed=0)
    narrowed = seen_films_only(Split("x", train, fold)).test
    assert narrowed.users.tolist() == [1]
    assert narrowed.candidates is not None
    assert narrowed.candidates.tolist() == [[3, 0]]
