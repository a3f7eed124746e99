"""Linear models of order."""

from __future__ import annotations

import numpy as np
import torch

from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models import Sizes, build
from matinee.models.transitions import SLIT
from support.boards import fitted

SETTINGS = {"past": 2.0, "memory": 0.1, "future": 3.0, "l2": 2.0}


def histories(people: int = 12, films: int = 9, longest: int = 7) -> Interactions:
    """Histories of 1 to `longest` films in random order."""
    random = np.random.default_rng(4)
    lengths = random.integers(1, longest + 1, people)
    items = np.concatenate([random.permutation(films)[:n] for n in lengths])
    times = np.concatenate([np.arange(n) for n in lengths])
    return Interactions.build(np.repeat(np.arange(people), lengths), items, None, times)


def written_out(data: Interactions) -> tuple[np.ndarray, np.ndarray]:
    """X and Y of the ridge regression, row by row."""
    rows: list[np.ndarray] = []
    wanted: list[np.ndarray] = []
    for user in data.active_users:
        films = data.items[data.offsets[user] : data.offsets[user + 1]]
        for place in range(1, len(films)):
            before, ahead = np.zeros((2, data.n_items))
            for d, film in enumerate(films[:place][::-1]):
                before[film] += np.exp(-d / 2.0) + 0.1
            for d, film in enumerate(films[place:]):
                ahead[film] += np.exp(-d / 3.0)
            rows.append(before)
            wanted.append(ahead)
    return np.stack(rows), np.stack(wanted)


def test_weights_are_those_of_the_ridge_regression_written_out() -> None:
    data = histories()
    past, future = written_out(data)
    gram = past.T @ past + 2.0 * np.eye(data.n_items)
    expected = np.linalg.solve(gram, past.T @ future)
    model = fitted("slit", data, **SETTINGS)
    assert isinstance(model, SLIT)
    np.testing.assert_allclose(model.weights.numpy(), expected, atol=1e-5)


def test_a_film_met_twice_in_a_history_counts_twice() -> None:
    data = Interactions.build([0] * 4, [0, 1, 0, 2], None, [0, 1, 2, 3])
    past, future = written_out(data)
    expected = np.linalg.solve(past.T @ past + 2.0 * np.eye(3), past.T @ future)
    model = fitted("slit", data, **SETTINGS)
    np.testing.assert_allclose(model.weights.numpy(), expected, atol=1e-5)


def test_the_latest_film_of_a_history_weighs_most() -> None:
    model = build("slit", SETTINGS, Sizes(users=0, items=3, ratings=0))
    model.load_state_dict({"weights": torch.eye(3)})
    scores = model.score(Queries.anonymous([[0, 1, 2], [2], []]))
    fading = np.exp([-2 / 2.0, -1 / 2.0, 0.0]) + 0.1
    np.testing.assert_allclose(scores, [fading, [0, 0, 1.1], [0, 0, 0]], rtol=1e-6)


def test_people_with_one_rating_teach_nothing() -> None:
    model = fitted("slit", Interactions.build([0, 1], [0, 1]), **SETTINGS)
    assert isinstance(model, SLIT)
    assert not model.weights.any()
