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
