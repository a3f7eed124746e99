"""One side's turn, in a process of its own: `python -m benchmarks.peers.turn COMPARISON SIDE FILE`.

It prints one JSON line. The first run does not count, as some packages compile in it, unless it
took ten seconds and more. What counts is the median of the runs until a second has passed.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from importlib import import_module
from statistics import median
from typing import Any

import numpy as np

from benchmarks.measure import peak_mb
from benchmarks.peers.comparison import Task

SECONDS, MOST, LONG = 1.0, 20, 10.0


def turn(comparison: str, side: str, file: str) -> dict[str, Any]:
    """Seconds by the clock and of the processor, figures of quality, and peak memory."""
    with np.load(file) as stored:
        arrays = dict(stored)
    task = import_module(f"benchmarks.peers.{comparison}").COMPARISON.sides[side](arrays)
    outcome, *first = timed(task)
    runs = [first] if first[0] >= LONG else []
    while sum(clock for clock, _ in runs) < SECONDS and len(runs) < MOST:
        outcome, *taken = timed(task)
        runs.append(taken)
    peak = peak_mb()
    return {
        "seconds": median(clock for clock, _ in runs),
        "processor": median(processor for _, processor in runs),
        "quality": task.judge(outcome),
        "peak_mb": peak,
    }


def timed(task: Task) -> tuple[Any, float, float]:
    """What a run gives, its seconds by the clock, and its seconds of the processor."""
    aside, before = task.aside, replace(task.aside)
    clock, processor = time.perf_counter(), time.process_time()
    outcome = task.run()
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    clock -= aside.clock - before.clock
    processor -= aside.processor - before.processor
    return outcome, clock / task.share, processor / task.share


if __name__ == "__main__":
    print(json.dumps(turn(*sys.argv[1:])))
