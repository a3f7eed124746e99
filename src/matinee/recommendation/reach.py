"""How alike in direction people and their best films are, which tells how far to look for these."""

from __future__ import annotations

import numpy as np
import torch

from matinee.artefact import Artefact
from matinee.errors import ConfigError
from matinee.models.asking import block_rows
from matinee.models.base import DotProduct

SHARE = 0.975
"""Of the best films, that are as near as is looked for; as longer vectors may be listed though they
are nearer still, 98 % of the best ten are found."""
LISTED = 25
"""Best films of each person that are asked how near they are."""
PEOPLE, FEW = 256, 32
"""Whose best films are asked; fewer than these tell nothing, and all that may matter are found."""


@torch.no_grad()
def reach(artefact: Artefact) -> float:
    """The cosine that `SHARE` of the best films have with known people who have not seen them.

    A product of two vectors is their lengths' times their cosine, which is far from 1 for even
    the best films. A search that goes down from the longest vectors may thus end where no film
    of this cosine would be listed, and has then missed but films of a greater one. How great they
    are depends on the model alone, and is found by listing the best of some people exactly.

    Args:
        artefact: A run, the scores of whose model are inner products.

    Returns:
        0 to 1; with 1 no film is ever missed.

    Raises:
        ConfigError: If they are something else.
    """
    model = artefact.model
    if not isinstance(model, DotProduct):
        raise ConfigError(
            f"the scores of {model.name} are not inner products, so all films are to be looked at",
            where="approximate",
            expected="a model such as mf or ials",
        )
    known, count = artefact.history.active_users, len(artefact.catalogue)
    if len(known) < FEW:
        return 1.0
    some = known[np.linspace(0, len(known) - 1, min(PEOPLE, len(known))).astype(np.int64)]
    vectors, cosines = model.film_factors().float().cpu(), list[torch.Tensor]()
    for block in np.array_split(some, -(-len(some) // block_rows(count))):
        queries = artefact.history.queries(block)
        people = model.person_factors(queries.to(model.device))[0].float().cpu()
        scores = people @ vectors.T
        scores[queries.rows, queries.items] = -torch.inf
        best = scores.topk(min(LISTED, count))
        lengths = people.norm(dim=1, keepdim=True) * vectors[best.indices].norm(dim=2)
        cosines.append((best.values / lengths).flatten())
    found = torch.cat(cosines).nan_to_num(1.0).clamp(0, 1).sort().values
    return float(found[int(SHARE * (len(found) - 1))])
