"""What biased matrix factorisation finds in data whose factors are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from matinee import kernels
from matinee.data.interactions import Interactions
from matinee.engine import Trainer, TrainerConfig
from matinee.models import Sizes, build
from matinee.models.factorisation import BiasedMF

NOISE = 0.3


def stars(people: int = 300, films: int = 200, each: int = 60) -> tuple[Interactions, Interactions]:
    """Two parts of ratings that biases and two factors explain but for noise."""
    random = np.random.default_rng(0)
    users = np.repeat(np.arange(people), each)
    items = np.concatenate([random.choice(films, each, replace=False) for _ in range(people)])
    of_people, of_films = random.normal(0, 0.7, (people, 3)), random.normal(0, 0.7, (films, 3))
    exact = 3 + of_people[users, 2] + of_films[items, 2]
    exact += (of_people[users, :2] * of_films[items, :2]).sum(1)
    data = Interactions.build(users, items, exact + random.normal(0, NOISE, len(users)))
    held_out = random.random(len(data)) < 0.1
    return data.take(~held_out), data.take(held_out)


@pytest.mark.parametrize("compiled", [True, False])
def test_the_defaults_find_factors_but_for_the_noise(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        monkeypatch.setattr(kernels, "available", lambda: False)
    elif not kernels.available():
        pytest.skip("numba is not installed")
    train, held_out = stars()
    model = build("mf", {"dim": 8, "l2": 0.01}, Sizes.of(train), seed=0)
    assert isinstance(model, BiasedMF)
    (*_, last) = Trainer(model, train, TrainerConfig(**model.defaults)).run().records
    assert last.compiled == compiled
    scores = model.score(train.queries()).numpy()
    errors = scores[held_out.users, held_out.items] - held_out.ratings
    alone = held_out.ratings - train.ratings.mean()
    assert np.sqrt(np.square(errors).mean()) < 1.3 * NOISE < 0.35 * alone.std()


@pytest.mark.parametrize("batch_size", [1, 6])
def test_the_learning_rate_is_that_of_a_rating_whatever_the_batch(batch_size: int) -> None:
    data = Interactions.build(np.arange(6), np.arange(6), [1.0, 2, 3, 4, 5, 5])
    model = build("mf", {"dim": 2, "l2": 0.0, "bias_l2": 0.0}, Sizes.of(data))
    assert isinstance(model, BiasedMF)
    torch.nn.init.zeros_(model.users.weight)
    torch.nn.init.zeros_(model.items.weight)
    loop: dict[str, Any] = {**model.defaults, "batch_size": batch_size, "epochs": 1}
    loop.update(learning_rate=0.1, schedule="constant")
    trainer = Trainer(model, data, TrainerConfig(**loop))
    for step in range(len(trainer.batches)):
        trainer.step(0, step)
    expected = 0.2 * (data.ratings - data.ratings.mean())
    np.testing.assert_allclose(model.users.weight.detach()[:, -1], expected, rtol=1e-5)
