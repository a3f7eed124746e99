"""Likes by a threshold."""

from __future__ import annotations

import pytest

from matinee.data.interactions import Interactions
from matinee.errors import DataError


def test_liked_keeps_ratings_from_the_threshold_on() -> None:
    data = Interactions.build([0, 0, 1], [0, 1, 1], [3.5, 4, 5], [1, 2, 3])
    liked = data.liked(4)
    assert liked.items.tolist() == [1, 1]
    assert liked.ratings.tolist() == [4, 5]
    assert (liked.n_users, liked.n_items) == (data.n_users, data.n_items)


def test_events_without_ratings_cannot_be_told_apart() -> None:
    with pytest.raises(DataError, match="4 or more"):
        Interactions.build([0], [0]).liked(4)


def test_people_of_few_ratings_are_left_out() -> None:
    data = Interactions.build([0, 0, 1, 2, 2, 2], [0, 1, 1, 0, 1, 2])
    assert data.of_active(2).users.tolist() == [0, 0, 2, 2, 2]
    assert data.of_active(3).items.tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="nobody has 4 ratings or more"):
        data.of_active(4)
