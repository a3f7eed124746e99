"""The k best films of each person, in an order that is always the same."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from matinee import kernels
from matinee.data.queries import Queries
from matinee.data.vocabulary import LongArray
from matinee.models.asking import asking, block_rows, check_numbers
from matinee.models.base import Recommender


def top(scores: Tensor, k: int, favour: LongArray | None = None) -> tuple[Tensor, Tensor]:
    """The k films of highest score; among equals, the one favoured most.

    Scores are compared as float32.

    Args:
        scores: `[B, n_items]` without NaN; minus infinity for what must not be listed.
        k: Length of the lists.
        favour: `[n_items]` all film integers, the most favoured first; by default in the
            order of their integers.

    Returns:
        Film integers `[B, k]`, -1 where there was nothing left to list, and their scores
        `[B, k]`, minus infinity there.
    """
    scores = scores.float()
    # One more than is listed tells whether it would have been as good as the last.
    values, items = scores.topk(min(k + 1, scores.shape[1]), dim=1)
    tied = values[:, 1:] == values[:, :-1]
    values, items = values[:, :k], items[:, :k]
    if bool(tied.any()):
        rows = tied.any(1).nonzero().squeeze(1)
        values[rows], items[rows] = _untied(scores[rows], values.shape[1], favour)
    items.masked_fill_(values == -torch.inf, -1)
    if missing := k - items.shape[1]:
        pad = torch.nn.functional.pad
        items = pad(items, (0, missing), value=-1)
        values = pad(values, (0, missing), value=-torch.inf)
    return items, values


def _untied(scores: Tensor, k: int, favour: LongArray | None) -> tuple[Tensor, Tensor]:
    """The k highest scores and their films, `[B, k]` each, equals by favour.

    Each score is packed with the film's place in `favour` into one integer, so that no two
    films tie and any sort gives the same list.
    """
    n = scores.shape[1]
    order = torch.arange(n) if favour is None else torch.from_numpy(favour)
    order = order.to(scores.device)
    ranked = scores[:, order]
    # Adding zero turns -0.0 into 0.0; flipping the lower bits of the negative ones makes
    # the bits of a float ascend as the float does.
    bits = (ranked + 0.0).view(torch.int32).long()
    bits = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    keys = (bits << 32) | torch.arange(n - 1, -1, -1, device=scores.device)
    places = keys.topk(k, dim=1).indices
    return ranked.gather(1, places), order[places]


def recommend_many(
    model: Recommender,
    queries: Queries,
    k: int = 10,
    *,
    exclude: Tensor | None = None,
    favour: LongArray | None = None,
    batch: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Lists for many people at once, in bounded memory.

    Films of the history are never listed.

    Args:
        model: The model.
        queries: B people.
        k: Length of the lists.
        exclude: Films not to list, bool `[n_items]` or `[B, n_items]`.
        favour: As in `top`; `Artefact.favour` is by popularity.
        batch: People scored at a time; by default as many as fill a block of 16 MiB.

    Returns:
        Film integers `[B, k]`, -1 where nothing is left, and their scores `[B, k]`.

    Raises:
        EvaluationError: If the model gives scores that are not numbers.
    """
    batch = batch or block_rows(model.sizes.items)
    lists: list[tuple[Tensor, Tensor]] = []
    with asking(model):
        for start in range(0, len(queries), batch):
            rows = slice(start, start + batch)
            part = queries.block(rows).to(model.device)
            scores = model.score(part)
            if exclude is not None:
                mask = exclude if exclude.ndim == 1 else exclude[rows]
                scores = scores.masked_fill(mask.to(scores.device), -torch.inf)
            lists.append(unseen_top(model, scores, part, k, favour))
    if not lists:
        return torch.empty(0, k, dtype=torch.int64), torch.empty(0, k)
    items, values = zip(*lists, strict=True)
    return torch.cat(items).cpu(), torch.cat(values).cpu()


def unseen_top(
    model: Recommender, scores: Tensor, queries: Queries, k: int, favour: LongArray | None = None
) -> tuple[Tensor, Tensor]:
    """As `top`, without the films of the histories; `scores` `[B, n_items]` stay as they are.

    Raises:
        EvaluationError: If a score is not a number.
    """
    if scores.device.type == "cpu" and kernels.available():
        found = _unseen_compiled(scores.float(), queries, k, favour)
        if found is not None:
            return found
    check_numbers(scores, model, "scores")
    scores = _own(scores)
    scores[queries.rows, queries.items] = -torch.inf
    return top(scores, k, favour)


def _unseen_compiled(
    scores: Tensor, queries: Queries, k: int, favour: LongArray | None
) -> tuple[Tensor, Tensor] | None:
    """As `unseen_top`, in a tenth of the time; None if a score is not a number."""
    from matinee.kernels import best  # noqa: PLC0415 - needs numba

    places = np.arange(scores.shape[1])
    if favour is not None:
        places[favour] = np.arange(len(favour))
    items = torch.full((len(scores), k), -1)
    values = torch.full((len(scores), k), -torch.inf)
    seen = queries.offsets.numpy(), queries.items.numpy()
    found = items.numpy(), values.numpy()
    span = (0, len(scores))
    good = best.select(span, scores.contiguous().numpy(), *seen, places, *found)
    return (items, values) if good else None


def all_scores(model: Recommender, queries: Queries) -> Tensor:
    """The model's scores for all films `[B, n_items]`, checked, in memory one may write to.

    Raises:
        EvaluationError: If any is not a number.
    """
    scores = model.score(queries)
    check_numbers(scores, model, "scores")
    return _own(scores)


def _own(scores: Tensor) -> Tensor:
    return scores.float().clone(memory_format=torch.contiguous_format)
