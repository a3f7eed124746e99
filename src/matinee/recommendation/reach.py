"""How many films need to be looked at so that nearly all of the best are found."""

from __future__ import annotations

import numpy as np
import torch

from matinee.artefact import Artefact
from matinee.data.vocabulary import LongArray
from matinee.errors import ConfigError
from matinee.models.asking import block_rows
from matinee.models.base import DotProduct

SHARE = 0.99
"""Of the best films, that are to be found."""
LISTED = 100
"""Best films of each person that are looked for, and the most that is asked for by reach."""
PEOPLE = 256
"""Whose best films are looked for."""


@torch.no_grad()
def reach(artefact: Artefact) -> int:
    """So many of the films of longest vectors have `SHARE` of the best of people in the history.

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
    queries = artefact.history.queries(_sample(artefact)).to(model.device)
    people = model.person_factors(queries)[0].float().cpu()
    listed = min(LISTED, len(films.vectors))
    rows = block_rows(len(films.vectors))
    found = [(block @ films.vectors.T).topk(listed).indices for block in people.split(rows)]
    places = torch.cat(found).flatten().sort().values
    return max(int(places[int(SHARE * (len(places) - 1))]) + 1, listed)


def _sample(artefact: Artefact) -> LongArray:
    """People with a history, evenly spread."""
    people = artefact.history.active_users
    places = np.linspace(0, len(people) - 1, min(PEOPLE, len(people))).astype(np.int64)
    return np.asarray(people[places], np.int64)
