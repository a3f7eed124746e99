"""Timing in processes of their own, so that peak memory is that of one job alone."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any


def peak_mb() -> float:
    """Largest resident memory of this process so far, in MB (10^6 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def in_own_process(module: str, job: str, *arguments: str) -> dict[str, Any]:
    """Run `python -m module job arguments` and read the one JSON line it prints."""
    done = subprocess.run(
        [sys.executable, "-m", module, job, *arguments], check=True, stdout=subprocess.PIPE
    )
    return json.loads(done.stdout.splitlines()[-1])


def repeated(times: int, job: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The run of median `seconds` among several, with the range beside it."""
    runs = sorted((job() for _ in range(times)), key=lambda run: run["seconds"])
    middle = dict(runs[len(runs) // 2])
    return {**middle, "fastest": runs[0]["seconds"], "slowest": runs[-1]["seconds"]}


def milliseconds(job: Callable[[int], object], *, warm: int, steps: int) -> float:
    """Median time of a step, in milliseconds, after `warm` steps that do not count."""
    taken: list[float] = []
    for step in range(warm + steps):
        start = time.perf_counter()
        job(step)
        taken.append(time.perf_counter() - start)
    return 1000 * median(taken[warm:])
