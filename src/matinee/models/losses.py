"""Losses that several models could share."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from matinee.models.layers import row_chunks
from matinee.models.shares import side_by_side

LOGITS = {"cpu": 1 << 18, "cuda": 1 << 27}
"""Logits held at once: what stays in a core's cache, or what keeps a GPU busy."""

CONVERTED = 1 << 16
"""Numbers converted at a time: PyTorch writes them down before it adds them, so to the cache."""

LEAST_ROWS = 96
"""Rows of a block at least: each block reads all films, and adds to all their gradients."""


def linear_cross_entropy(
    states: Tensor,
    films: Tensor,
    wanted: Tensor,
    *,
    rows: Tensor | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    """Mean cross-entropy of the softmax over `states @ films.T + bias`, block by block.

    The logits of all rows are never held together, as they would be many times larger than
    all else; the gradient of a block is had while its logits are at hand. On a processor each
    thread has rows of its own.

    Args:
        states: `[m, d]`.
        films: `[n_items, d]`.
        wanted: `[n]` int64, films that are right.
        rows: `[n]` int64, ascending, the state that each is right for; by default there is one
            for each state.
        bias: `[n_items]`, or none.

    Returns:
        A scalar, the mean over `wanted`; NaN if nothing is.
    """
    rows = torch.arange(len(states), device=states.device) if rows is None else rows
    return _outside_compiler(states, films, wanted, rows, bias)


def sampled_cross_entropy(
    states: Tensor, films: Tensor, wanted: Tensor, negatives: Tensor
) -> Tensor:
    """Mean cross-entropy of the softmax over the right film and some others, the same for all.

    Of all films as negatives it is the full cross-entropy. Source: Klenitskiy and Vasilev,
    'Turning dross into gold loss', RecSys 2023; as there, nothing corrects for how few are drawn.

    Args:
        states: `[m, d]`.
        films: `[n_items, d]`.
        wanted: `[m]` int64, the film that is right for each state.
        negatives: `[K]` int64, each once; for states whose right film is among them it is none.
    """
    right, others = _against(states, films, wanted, negatives)
    return (torch.logaddexp(right, others.logsumexp(1)) - right).mean()


def calibrated_cross_entropy(
    states: Tensor, films: Tensor, wanted: Tensor, negatives: Tensor, *, calibration: float
) -> Tensor:
    """Mean gBCE: binary cross-entropy in which the right film's probability has an exponent.

    With a share a = K / (n_items - 1) of all others drawn the exponent is
    a (t (1 - 1/a) + 1/a), with t the calibration. Source: Petrov and Macdonald, 'gSASRec:
    reducing overconfidence in sequential recommendation trained with negative sampling',
    RecSys 2023; theirs are drawn for each state. A product of 0 stands for the odds of a film at
    random, 1 to n_items - 1, and not for even ones: else the first steps bring all logits down by
    a direction that all films share, which then drowns what tells them apart.

    Args:
        states: `[m, d]`.
        films: `[n_items, d]`.
        wanted: `[m]` int64, the film that is right for each state.
        negatives: `[K]` int64, each once; for states whose right film is among them it is none.
        calibration: t in [0, 1]: 0 is binary cross-entropy, 1 gives scores as if all were drawn.
    """
    right, others = _against(states, films, wanted, negatives)
    share = min(len(negatives) / max(len(films) - 1, 1), 1.0)
    exponent = share * (calibration * (1 - 1 / share) + 1 / share)
    odds = math.log(max(len(films) - 1, 1))
    losses = functional.softplus(others - odds).sum(1) + exponent * functional.softplus(
        odds - right
    )
    return losses.mean()


def _against(
    states: Tensor, films: Tensor, wanted: Tensor, negatives: Tensor
) -> tuple[Tensor, Tensor]:
    """Logits of the right films `[m]` and of the others `[m, K]`, right ones minus infinity."""
    right = (states * films.index_select(0, wanted)).sum(1)
    others = states @ films.index_select(0, negatives).T
    return right, others.masked_fill(wanted[:, None] == negatives, -torch.inf)


def softmax_bytes(rows: int, films: int) -> int:
    """Bytes of the largest block of logits that `linear_cross_entropy` holds, and of its like."""
    return 3 * 4 * min(rows * films, max(LOGITS["cpu"], LEAST_ROWS * films))


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: Tensor, films: Tensor, wanted: Tensor, rows: Tensor, bias: Tensor | None
    ) -> Tensor:
        counts = torch.bincount(rows, minlength=len(states))
        edges = [0, *counts.cumsum(0).tolist()]
        on_cpu = states.device.type == "cpu"
        blocks = -(-len(states) // _block_rows(films))
        shares = min(torch.get_num_threads(), blocks) if on_cpu else 1
        # Converted once for all blocks: in low precision they are what products are of.
        low = torch.is_autocast_enabled(states.device.type)
        films = films.to(torch.get_autocast_dtype(states.device.type)) if low else films
        each = 1 / len(wanted) if len(wanted) else math.nan
        jobs: list[Callable[[], _Part]] = []
        for share in _shares(len(states), max(shares, 1)):
            here = slice(edges[share.start], edges[share.stop])
            right = rows[here] - share.start, wanted[here]
            jobs.append(partial(_part, states[share], films, bias, counts[share], *right, each))
        loss, *gradients = reduce(_joined, side_by_side(jobs))
        ctx.save_for_backward(*gradients)
        return loss

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        slope = slopes[0]
        # Asking a GPU for a number is to wait for it.
        as_it_is = slope.device.type == "cpu" and float(slope) == 1
        to_states, to_films, to_bias = (
            g if as_it_is or g is None else g.mul_(slope) for g in ctx.saved_tensors
        )
        return to_states, to_films, None, None, to_bias


def _shares(rows: int, count: int) -> list[slice]:
    """So many shares of rows, or one of none."""
    return row_chunks(rows, 1, limit=-(-rows // count)) or [slice(0, 0)]


_Part = tuple[Tensor, Tensor, Tensor, Tensor | None]
"""What some rows add to the loss, and its gradients for the states, the films and the bias."""


def _joined(a: _Part, b: _Part) -> _Part:
    to_bias = None if a[3] is None or b[3] is None else a[3].add_(b[3])
    return a[0] + b[0], torch.cat([a[1], b[1]]), a[2].add_(b[2]), to_bias


def _part(
    states: Tensor,
    films: Tensor,
    bias: Tensor | None,
    counts: Tensor,
    rows: Tensor,
    wanted: Tensor,
    each: float,
) -> _Part:
    """The loss of some states, block by block; its products are of the precision of `films`.

    `each` is what a film that is wanted weighs in the loss.

    What a block's logits are divided by is multiplied into the states and their gradients
    instead, which are narrower: the large block is not written once more for it.
    """
    to_states, to_films = torch.empty_like(states), torch.empty_like(films, dtype=states.dtype)
    to_bias, loss = None if bias is None else torch.zeros_like(bias), states.new_tensor(0 * each)
    edges = [0, *counts.cumsum(0).tolist()]
    size = _block_rows(films)
    space = states.new_empty(min(size, len(states)), len(films), dtype=torch.float32)
    for block in row_chunks(len(states), 1, limit=size):
        here = slice(edges[block.start], edges[block.stop])
        row = rows[here] - block.start
        slopes = _logits(states[block], films, bias, space[: len(states[block])])
        right = row * len(films) + wanted[here]  # places in the block's logits
        score, top = slopes.view(-1)[right], slopes.amax(1, keepdim=True)
        total = slopes.sub_(top).exp_().sum(1, keepdim=True)
        loss += each * ((total.log() + top).squeeze(1)[row] - score).sum()
        slopes.view(-1).scatter_add_(0, right, (-total / counts[block, None]).squeeze(1)[row])
        scale = each * counts[block, None] / total
        if to_bias is not None:
            to_bias.addmv_(slopes.T, scale.squeeze(1))
        slopes, scaled = slopes.to(films.dtype), (states[block] * scale).to(films.dtype)
        torch.mul(slopes @ films, scale, out=to_states[block])
        _add_product(to_films, slopes.T, scaled, first=block.start == 0)
    return loss, to_states, to_films if len(states) else to_films.zero_(), to_bias


def _add_product(total: Tensor, left: Tensor, right: Tensor, *, first: bool) -> None:
    """Add `left @ right`, to nothing at first; a sum of many blocks is kept in full precision."""
    if left.dtype == total.dtype:
        total.addmm_(left, right, beta=0 if first else 1)
        return
    product = left @ right
    for rows in row_chunks(len(total), total.shape[1], limit=CONVERTED):
        total[rows] = product[rows] if first else total[rows] + product[rows]


def _block_rows(films: Tensor) -> int:
    """Rows of a block; half as many as the vectors are wide, so that most time goes to products."""
    return max(LOGITS[films.device.type] // len(films), LEAST_ROWS, films.shape[1] // 2)


def _logits(states: Tensor, films: Tensor, bias: Tensor | None, space: Tensor) -> Tensor:
    """`states @ films.T + bias`, in a space that is used again and again."""
    if films.dtype != space.dtype:
        low = None if bias is None else bias.to(films.dtype)
        return space.copy_(functional.linear(states.to(films.dtype), films, low))
    if bias is None:
        return torch.mm(states, films.T, out=space)
    return torch.addmm(bias, states, films.T, out=space)


_outside_compiler: Any = torch.compiler.disable(_LinearCrossEntropy.apply)
"""The compiler would write out the loop for every number of rows."""
