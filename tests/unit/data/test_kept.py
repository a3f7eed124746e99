"""What is kept of a data set, and the order it stands in."""

from __future__ import annotations

import pytest

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.errors import DataError


def test_films_of_too_few_ratings_are_left_out_and_the_others_numbered_anew() -> None:
    data = Interactions.build(
        [0, 0, 1, 1, 2],
        [1, 3, 3, 4, 1],
        [5, 4, 3, 2, 1],
        [1, 2, 3, 4, 5],
        catalogue=Catalogue.numbered(6),
    )
    kept = data.well_rated(2)
    assert list(kept.catalogue.ids) == ["1", "3"]
    assert kept.users.tolist() == [0, 0, 1, 2]
    assert kept.items.tolist() == [0, 1, 1, 0]
    assert kept.ratings.tolist() == [5, 4, 3, 1]
    assert kept.times.tolist() == [1, 2, 3, 5]
    assert kept.n_users == data.n_users
    assert data.well_rated(1).n_items == 3


def test_a_number_that_no_film_reaches_is_refused() -> None:
    with pytest.raises(DataError, match="no film has 3 ratings or more"):
        Interactions.build([0, 1], [0, 0]).well_rated(3)


def test_the_order_given_can_stand_for_times() -> None:
    ordered = Interactions.build([1, 0, 1, 1], [5, 4, 3, 4]).in_order()
    assert ordered.timed
    assert ordered.items.tolist() == [4, 5, 3, 4]
    assert ordered.times.tolist() == [0, 0, 1, 2]


def test_ratings_with_times_have_an_order() -> None:
    with pytest.raises(DataError, match="have times"):
        Interactions.build([0], [0], times=[3]).in_order()
