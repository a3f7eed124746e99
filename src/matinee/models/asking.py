"""Asking a model: without gradients, in blocks that fit the memory, numbers checked."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch import Tensor

from matinee.errors import EvaluationError
from matinee.models.base import Recommender

BLOCK_BYTES = 16 * 2**20
"""How large a block of scores may be, so that memory does not grow with the users.

Allocators keep freed blocks of up to 32 MiB, whose pages need not be asked for anew.
"""


@contextmanager
def asking(model: Recommender) -> Generator[None]:
    """Without gradients and with the model in evaluation mode; both are restored."""
    training = model.training
    if training:  # telling every layer takes its time, which a model that serves need not spend
        model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        if training:
            model.train()


def block_rows(width: int) -> int:
    """How many rows of `width` float32 fill a block."""
    return max(1, BLOCK_BYTES // (4 * max(1, width)))


def check_numbers(values: Tensor, model: Recommender, what: str) -> None:
    """Refuse NaN, which no order and no mean can be had of.

    Raises:
        EvaluationError: Naming the model.
    """
    if values.numel() and bool(values.amax().isnan()):  # a fraction of the time of any()
        raise EvaluationError(
            f"the model gives {what} that are not numbers (NaN)",
            where=model.name,
            remedy="Its training probably diverged: try a lower learning rate.",
        )
