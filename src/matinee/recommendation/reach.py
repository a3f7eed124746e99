"""How alike in direction people and their best films are, which tells how far to look for these."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from matinee.artefact import Artefact
from matinee.errors import ConfigError
from matinee.models.asking import block_rows
from matinee.models.base import DotProduct

SHARE = 0.98
"""Of the best films, that are as near as is looked for."""
OWN = 0.5
"""How much of what differs among people is known from the films found so far."""
LISTED = 25
"""Best films of each person that are asked how near they are."""
PEOPLE, FEW = 256, 32
"""Whose best films are asked; fewer than these tell nothing, and all that may matter are found."""


class Reach(NamedTuple):
    """The greatest cosine of a person and a film that is reckoned with.

    It is `least`, and so much more by `own` as the films that are listed so far are near: the
    best films of some are nearer to them than those of others.
    """

    least: float
    """0 to 1; with 1 no film is ever missed."""
    own: float = 0.0
    """By which the mean cosine of those that are listed counts, 0 to 1."""


ALL = Reach(1.0)
"""Every film that may matter is looked at."""


@torch.no_grad()
def reach(artefact: Artefact) -> Reach:
    """What `SHARE` of the best films of known people, who have not seen them, keep to.

    A product of two vectors is their lengths' times their cosine, which is far from 1 for even
    the best films. A search that goes down from the longest vectors may thus end where no film
    of this cosine would be listed, and has then missed but films of a greater one. How great they
    are depends on the model alone, and is found by listing the best of some people exactly.

    Args:
        artefact: A run, the scores of whose model are inner products.

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
        return ALL
    some = known[np.linspace(0, len(known) - 1, min(PEOPLE, len(known))).astype(np.int64)]
    vectors, cosines = model.film_factors().float().cpu(), list[torch.Tensor]()
    for block in np.array_split(some, -(-len(some) // block_rows(count))):
        queries = artefact.history.queries(block)
        people = model.person_factors(queries.to(model.device))[0].float().cpu()
        scores = people @ vectors.T
        scores[queries.rows, queries.items] = -torch.inf
        best = scores.topk(min(LISTED, count))
        lengths = people.norm(dim=1, keepdim=True) * vectors[best.indices].norm(dim=2)
        cosines.append(best.values / lengths)
    found = torch.cat(cosines).nan_to_num(1.0).clamp(0, 1)
    beyond = (found - OWN * found.mean(1, keepdim=True)).flatten().sort().values
    return Reach(float(beyond[int(SHARE * (len(beyond) - 1))]), OWN)
