"""The diversity regulariser against the sum it softens."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from matinee.data.interactions import Interactions
from matinee.errors import ConfigError
from matinee.models import Sizes, build, diversity
from matinee.models.diversity import genre_directions, sameness

GENRES = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0.5, 0.5, 0], [0, 0, 0], [0, 0, 1]])


def test_inner_products_are_correlations() -> None:
    directions = genre_directions({"genres": GENRES.astype(np.float32)})
    flags = (GENRES > 0).astype(float)
    for i, j in combinations([0, 1, 2, 3, 5], 2):
        expected = np.corrcoef(flags[i], flags[j])[0, 1]
        assert float(directions[i] @ directions[j]) == pytest.approx(expected, abs=1e-6)
    assert not directions[4].any()


def test_with_a_sharp_border_it_is_the_sum_over_the_ten_best(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(diversity, "TEMPERATURE", 1e-6)
    random = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(30, 4, generator=random), dim=1)
    scores, items = torch.randn(5, 8, generator=random), torch.randint(30, (5, 8), generator=random)
    best = items.flatten()[scores.flatten().argsort(descending=True)[:10]].tolist()
    expected = sum(float(directions[i] @ directions[j]) for i, j in combinations(best, 2) if i != j)
    assert float(sameness(scores, items, directions)) == pytest.approx(expected, abs=1e-4)


def test_its_gradient_pushes_out_the_film_that_is_like_the_others() -> None:
    directions = torch.zeros(20, 2)
    directions[:10, 0] = 1.0  # nine of one kind, and one more at the border
    directions[10:, 1] = 1.0
    scores = torch.arange(20.0, 0.0, -1.0).mul(0.1).requires_grad_()
    sameness(scores, torch.arange(20), directions).backward()
    assert scores.grad is not None
    assert scores.grad[9] > 0 > scores.grad[10]


def test_films_without_genres_cannot_be_varied() -> None:
    data = Interactions.build([0, 0, 1], [0, 1, 2])
    with pytest.raises(ConfigError, match="no genres"):
        build("gmf", {"diversity": 0.1}, Sizes.of(data))
