"""Half stars of people who give none."""

from __future__ import annotations

import torch

from matinee.data.queries import Queries
from matinee.models.grids import on_own_grid

LEVELS = torch.arange(1, 11) / 2
"""0.5, 1, ..., 5."""


def asked(*stars: list[float]) -> Queries:
    """People who gave these stars."""
    return Queries.anonymous([list(range(len(own))) for own in stars], list(stars))


def test_the_half_stars_of_someone_who_gives_none_go_to_their_neighbours() -> None:
    chances = torch.zeros(1, 1, 10)
    chances[0, 0, 6], chances[0, 0, 0] = 0.8, 0.2  # 3.5 stars and half a star
    moved = on_own_grid(chances, asked([4, 2, 5]), LEVELS)
    expected = torch.zeros(10)
    expected[5], expected[7], expected[1] = 0.4, 0.4, 0.2  # 3, 4 and 1 star
    torch.testing.assert_close(moved[0, 0], expected)


def test_one_half_star_in_the_history_or_no_history_keeps_them() -> None:
    chances = torch.rand(3, 4, 10, generator=torch.Generator().manual_seed(0)).softmax(-1)
    moved = on_own_grid(chances, asked([4, 3.5, 5], [], [3]), LEVELS)
    assert torch.equal(moved[:2], chances[:2])
    assert (moved[2, :, ::2] == 0).all()
    torch.testing.assert_close(moved.sum(-1), torch.ones(3, 4))


def test_on_a_scale_of_whole_stars_nothing_moves() -> None:
    chances = torch.full((1, 2, 5), 0.2)
    assert torch.equal(on_own_grid(chances, asked([1, 2]), torch.arange(1.0, 6.0)), chances)
    assert torch.equal(on_own_grid(chances, asked([1, 2]), torch.arange(5) + 0.5), chances)
