"""What each head of the rating network answers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.errors import ConfigError
from matinee.models import Sizes, build
from matinee.models.rating import RatingDNN
from support.boards import checkerboard, fitted

HEADS = ("classes", "stars", "like")


@pytest.fixture(scope="module")
def board() -> Interactions:
    return checkerboard()


@pytest.fixture(scope="module", params=HEADS)
def model(request: pytest.FixtureRequest, board: Interactions) -> RatingDNN:
    """A network with each head in turn, fitted to the checkerboard."""
    made = fitted("ratingdnn", board, head=request.param)
    assert isinstance(made, RatingDNN)
    return made


def fresh(data: Interactions, **config: object) -> RatingDNN:
    """A network that has seen the scale of the data but not learned."""
    made = build(
        "ratingdnn", {"dropout": 0.0, "inputs": ["user", "item"], **config}, Sizes.of(data)
    )
    assert isinstance(made, RatingDNN)
    made.prepare(data)
    return made.eval()


def unseen_own(data: Interactions) -> torch.Tensor:
    """Whether each film is of the person's colour and unseen `[n_users, n_items]`, else NaN."""
    colours = torch.arange(data.n_users)[:, None] % 2 == torch.arange(data.n_items) % 2
    queries, marks = data.queries(), colours.float()
    marks[queries.rows, queries.items] = torch.nan
    return marks


def test_unseen_films_of_the_own_colour_get_more_stars_and_are_liked(
    model: RatingDNN, board: Interactions
) -> None:
    marks, films = unseen_own(board), torch.arange(board.n_items)
    stars = model.predict(board.queries(), films)
    chances = model.probability(board.queries(), films)
    assert stars[marks == 1].mean() > 4
    assert stars[marks == 0].mean() < 2
    assert (chances[marks == 1] > 0.5).float().mean() > 0.95
    assert (chances[marks == 0] < 0.5).float().mean() > 0.95


def test_a_new_person_is_answered_by_their_taste(model: RatingDNN) -> None:
    stars = [5.0, 5.0, 5.0, 1.0, 1.0]
    asked = Queries.anonymous([[0, 2, 4, 1, 3], [1, 3, 5, 0, 2]], [stars, stars])
    chances = model.probability(asked, torch.tensor([8, 9]))
    assert chances[0, 0] > 0.5 > chances[0, 1]
    assert chances[1, 1] > 0.5 > chances[1, 0]


def test_with_classes_stars_are_expected_and_likes_summed(board: Interactions) -> None:
    network, films = fresh(board, head="classes", like_at=3), torch.arange(board.n_items)
    queries = board.queries(np.arange(3))
    chances = torch.stack(
        [fresh_like(network, at).probability(queries, films) for at in (1, 2, 3, 4, 5)]
    )
    # E[stars] = sum over levels of P(stars >= level), as levels are 1 apart from 0
    torch.testing.assert_close(network.predict(queries, films), chances.sum(0))
    torch.testing.assert_close(chances[0], torch.ones_like(chances[0]))


def fresh_like(network: RatingDNN, at: float) -> RatingDNN:
    """The same network with another threshold."""
    network.like_at.fill_(at)
    return network


def test_with_stars_halfway_between_dislike_and_like_the_odds_are_even(board: Interactions) -> None:
    network, queries = fresh(board, head="stars", like_at=4), board.queries(np.arange(2))
    films = torch.arange(board.n_items)
    off = network.predict(queries, films) - 3  # between the two levels there are, 1 and 5
    chances = network.probability(queries, films)
    expected = torch.distributions.Normal(0.0, network.variance.sqrt()).cdf(off)
    torch.testing.assert_close(chances, expected)


def test_with_likes_the_score_is_the_log_odds(board: Interactions) -> None:
    network, queries = fresh(board, head="like"), board.queries(np.arange(2))
    films = torch.arange(board.n_items)
    torch.testing.assert_close(
        network.score(queries).sigmoid(), network.probability(queries, films)
    )


def test_a_film_that_nobody_rated_is_judged_by_its_genres() -> None:
    rated = checkerboard()
    frame = pl.concat(
        [
            rated.catalogue.frame.select("id", "genres"),
            pl.DataFrame({"id": ["e", "o"], "genres": [["Even"], ["Odd"]]}),
        ]
    )
    data = Interactions.build(
        rated.users, rated.items, rated.ratings, rated.times, catalogue=Catalogue.from_frame(frame)
    )
    network = fitted("ratingdnn", data, inputs=("user", "genres"), head="like", biases=False)
    assert isinstance(network, RatingDNN)
    chances = network.probability(data.queries(), torch.tensor([16, 17]))
    own = torch.arange(data.n_users) % 2
    assert (chances.argmax(1) == own).all()


def test_the_penalty_is_of_the_vectors_that_took_part(board: Interactions) -> None:
    plain, held = fresh(board), fresh(board, l2=0.3)
    batch = {
        "users": torch.tensor([0, 3]),
        "items": torch.tensor([2, 2]),
        "ratings": torch.tensor([5.0, 1.0]),
    }
    assert held.users is not None
    assert held.items is not None
    squares = held.users.weight[[0, 3], :-1].square().sum(1)
    squares = squares + held.items.weight[2, :-1].square().sum()
    torch.testing.assert_close(held(batch), plain(batch) + 0.3 * squares.mean())


def test_an_input_the_data_do_not_have_is_refused_with_those_they_have(
    board: Interactions,
) -> None:
    with pytest.raises(ConfigError, match="user, item, people, genres"):
        fresh(board, inputs=["user", "director"])
