"""Folding new people in: fit a person's vector alone, everything else frozen."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

STEPS = 80
LEARNING_RATE = 0.2
STD_FLOOR = 1e-3


def fold_in(loss: Callable[[Tensor], Tensor], people: int, known: Tensor) -> Tensor:
    """The most probable vectors of new people, given the vectors of those known.

    A vector is v = μ + σ z, with the mean and the standard deviation of the known vectors
    and z ~ N(0, 1) as the prior, so that someone of whom little is known stays near the
    average person. z is found by `STEPS` of Adam from z = 0, without any randomness.

    Args:
        loss: Negative log-likelihood `[B]` of each person's history, given `[B, d]`.
        people: B.
        known: Trained vectors `[n, d]`.

    Returns:
        `[B, d]`, detached. Each person's vector depends on that person alone.
    """
    mean = known.mean(0)
    std = known.std(0, correction=0).clamp_min(STD_FLOOR)
    with torch.inference_mode(False), torch.enable_grad():
        mean, std = mean.clone(), std.clone()
        z = torch.zeros(people, known.shape[1], device=known.device, requires_grad=True)
        optimiser = torch.optim.Adam([z], lr=LEARNING_RATE, betas=(0.9, 0.99))
        for _ in range(STEPS):
            total = loss(mean + std * z).sum() + 0.5 * z.square().sum()
            (z.grad,) = torch.autograd.grad(total, z)
            optimiser.step()
    return (mean + std * z).detach()
