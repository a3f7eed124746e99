"""The parts of the Gibbs sampler against slow linear algebra, and the whole on made data."""

from __future__ import annotations

import numpy as np
import torch

from matinee.data.interactions import Interactions
from matinee.models import Sizes, build
from matinee.models.bayesian import BayesianMF, _conditional, _conjugate_gradients


def test_conditionals_are_bayesian_linear_regressions() -> None:
    random = torch.Generator().manual_seed(0)
    offsets = torch.tensor([0, 3, 3, 8])  # the second row has no entries: its prior
    x, y = torch.randn(8, 2, generator=random), torch.randn(8, generator=random)
    prior = (torch.tensor([0.5, -1.0]), torch.tensor([2.0, 3.0]))
    means, precisions = torch.zeros(3, 2), torch.zeros(3, 2, 2)

    def take(rows: torch.Tensor, mean: torch.Tensor, factor: torch.Tensor) -> None:
        means[rows], precisions[rows] = mean, factor @ factor.mT

    _conditional(offsets, x, y, torch.tensor(4.0), prior, take)
    for row, (start, stop) in enumerate([(0, 3), (3, 3), (3, 8)]):
        own = x[start:stop]
        precision = 4.0 * own.T @ own + torch.diag(prior[1])
        right = 4.0 * own.T @ y[start:stop] + prior[1] * prior[0]
        torch.testing.assert_close(precisions[row], precision)
        torch.testing.assert_close(means[row], torch.linalg.solve(precision, right))


def test_conjugate_gradients_solve() -> None:
    random = torch.Generator().manual_seed(1)
    root = torch.randn(6, 6, generator=random)
    matrix = root @ root.T + torch.eye(6)
    right = torch.randn(6, 2, generator=random)
    found = _conjugate_gradients(lambda v: matrix @ v, right, torch.zeros(6, 2))
    torch.testing.assert_close(found, torch.linalg.solve(matrix, right), rtol=1e-2, atol=1e-3)


def test_it_finds_the_stars_of_its_own_kind_of_world() -> None:
    """On ratings of low rank with noise of 0.3, the error comes near the noise."""
    random = np.random.default_rng(0)
    people, films = random.normal(size=(120, 2)), random.normal(size=(60, 2))
    users, items = (random.random((120, 60)) < 0.5).nonzero()
    clean = 3 + (people[users] * films[items]).sum(1)
    stars = clean + 0.3 * random.normal(size=len(clean))
    shown = random.random(len(stars)) < 0.8
    data = Interactions.build(users[shown], items[shown], stars[shown])
    config = {"dim": 2, "burn_in": 40, "samples": 20, "every": 2, "implicit": False}
    model = build("bmf", config, Sizes.of(data))
    assert isinstance(model, BayesianMF)
    model.solve(data)
    everyone = data.queries()
    for queries in (everyone, everyone.forget_users()):
        found = model.score(queries)[users[~shown], items[~shown]].numpy()
        assert np.sqrt(np.mean((found - clean[~shown]) ** 2)) < 0.2
