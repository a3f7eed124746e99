"""Losses that several models could share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from matinee.models.layers import row_chunks

LOGITS = {"cpu": 1 << 18, "cuda": 1 << 27}
"""Logits held at once: what stays in a core's cache, or what keeps a GPU busy."""

LEAST_ROWS = 64
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
    all else; the gradient of a block is had while its logits are at hand.

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
    bias = films.new_zeros(len(films)) if bias is None else bias
    return _outside_compiler(states, films, wanted, rows, bias)


def softmax_bytes(rows: int, films: int) -> int:
    """Bytes of the largest block of logits that `linear_cross_entropy` holds, and of its like."""
    return 3 * 4 * min(rows * films, max(LOGITS["cpu"], LEAST_ROWS * films))


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: Tensor, films: Tensor, wanted: Tensor, rows: Tensor, bias: Tensor
    ) -> Tensor:
        to_states, to_films = torch.empty_like(states), torch.zeros_like(films)
        to_bias, loss = torch.zeros_like(bias), states.new_zeros(())
        counts = torch.bincount(rows, minlength=len(states))
        edges = [0, *counts.cumsum(0).tolist()]
        limit = max(LOGITS[states.device.type], LEAST_ROWS * len(films))
        for block in row_chunks(len(states), len(films), limit=limit):
            here = slice(edges[block.start], edges[block.stop])
            row = rows[here] - block.start
            slopes = torch.addmm(bias, states[block], films.T).float()
            right = row * len(films) + wanted[here]  # places in the block's logits
            score, top = slopes.flatten()[right], slopes.amax(1, keepdim=True)
            total = slopes.sub_(top).exp_().sum(1, keepdim=True)
            loss += ((total.log() + top).squeeze(1)[row] - score).sum()
            slopes.div_(total / counts[block, None])
            slopes.view(-1).index_add_(0, right, slopes.new_full(right.shape, -1.0))
            to_states[block] = slopes @ films
            to_films.addmm_(slopes.T, states[block])
            to_bias += slopes.sum(0)
        slopes = (gradient.div_(len(wanted)) for gradient in (to_states, to_films, to_bias))
        ctx.save_for_backward(*slopes)
        return loss / len(wanted)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        to_states, to_films, to_bias = (slopes[0] * saved for saved in ctx.saved_tensors)
        return to_states, to_films, None, None, to_bias


_outside_compiler: Any = torch.compiler.disable(_LinearCrossEntropy.apply)
"""The compiler would write out the loop for every number of rows."""
