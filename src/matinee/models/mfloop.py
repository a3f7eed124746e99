"""The compiled loop of `BiasedMF`, between the model's tensors and the kernel's arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.data.batches import Batch, LanedBatches
from matinee.kernels.sgd import descend
from matinee.models.base import Moments


class MFLoop:
    """See `CompiledLoop`.

    Args:
        penalties: On the squares of vectors and of biases, for each rating.
        mean: The stars that anything gets to begin with.
        batches: What is trained on.
        momentum: Of the rule; rows take at once what it would spread over the steps to come.
    """

    def __init__(
        self, penalties: tuple[float, float], mean: float, batches: LanedBatches, momentum: float
    ) -> None:
        self.penalties, self.mean, self.batches = penalties, mean, batches
        self.gain = 1 / (1 - momentum)

    def batch(self, epoch: int, step: int, steps: int) -> Batch:
        """The examples of so many steps, one below the other."""
        return self.batches.span(epoch, step, steps)

    def take(
        self,
        batch: Batch,
        rates: NDArray[np.float64],
        moments: Moments,
        done: int,
        threads: int,
    ) -> NDArray[np.float64]:
        """Take the steps of a batch, changing weights in place."""
        columns = [batch[name].numpy() for name in ("users", "items", "ratings", "lanes")]
        size, count = self.batches.per_batch, len(columns[0])
        start = done % len(self.batches) * size
        return descend(
            moments["users.weight"][0],
            moments["items.weight"][0],
            *columns,
            min(max(self.batches.turn - start, 0), count),
            size,
            rates * self.gain,
            self.mean,
            self.penalties,
            threads,
        )
