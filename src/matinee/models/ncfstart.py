"""What a product of vectors may start from: a factorisation, read as log-odds."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from matinee.data.batches import Batch
from matinee.data.interactions import Interactions
from matinee.models.ials import IALS

TINY = 1e-12
"""Mean square of factors below which they are all but 0, as under too great a penalty."""
STEPS = 20
"""Of L-BFGS at most, each with a search along its line; a curve of two parameters needs few."""


class Start(NamedTuple):
    """Vectors whose products, with `bias`, are log-odds that a film was rated."""

    users: Tensor
    """`[users, dim]`."""
    items: Tensor
    """`[n_items, dim]`."""
    bias: float


@torch.no_grad()
def start_of(trained: IALS, data: Interactions, sample: Batch) -> Start:
    """Factors of `IALS`, scaled so that their products say how likely a film was rated.

    Its predictions lie about 0 and 1 and are no probabilities, but a logistic curve makes them
    that (Platt, 'Probabilistic outputs for support vector machines', 1999). The slope is shared
    out so that people's and films' vectors are equally long in the mean square, as any rate of
    learning suits both.

    Args:
        trained: Fitted to `data`.
        data: Training ratings.
        sample: Rated and unrated films as `SampledBatches` makes them, to fit the curve to.
    """
    people, _ = trained.person_factors(data.queries().to(trained.device))
    users, items = people.cpu(), trained.film_factors().cpu()
    products = torch.einsum("bd,bkd->bk", users[sample["users"]], items[sample["items"]])
    slope, bias = logistic_curve(products[:, 0], products[:, 1:].flatten())
    theirs, films = (side.square().mean().clamp_min(TINY) for side in (users, items))
    ratio = films / theirs
    users_by, items_by = (slope * ratio**0.5) ** 0.5, (slope / ratio**0.5) ** 0.5
    return Start(users * users_by, items * items_by, float(bias))


def logistic_curve(rated: Tensor, unrated: Tensor) -> tuple[Tensor, Tensor]:
    """Slope, 0 or more, and intercept of the curve under which the two are likeliest.

    Args:
        rated: `[n]` predictions where the truth is 1.
        unrated: `[m]`, where it is 0.
    """
    values = torch.cat([rated, unrated])
    truth = torch.cat([torch.ones_like(rated), torch.zeros_like(unrated)])
    line = torch.zeros(2, device=values.device)
    with torch.inference_mode(False), torch.enable_grad():
        values, line = values.clone(), line.requires_grad_()
        search = torch.optim.LBFGS([line], max_iter=STEPS, line_search_fn="strong_wolfe")

        def loss() -> Tensor:
            odds = values * line[0] + line[1]
            found = functional.binary_cross_entropy_with_logits(odds, truth)
            (line.grad,) = torch.autograd.grad(found, line)
            return found

        search.step(loss)
    slope, intercept = line.detach()
    return slope.clamp_min(0), intercept
