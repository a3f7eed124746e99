"""A penalty on lists of films that are all alike."""

from __future__ import annotations

import torch
from torch import Tensor

from matinee.data.features import Fields

BEST = 10
"""Length of the list that is to be varied."""
LOOKED_AT = 64
"""Highest scores that have any part in the penalty."""
TEMPERATURE = 0.5
"""Width of the border between in and out of the list, in logits."""


def genre_directions(fields: Fields) -> Tensor:
    """Vectors `[n_items, n_genres]` whose inner products are the correlations of genres.

    A film without genres has the null vector: it correlates with nothing.
    """
    genres = torch.from_numpy(fields["genres"] > 0).float()
    known = genres.any(1, keepdim=True)
    centred = (genres - genres.mean(1, keepdim=True)) * known
    return torch.nn.functional.normalize(centred, dim=1)


def sameness(scores: Tensor, items: Tensor, directions: Tensor) -> Tensor:
    """The sum of the genre correlations among the ten highest scored films of a batch.

    Which films are in the list is softened, so that the gradient pushes alike films out and
    others in: film i counts with weight wᵢ ~ σ((sᵢ - θ) / T), θ being halfway between the tenth
    and the eleventh score, and the weights sum to ten. As T goes to 0 this is the sum over the
    ten films' pairs. A film that stands twice in the batch is no pair with itself.

    Args:
        scores: Scores of a batch, of any shape.
        items: The films scored, of the same shape.
        directions: As `genre_directions` gives.

    Returns:
        A scalar; 0 where there are fewer than two films.
    """
    top = scores.flatten().topk(min(LOOKED_AT, scores.numel()))
    films = items.flatten()[top.indices]
    if len(films) > BEST:
        border = top.values[BEST - 1 : BEST + 1].mean().detach()
        weights = ((top.values - border) / TEMPERATURE).sigmoid()
        weights = weights * (BEST / weights.sum())  # ten films' worth, however close the scores
    else:
        weights = torch.ones_like(top.values)
    vectors = directions[films]
    apart = films[:, None] != films
    return 0.5 * (torch.outer(weights, weights) * (vectors @ vectors.T) * apart).sum()
