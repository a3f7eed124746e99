"""The compiled loop of `BiasedMF`, between the model's tensors and the kernel's arrays."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee.data.batches import Batch, LanedBatches
from matinee.kernels.sgd import Batches, Entries, Stars, Tables, descend
from matinee.models.base import Moments


class MFLoop:
    """See `CompiledLoop`.

    Args:
        stars: The mean rating and the penalties.
        batches: What is trained on.
        momentum: Of the rule; rows take at once what it would spread over the steps to come.
    """

    span: ClassVar[int] = 1 << 20  # a call takes milliseconds until two threads run side by side

    def __init__(self, stars: Stars, batches: LanedBatches, momentum: float) -> None:
        self.stars, self.batches = stars, batches
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
        tables = Tables(*(moments[f"{side}.weight"][0] for side in ("users", "items")))
        entries = Entries(*(batch[name].numpy() for name in Entries._fields))
        size = self.batches.per_batch
        turn = self.batches.turn - done % len(self.batches) * size
        turn = min(max(turn, 0), len(entries.users))
        pace = Batches(size, rates * self.gain)
        return descend(tables, entries, turn, pace, self.stars, threads)
