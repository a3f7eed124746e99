"""The loss on ratings that were held out, to be seen beside the loss of training."""

from __future__ import annotations

import torch

from matinee.data.batches import Batch
from matinee.models.base import Batches, Learned

VALID_LOSS = "valid_loss"
"""What it is called among the validation metrics."""


@torch.no_grad()
def loss_over(model: Learned, batches: Batches) -> float:
    """The loss of a model as it is, a mean over the examples of all batches of one epoch.

    Dropout is off and nothing is learned. The batches are those of epoch 0 at every call, so
    that all epochs of a training are told of the same negatives.

    Args:
        model: In evaluation mode.
        batches: One batch or more.
    """
    total = examples = 0.0
    for step in range(len(batches)):
        batch = batches.batch(0, step)
        count = examples_of(batch)
        loss = model({name: tensor.to(model.device) for name, tensor in batch.items()})
        total, examples = total + float(loss) * count, examples + count
    return total / examples


def examples_of(batch: Batch) -> int:
    """The number of examples in a batch: what is `wanted`, else elements of the largest tensor."""
    if "wanted" in batch:
        return batch["wanted"].numel()
    return max(tensor.numel() for tensor in batch.values())
