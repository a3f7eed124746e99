"""How far from the centres of their blocks people's best films are, which tells what to look at."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from matinee.artefact import Artefact
from matinee.data.vocabulary import LongArray
from matinee.errors import ConfigError
from matinee.models.asking import block_rows
from matinee.models.base import DotProduct
from matinee.models.filmblocks import WIDTH

SHARE = 0.975
"""Of the best films, that are as near as is looked for; as some are looked at though they are
farther, 98 % of the best ten are found."""
LISTED = 25
"""Best films of each person that are asked how near they are."""
PEOPLE, FEW = 256, 32
"""Whose best films are asked; fewer than these tell nothing, and all that may matter are found."""


@torch.no_grad()
def reach(artefact: Artefact) -> float:
    """How far towards a person `SHARE` of the best films are from the centre of their block.

    No film is farther than the block's radius; but hardly any of those in a block that is far
    from a person points from its centre straight at them, so that a search may leave out blocks
    which hold a film to be listed only if one does. How far they come depends on the model, and
    is found by listing the best of some known people exactly, without those that they have seen.

    Args:
        artefact: A run, the scores of whose model are inner products.

    Returns:
        A share of the radius, 0 to 1; with 1 no film is ever missed.

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
    found = torch.cat([_shares(artefact, model, block) for block in _parts(some, count)])
    found = found.nan_to_num(1.0).clamp(0, 1).sort().values
    return float(found[int(SHARE * (len(found) - 1))])


def _parts(people: LongArray, films: int) -> list[LongArray]:
    return np.array_split(people, -(-len(people) // block_rows(films)))


def _shares(artefact: Artefact, model: DotProduct, known: LongArray) -> Tensor:
    """Of the radius of its block, each of the best films of known people, in one row."""
    queries, blocks = artefact.history.queries(known), artefact.film_blocks
    assert blocks is not None
    people = model.person_factors(queries.to(artefact.model.device))[0].float().cpu()
    scores = people @ model.film_factors().float().cpu().T
    scores[queries.rows, queries.items] = -torch.inf
    best = scores.topk(min(LISTED, scores.shape[1]))
    which = blocks.places[best.indices.numpy()] // WIDTH
    centres = torch.from_numpy(blocks.centre(which))
    radii = torch.from_numpy(blocks.radii[which]) * people.norm(dim=1, keepdim=True)
    beyond = best.values - torch.einsum("bd,bkd->bk", people, centres)
    return torch.where(radii > 0, beyond / radii, 0.0).flatten()
