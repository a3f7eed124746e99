"""Work in shares, side by side on the cores of a processor.

PyTorch shares out each operation by itself, and waking another thread takes longer than many an
operation does. A share here is a long row of operations that one thread does alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial, reduce
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


def side_by_side(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """What the jobs give, in their order; as many run at a time as PyTorch has threads.

    Each runs with one thread, and with gradients and low precision as they are for the caller.
    The first comes first, so the longest should. An error in one is raised when all have ended.
    """
    threads = min(torch.get_num_threads(), len(jobs))
    if threads < 2:
        return [job() for job in jobs]
    results: dict[int, T] = {}
    places = iter(range(len(jobs)))
    modes = partial(_modes, torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"))

    def work() -> None:
        with modes():
            results.update((place, jobs[place]()) for place in places)

    helpers: list[Future[None]] = []
    with _one_thread():
        try:
            helpers += [_pool(threads - 1).submit(work) for _ in range(threads - 1)]
            work()
        finally:
            errors = [helper.exception() for helper in helpers]
    for error in filter(None, errors):
        raise error
    return [results[place] for place in range(len(jobs))]


def sum_of_losses(losses: Sequence[Callable[[], Tensor]], weights: Sequence[Tensor]) -> Tensor:
    """The sum of losses, each of which goes forwards and back side by side with the others.

    The gradients are those of the sum, added up in the order of the losses, so that they do not
    depend on the number of threads.

    Args:
        losses: Each gives a scalar when called.
        weights: All that the losses depend on and that has a gradient; leaves.
    """
    return _outside_compiler(losses, *weights)


class _SumOfLosses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, losses: Sequence[Callable[[], Tensor]], *weights: Tensor) -> Tensor:
        found = side_by_side([partial(_with_gradients, loss, weights) for loss in losses])
        gradients = zip(*(slopes for _, slopes in found), strict=True)
        ctx.save_for_backward(*(reduce(torch.add, slopes) for slopes in gradients))
        return reduce(torch.add, [loss for loss, _ in found])

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        return None, *(slopes[0] * gradient for gradient in ctx.saved_tensors)


def _with_gradients(
    loss: Callable[[], Tensor], weights: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    with torch.enable_grad():
        value = loss()
    return value.detach(), list(torch.autograd.grad(value, weights))


_outside_compiler: Any = torch.compiler.disable(_SumOfLosses.apply)
"""The compiler cannot follow into other threads."""


@contextmanager
def _modes(gradients: bool, low: bool) -> Generator[None]:
    """What PyTorch keeps for each thread apart."""
    with (
        torch.set_grad_enabled(gradients),
        torch.autocast("cpu", torch.get_autocast_dtype("cpu"), enabled=low),
    ):
        yield


@contextmanager
def _one_thread() -> Generator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that stay, each of which does its operations alone."""
    return ThreadPoolExecutor(threads, "share", torch.set_num_threads, (1,))
