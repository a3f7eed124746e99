"""Someone new gets nearly the list that a model refitted with them would give."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.data.simulate import simulate
from matinee.models import MODELS, Recommender
from support.boards import fitted, training

NEWCOMERS = np.arange(0, 30, 3)

RANDOM = ("sasrec", "gru4rec", "bert4rec", "hstu")
"""Models of order that start from random vectors: on so few people each training ends elsewhere."""

ENOUGH = 0.7
"""Mean overlap of the ten best that satisfies on simulated people. By chance it is 0.17."""

MARGIN = 0.15
"""How much less than two refits with two seeds have in common a folded list may have.

Of ten people the mean is uncertain by about 0.05, and each side of the comparison has its own.
"""


def without(data: Interactions, people: np.ndarray) -> Interactions:
    """Everyone else's ratings, numbered anew."""
    rest = data.take(~np.isin(data.users, people))
    _, users = np.unique(rest.users, return_inverse=True)
    return Interactions.build(users, rest.items, rest.ratings, rest.times, catalogue=data.catalogue)


def best(model: Recommender, queries: Queries, k: int) -> list[set[int]]:
    scores = model.score(queries).clone()
    scores[queries.rows, queries.items] = -torch.inf
    return [set(row) for row in scores.topk(k).indices.tolist()]


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"popularity", *RANDOM}))
def test_a_newcomers_own_colour_comes_first(
    name: str, trained: Callable[[str], Recommender], board: Interactions
) -> None:
    """The two unseen films of the own colour, as the model that knew the person says too."""
    data = training(name, board)
    known = data.queries(NEWCOMERS)
    folded = best(fitted(name, without(data, NEWCOMERS)), known.forget_users(), 2)
    same = [a == b for a, b in zip(folded, best(trained(name), known, 2), strict=True)]
    assert np.mean(same) >= 0.9


@pytest.mark.slow
def test_a_newcomers_list_is_that_of_a_refit(name: str) -> None:
    data = simulate(150, 80, 3000)
    known = data.queries(NEWCOMERS)
    folded = best(fitted(name, without(data, NEWCOMERS)), known.forget_users(), 10)
    refitted = best(fitted(name, data), known, 10)
    if overlap(folded, refitted) < ENOUGH:  # is it the training that is so random?
        again = best(fitted(name, data, seed=1), known, 10)
        assert overlap(folded, refitted) >= overlap(again, refitted) - MARGIN


def overlap(some: list[set[int]], others: list[set[int]]) -> float:
    return float(np.mean([len(a & b) / 10 for a, b in zip(some, others, strict=True)]))
