"""The best films of each of some people: by a scan over the films, or by a table of all scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from matinee import kernels
from matinee.artefact import Artefact
from matinee.data.queries import Queries
from matinee.data.vocabulary import BoolArray, LongArray
from matinee.models.asking import block_rows
from matinee.models.base import DotProduct
from matinee.recommendation.topk import unseen_top


@dataclass(frozen=True, slots=True)
class Wish:
    """What films one person may get.

    Attributes:
        pool: How many; there are fewer if fewer are left.
        barred: Film integers that must not be among them.
        passing: A mask over all films of those that may be; None for all.
    """

    pool: int
    barred: Tensor
    passing: BoolArray | None = None


@dataclass(frozen=True, slots=True)
class Best:
    """The best films of one person.

    Attributes:
        items: Film integers, best first.
        scores: Their scores.
        fallback: Whether these are but the films' popularity.
    """

    items: list[int]
    scores: list[float]
    fallback: bool


def best(
    artefact: Artefact, queries: Queries, wishes: Sequence[Wish], reach: float = 1.0
) -> list[Best]:
    """The films of highest score, or of most ratings if the model gives all the same score.

    Args:
        artefact: The run.
        queries: B people.
        wishes: What each may get.
        reach: How near films are reckoned to be, see `reach`; by default lists are exact.

    Raises:
        EvaluationError: If the model gives scores that are not numbers.
    """
    if (found := _scanned(artefact, queries, wishes, reach)) is not None:
        return _cut(wishes, *found)
    listed: list[Best] = []
    step = block_rows(len(artefact.catalogue))
    for start in range(0, len(wishes), step):
        rows = slice(start, start + step)
        listed += _cut(wishes[rows], *_ranked(artefact, queries.block(rows), wishes[rows]))
    return listed


def _cut(
    wishes: Sequence[Wish], items: Tensor, scores: Tensor, fallback: Sequence[bool]
) -> list[Best]:
    """What `top` gives, as many films each as were wished for and are there."""
    listed: list[Best] = []
    rows = zip(wishes, items.tolist(), scores.tolist(), fallback, strict=True)
    for wish, films, values, popular in rows:
        length = min(wish.pool, len(films) - films.count(-1))
        listed.append(Best(films[:length], values[:length], popular))
    return listed


Ranked = tuple[Tensor, Tensor, list[bool]]
"""Film integers and scores `[B, k]` as `top` gives them, and who got what is popular."""


def _scanned(
    artefact: Artefact, queries: Queries, wishes: Sequence[Wish], reach: float
) -> Ranked | None:
    """By a compiled scan over the films; None where that cannot tell."""
    model = artefact.model
    if any(wish.passing is not None for wish in wishes):
        return None
    if not (kernels.at_hand() and isinstance(model, DotProduct) and model.device.type == "cpu"):
        return None
    if not bool(queries.lengths.all()):
        return None
    from matinee.kernels import selection  # noqa: PLC0415 - compiles

    films = artefact.film_blocks
    assert films is not None
    people, offset = model.person_factors(queries)
    offsets, barred = _barred(wishes)
    found, scores, kinds = selection.top_products(
        people.numpy(),
        selection.Films(films.vectors, films.centres, films.radii, films.most, films.rank),
        offsets,
        films.places[barred],
        max(wish.pool for wish in wishes),
        torch.get_num_threads(),
        reach,
    )
    if (kinds != selection.DIFFER).any():
        return None
    items = np.where(found < 0, -1, films.order[found])
    return torch.from_numpy(items), torch.from_numpy(scores) + offset, [False] * len(people)


def _ranked(artefact: Artefact, queries: Queries, wishes: Sequence[Wish]) -> Ranked:
    """By a table of the scores of all films."""
    scores, fallback = _scores(artefact, queries)
    for row, wish in zip(scores, wishes, strict=True):
        if wish.passing is not None:
            row.masked_fill_(torch.from_numpy(~wish.passing), -torch.inf)
    offsets, films = map(torch.from_numpy, _barred(wishes))
    k = max(wish.pool for wish in wishes)
    return *unseen_top(artefact.model, scores, offsets, films, k, artefact.rank), fallback


def _barred(wishes: Sequence[Wish]) -> tuple[LongArray, LongArray]:
    """Where each person's barred films begin and the last one's end, and the films."""
    rows = [wish.barred for wish in wishes]
    return np.cumsum([0, *map(len, rows)]), torch.cat(rows).numpy()


def _scores(artefact: Artefact, queries: Queries) -> tuple[Tensor, list[bool]]:
    """Scores of all films `[B, n_items]`, and for whom they are but their popularity."""
    device, lengths = artefact.model.device, queries.lengths
    # Of their own, since they are written to.
    scores = torch.zeros(len(queries), len(artefact.catalogue))
    if bool(lengths.all()):
        scores.copy_(artefact.model.score(queries.to(device)))
    elif len(told := lengths.nonzero().squeeze(1)):
        scores[told] = artefact.model.score(queries.take(told).to(device)).float().cpu()
    fallback: list[bool] = (scores.amin(1) == scores.amax(1)).tolist()
    if any(fallback):
        scores[torch.tensor(fallback)] = torch.from_numpy(artefact.item_counts).float()
    return scores, fallback
