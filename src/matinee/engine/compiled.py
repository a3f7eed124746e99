"""Many steps at a time, by the compiled loop of a model that has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from matinee.engine.heldout import examples_of
from matinee.models.base import Batches, CompiledLoop, Learned, Moments
from matinee.training import TrainerConfig

Floats = NDArray[np.float32]


class CompiledSteps:
    """Takes steps on the very tensors that the optimisers hold.

    A checkpoint is therefore the same whichever way the steps before it were taken.

    Args:
        loop: What takes the steps.
        model: The model it trains.
        optimizers: Of the model.
        span: Steps of a call at most.
    """

    def __init__(
        self,
        loop: CompiledLoop,
        model: Learned,
        optimizers: Sequence[torch.optim.Optimizer],
        span: int,
    ) -> None:
        self.loop, self.model, self.optimizers, self.span = loop, model, optimizers, span

    @classmethod
    def of(
        cls,
        model: Learned,
        batches: Batches,
        optimizers: Sequence[torch.optim.Optimizer],
        config: TrainerConfig,
    ) -> Self | None:
        """None if the model has no loop, or settings ask for what none has."""
        if not config.plain or model.device.type != "cpu":
            return None
        loop = model.compiled_loop(batches, config)
        if loop is None:
            return None
        return cls(loop, model, optimizers, max(loop.span // config.batch_size, 1))

    def take(
        self, epoch: int, step: int, rates: Sequence[float], done: int, threads: int
    ) -> tuple[list[float], int]:
        """Take as many steps as there are learning rates.

        Args:
            epoch: From 0.
            step: The first step, from 0.
            rates: The learning rate of each.
            done: Steps of the whole run before this one.
            threads: How many may share a step.

        Returns:
            The sum of the losses of each step's examples, and how many examples there were.
        """
        batch = self.loop.batch(epoch, step, len(rates))
        losses = self.loop.take(batch, np.array(rates), self._moments(), done, threads)
        for optimizer in self.optimizers:
            for state in optimizer.state.values():
                state["step"] += len(rates)
        return losses.tolist(), examples_of(batch)

    def _moments(self) -> Moments:
        names = {weight: name for name, weight in self.model.named_parameters()}
        return {
            names[weight]: (weight.detach().numpy(), *_kept(optimizer.state[weight], weight))
            for optimizer in self.optimizers
            for group in optimizer.param_groups
            for weight in group["params"]
        }


def _kept(state: dict[str, Tensor], weight: Tensor) -> list[Floats]:
    """What a rule keeps of a weight: PyTorch's Adam makes its means only when it takes a step."""
    if not state:
        state["step"] = torch.zeros(())
        state.update({name: torch.zeros_like(weight) for name in ("exp_avg", "exp_avg_sq")})
    return [value.numpy() for name, value in state.items() if name != "step"]
