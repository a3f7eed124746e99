"""What the machine can do: `python -m benchmarks.ceilings` prints it as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import torch

SIDE, FLOATS, TIMES = 2048, 1 << 26, 10


def fastest(job: Callable[[], object]) -> float:
    """Seconds of the fastest of some runs: a ceiling is not lowered by what others do."""
    taken: list[float] = []
    for _ in range(TIMES):
        start = time.perf_counter()
        job()
        taken.append(time.perf_counter() - start)
    return min(taken)


def ceilings() -> dict[str, float]:
    """Operations a second of a float32 product, and bytes a second read and written in a copy."""
    a, b, c = torch.rand(3, SIDE, SIDE)
    source, target = torch.rand(FLOATS), torch.empty(FLOATS)
    return {
        "operations": 2 * SIDE**3 / fastest(lambda: torch.mm(a, b, out=c)),
        "bytes": 2 * 4 * FLOATS / fastest(lambda: target.copy_(source)),
    }


if __name__ == "__main__":
    print(json.dumps(ceilings()))
