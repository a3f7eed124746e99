"""The best films of each of some people: by a scan for a few of them, by a table for many."""

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
from matinee.recommendation.topk import unseen_top

FEW = 4
"""People for whom a scan is faster than a matrix product with a table of scores."""


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
    artefact: Artefact,
    queries: Queries,
    barred: Sequence[Tensor],
    passing: Sequence[BoolArray | None],
    pools: Sequence[int],
) -> list[Best]:
    """The films of highest score, or of most ratings if the model gives all the same score.

    Args:
        artefact: The run.
        queries: B people.
        barred: The films that each must not get.
        passing: A mask over all films of those that each may get; None for all.
        pools: How many films each is to get; there are fewer if fewer are left.

    Raises:
        EvaluationError: If the model gives scores that are not numbers.
    """
    found = None
    if len(queries) <= FEW and not any(mask is not None for mask in passing):
        found = _scanned(artefact, queries, barred, max(pools))
    items, scores, fallback = found or _ranked(artefact, queries, barred, passing, max(pools))
    rows = zip(items.tolist(), scores.tolist(), fallback, pools, strict=True)
    return [_cut(*row) for row in rows]


def _cut(items: list[int], scores: list[float], fallback: bool, pool: int) -> Best:
    length = min(pool, len(items) - items.count(-1))
    return Best(items[:length], scores[:length], fallback)


Ranked = tuple[Tensor, Tensor, list[bool]]
"""Film integers and scores `[B, k]` as `top` gives them, and who got what is popular."""


def _scanned(
    artefact: Artefact, queries: Queries, barred: Sequence[Tensor], k: int
) -> Ranked | None:
    """By a compiled scan over the films; None where that cannot tell."""
    if not (kernels.at_hand() and artefact.model.device.type == "cpu"):
        return None
    if not bool(queries.lengths.all()) or (product := artefact.model.product(queries)) is None:
        return None
    from matinee.kernels import selection  # noqa: PLC0415 - compiles

    people, films, offset = product
    items, scores, kinds = selection.top_products(
        people.numpy(), films.numpy(), *_ragged(barred), k, artefact.rank
    )
    if (kinds != selection.DIFFER).any():
        return None
    return torch.from_numpy(items), torch.from_numpy(scores) + offset, [False] * len(people)


def _ranked(
    artefact: Artefact,
    queries: Queries,
    barred: Sequence[Tensor],
    passing: Sequence[BoolArray | None],
    k: int,
) -> Ranked:
    """By a table of the scores of all films."""
    scores, fallback = _scores(artefact, queries)
    for row, mask in zip(scores, passing, strict=True):
        if mask is not None:
            row.masked_fill_(torch.from_numpy(~mask), -torch.inf)
    offsets, films = map(torch.from_numpy, _ragged(barred))
    return *unseen_top(artefact.model, scores, offsets, films, k, artefact.rank), fallback


def _ragged(rows: Sequence[Tensor]) -> tuple[LongArray, LongArray]:
    """Where each row begins and the last one ends, and all rows after one another."""
    return np.cumsum([0, *map(len, rows)]), torch.cat(list(rows)).numpy()


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
