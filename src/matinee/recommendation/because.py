"""Reasons: which liked films speak for a recommended one, found by leaving each out."""

from __future__ import annotations

import torch
from torch import Tensor

from matinee.data.queries import Queries
from matinee.data.vocabulary import BoolArray
from matinee.models.base import Recommender
from matinee.recommendation.types import Reason

MOST = 3
"""How many reasons a film gets."""

BLOCK = 2**22
"""Entries of a score or history block held at a time, so that long histories fit."""


def reasons(
    model: Recommender, queries: Queries, items: Tensor, liked: BoolArray, titles: list[str]
) -> list[tuple[Reason, ...]]:
    """The liked films whose absence lowers the score of each recommended film most.

    Weights are shares of the sum of all positive drops, so that they add up to at most 1.
    For a model that is linear in the history they are exact: the drop is what the film
    adds. A film that stands alone in the history is the whole reason.

    Args:
        model: The model.
        queries: One person.
        items: `[K]` recommended films.
        liked: `[n]` which entries of the history may be named.
        titles: Titles of all films.

    Returns:
        K tuples of up to three reasons, weightiest first; empty where no film speaks for it.
    """
    entries = torch.from_numpy(liked).nonzero().squeeze(1)
    if len(queries.items) == 1:
        drops = torch.ones(len(entries), len(items))
    else:
        drops = _drops(model, queries, items, entries).cpu()
    drops = drops.clamp(min=0)
    shares = drops / drops.sum(dim=0).clamp(min=torch.finfo(drops.dtype).tiny)
    names = [titles[i] for i in queries.items[entries].tolist()]
    return [_weightiest(names, column) for column in shares.T.tolist()]


def _drops(model: Recommender, queries: Queries, items: Tensor, entries: Tensor) -> Tensor:
    """How much each score falls without each of the entries: `[len(entries), K]`.

    Everyone is asked as a stranger, with the whole history and without one film of it, so
    that what the model has learned of the person by name does not blur the comparison.
    """
    device = model.device
    stranger, items = queries.forget_users(), items.to(device)
    whole = model.score(stranger.to(device), items)
    step = max(1, BLOCK // max(len(queries.items), model.sizes.items))
    drops = [
        whole - model.score(stranger.leave_each_out(0, part).to(device), items)
        for part in entries.split(step)
    ]
    return torch.cat(drops).nan_to_num(nan=0.0, posinf=0.0)


def _weightiest(names: list[str], shares: list[float]) -> tuple[Reason, ...]:
    ranked = sorted(zip(names, shares, strict=True), key=lambda pair: -pair[1])
    return tuple(Reason(name, share) for name, share in ranked[:MOST] if share > 0)
