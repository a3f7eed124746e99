"""How many films need to be looked at so that nearly all of the best are found."""

from __future__ import annotations

import numpy as np
import torch

from matinee.artefact import Artefact
from matinee.errors import ConfigError
from matinee.models.asking import block_rows
from matinee.models.base import DotProduct

SHARE = 0.99
"""Of the best films, that are to be found."""
LISTED = 25
"""Best films of each person that are looked for; longer lists are exact."""
PEOPLE, FEW = 256, 32
"""Whose best films are looked for; fewer than these tell nothing, and all films are looked at."""


@torch.no_grad()
def reach(artefact: Artefact) -> int:
    """So many of the films of longest vectors have `SHARE` of what known people have not seen.

    Where scores are inner products, long vectors have most of the best: how many, depends on
    the model alone, and is found by listing the best of some people exactly.

    Args:
        artefact: A run, the scores of whose model are inner products.

    Raises:
        ConfigError: If they are something else.
    """
    model, films = artefact.model, artefact.longest_first
    if films is None or not isinstance(model, DotProduct):
        raise ConfigError(
            f"the scores of {model.name} are not inner products, so all films are to be looked at",
            where="approximate",
            expected="a model such as mf or ials",
        )
    known, count = artefact.history.active_users, len(films.vectors)
    if len(known) < FEW:
        return count
    some = known[np.linspace(0, len(known) - 1, min(PEOPLE, len(known))).astype(np.int64)]
    places = list[torch.Tensor]()
    for block in np.array_split(some, -(-len(some) // block_rows(count))):
        queries = artefact.history.queries(block)
        people = model.person_factors(queries.to(model.device))[0].float().cpu()
        scores = people @ films.vectors.T
        scores[queries.rows, films.places[queries.items]] = -torch.inf
        places.append(scores.topk(min(LISTED, count)).indices.flatten())
    found = torch.cat(places).sort().values
    return max(int(found[int(SHARE * (len(found) - 1))]) + 1, min(LISTED, count))
