"""What the machine can do: `python -m benchmarks.ceilings` prints it as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import torch

SIDE, FLOATS, TIMES = 2048, 1 << 26, 10
LARGER = 4
"""How many times as large both are on an accelerator, which less does not fill."""


def fastest(job: Callable[[], object]) -> float:
    """Seconds of the fastest of some runs: a ceiling is not lowered by what others do."""
    taken: list[float] = []
    for _ in range(TIMES):
        start = time.perf_counter()
        job()
        taken.append(time.perf_counter() - start)
    return min(taken)


def ceilings(device: str = "cpu", kind: torch.dtype = torch.float32) -> dict[str, float]:
    """Operations a second of a product of that kind, and bytes a second read and written in a copy.

    Args:
        device: As PyTorch calls it.
        kind: Of the numbers multiplied; those copied are float32.
    """
    larger = 1 if device == "cpu" else LARGER
    side, floats = larger * SIDE, larger * FLOATS
    a, b, c = torch.rand(3, side, side, device=device).to(kind)
    source, target = torch.rand(2, floats, device=device)

    def seconds(job: Callable[[], object]) -> float:
        if device == "cpu":
            return fastest(job)
        return fastest(lambda: (job(), torch.accelerator.synchronize(device)))

    return {
        "operations": 2 * side**3 / seconds(lambda: torch.mm(a, b, out=c)),
        "bytes": 2 * 4 * floats / seconds(lambda: target.copy_(source)),
    }


if __name__ == "__main__":
    print(json.dumps(ceilings()))
