"""The k best films of each person, in an order that is always the same."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from matinee import kernels
from matinee.data.queries import Queries
from matinee.data.vocabulary import LongArray
from matinee.models.asking import asking, block_rows, check_numbers
from matinee.models.base import Recommender
from matinee.models.layers import row_chunks
from matinee.models.shares import side_by_side

SHARES = 4
"""Into how many a block of scores is cut, so that each thread has its own in the cache."""


def top(scores: Tensor, k: int, rank: LongArray | None = None) -> tuple[Tensor, Tensor]:
    """The k films of highest score; among equals, those of lowest rank.

    Scores are compared as float32.

    Args:
        scores: `[B, n_items]` without NaN; minus infinity for what must not be listed.
        k: Length of the lists.
        rank: `[n_items]` each film's place among equals; by default its integer.

    Returns:
        Film integers `[B, k]`, -1 where there was nothing left to list, and their scores
        `[B, k]`, minus infinity there.
    """
    rank = np.arange(scores.shape[1]) if rank is None else rank
    items, values = _best(scores.float(), min(k, scores.shape[1]), rank)
    items.masked_fill_(values == -torch.inf, -1)
    if missing := k - items.shape[1]:
        pad = torch.nn.functional.pad
        items = pad(items, (0, missing), value=-1)
        values = pad(values, (0, missing), value=-torch.inf)
    return items, values


def _best(scores: Tensor, k: int, rank: LongArray) -> tuple[Tensor, Tensor]:
    """The k highest scores of each row and their films, `[B, k]` each, equals by rank."""
    # One more than is listed tells whether it would have been as good as the last.
    values, items = scores.topk(min(k + 1, scores.shape[1]), dim=1)
    tied = values[:, 1:] == values[:, :-1]
    values, items = values[:, :k], items[:, :k]
    if bool(tied.any()):
        rows = tied.any(1).nonzero().squeeze(1)
        items[rows] = _untied(scores[rows], k, torch.from_numpy(rank).to(scores.device))
        values[rows] = scores[rows].gather(1, items[rows])
    return items, values


def _untied(scores: Tensor, k: int, rank: Tensor) -> Tensor:
    """The films `[B, k]` of the k highest scores.

    Each score is packed with the film's rank into one integer, so that no two films tie and
    any sort gives the same list.
    """
    # Adding zero turns -0.0 into 0.0; flipping the lower bits of the negative ones makes
    # the bits of a float ascend as the float does.
    bits = (scores + 0.0).view(torch.int32).long()
    bits = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    return ((bits << 32) | (len(rank) - 1 - rank)).topk(k, dim=1).indices


def recommend_many(
    model: Recommender,
    queries: Queries,
    k: int = 10,
    *,
    exclude: Tensor | None = None,
    rank: LongArray | None = None,
    batch: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Lists for many people at once, in bounded memory.

    Films of the history are never listed.

    Args:
        model: The model.
        queries: B people.
        k: Length of the lists.
        exclude: Films not to list, bool `[n_items]` or `[B, n_items]`.
        rank: As in `top`; `Artefact.rank` is by popularity.
        batch: People scored at a time; by default as many as fill a block of 4 MiB.

    Returns:
        Film integers `[B, k]`, -1 where nothing is left, and their scores `[B, k]`.

    Raises:
        EvaluationError: If the model gives scores that are not numbers.
    """
    kernels.load()
    usual = max(block_rows(model.sizes.items) // SHARES, 1)
    blocks = row_chunks(len(queries), 1, limit=batch or usual)
    jobs = [partial(_listed, model, queries, rows, k, exclude, rank) for rows in blocks]
    with asking(model):
        lists = side_by_side(jobs) if model.device.type == "cpu" else [job() for job in jobs]
    if not lists:
        return torch.empty(0, k, dtype=torch.int64), torch.empty(0, k)
    items, values = zip(*lists, strict=True)
    return torch.cat(items).cpu(), torch.cat(values).cpu()


def _listed(
    model: Recommender,
    queries: Queries,
    rows: slice,
    k: int,
    exclude: Tensor | None,
    rank: LongArray | None,
) -> tuple[Tensor, Tensor]:
    """The lists of some people; see `recommend_many`."""
    part = queries.block(rows).to(model.device)
    scores = model.score(part)
    if exclude is not None:
        mask = exclude if exclude.ndim == 1 else exclude[rows]
        scores = scores.masked_fill(mask.to(scores.device), -torch.inf)
    return unseen_top(model, scores, part.offsets, part.items, k, rank)


def unseen_top(
    model: Recommender,
    scores: Tensor,
    offsets: Tensor,
    seen: Tensor,
    k: int,
    rank: LongArray | None = None,
) -> tuple[Tensor, Tensor]:
    """As `top`, without what people have seen.

    Args:
        model: Whose scores these are.
        scores: `[B, n_items]`; they stay as they are.
        offsets: `[B + 1]`; row b must not list `seen[offsets[b]:offsets[b + 1]]`.
        seen: Film integers.
        k: Length of the lists.
        rank: As in `top`.

    Raises:
        EvaluationError: If a score is not a number.
    """
    if scores.device.type == "cpu" and kernels.at_hand():
        found = _unseen_compiled(scores.float().contiguous(), offsets, seen, k, rank)
        if found is not None:
            return found
    check_numbers(scores, model, "scores")
    scores = scores.float().clone(memory_format=torch.contiguous_format)
    scores[torch.repeat_interleave(offsets.diff()), seen] = -torch.inf
    return top(scores, k, rank)


def _unseen_compiled(
    scores: Tensor, offsets: Tensor, seen: Tensor, k: int, rank: LongArray | None
) -> tuple[Tensor, Tensor] | None:
    """As `unseen_top`, in a tenth of the time; None if a score is not a number."""
    from matinee.kernels import selection  # noqa: PLC0415 - compiles

    rank = np.arange(scores.shape[1]) if rank is None else rank
    found = selection.top(scores.numpy(), offsets.numpy(), seen.numpy(), k, rank)
    return None if found is None else (torch.from_numpy(found[0]), torch.from_numpy(found[1]))
