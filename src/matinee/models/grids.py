"""The stars people use: someone who has given no half stars is not about to give one."""

from __future__ import annotations

import torch
from torch import Tensor

from matinee.data.queries import Queries


def on_own_grid(chances: Tensor, queries: Queries, levels: Tensor) -> Tensor:
    """Chances of each level, with half stars taken from people who only give whole ones.

    The chance of a half star goes in equal parts to the whole stars next to it, so that what is
    expected stays as it was, but for the ends of the scale. Someone without a history may
    give halves; so may everyone where the scale has no halves, or no whole stars.

    Args:
        chances: `[B, K, L]`, summing to 1 over L.
        queries: B people.
        levels: `[L]` the stars of each level, ascending.

    Returns:
        `[B, K, L]`, summing to 1 over L.
    """
    whole = levels == levels.round()
    if bool(whole.all()) or not bool(whole.any()):
        return chances
    halves = queries.rows[queries.ratings != queries.ratings.round()]
    only_whole = (torch.bincount(halves, minlength=len(queries)) == 0) & (queries.lengths > 0)
    moved = chances @ _rounding(levels, whole).to(chances)
    return torch.where(only_whole[:, None, None], moved, chances)


def _rounding(levels: Tensor, whole: Tensor) -> Tensor:
    """Which share of each level goes to which whole star, `[L, L]`."""
    distance = (levels[:, None] - levels).abs().masked_fill(~whole, torch.inf)
    nearest = (distance == distance.amin(1, keepdim=True)).float()
    return nearest / nearest.sum(1, keepdim=True)
