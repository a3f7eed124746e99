"""Losses that several models could share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from matinee.models.layers import row_chunks

LOGITS = {"cpu": 1 << 18, "cuda": 1 << 27}
"""Logits held at once: what stays in a core's cache, or what keeps a GPU busy."""


def linear_cross_entropy(states: Tensor, films: Tensor, wanted: Tensor) -> Tensor:
    """Mean cross-entropy of the softmax over `states @ films.T`, block by block.

    The logits of all rows are never held together, as they would be many times larger than
    all else; the gradient of a block is had while its logits are at hand.

    Args:
        states: `[n, d]`.
        films: `[n_items, d]`.
        wanted: `[n]` int64, the film that is right for each row.

    Returns:
        A scalar; NaN without rows.
    """
    return _outside_compiler(states, films, wanted)


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, films: Tensor, wanted: Tensor) -> Tensor:
        to_states, to_films = torch.empty_like(states), torch.zeros_like(films)
        loss = states.new_zeros(())
        for rows in row_chunks(len(states), len(films), limit=LOGITS[states.device.type]):
            right = wanted[rows, None]
            slopes = (states[rows] @ films.T).float()
            score, top = slopes.gather(1, right), slopes.amax(1, keepdim=True)
            total = slopes.sub_(top).exp_().sum(1, keepdim=True)
            loss += (total.log() + top - score).sum()
            slopes.div_(total).scatter_add_(1, right, slopes.new_full(right.shape, -1.0))
            to_states[rows] = slopes @ films
            to_films.addmm_(slopes.T, states[rows])
        ctx.save_for_backward(to_states.div_(len(states)), to_films.div_(len(states)))
        return loss / len(states)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, None]:
        to_states, to_films = ctx.saved_tensors
        return slopes[0] * to_states, slopes[0] * to_films, None


_outside_compiler: Any = torch.compiler.disable(_LinearCrossEntropy.apply)
"""The compiler would write out the loop for every number of rows."""
