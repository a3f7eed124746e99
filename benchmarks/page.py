"""The reference page of speed, written from what `build/bench` holds.

python -m benchmarks.page

writes docs/reference/benchmarks.md anew, without measuring.
"""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

from benchmarks import own, peers
from benchmarks.goals import Line, table
from benchmarks.own import section as alone
from benchmarks.own.measurement import Measurement
from benchmarks.peers import section as beside
from benchmarks.peers.comparison import Comparison
from benchmarks.peers.environments import ROOT, THREADS

PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
FOLDER = ROOT / "build" / "bench"
HEAD = """<!-- Written by `make bench`; do not edit. -->

# Speed and memory

Machine: {machine}. `python -m benchmarks.peers setup` makes the environments of other packages;
`make bench` measures and writes this page. Figures are medians over turns with, in brackets, the
lowest and the highest. How cost and memory grow with the data is told on [a page of its
own](growth.md), of which the pictures are below.

## Goals

{goals}

The floor that each section tells is the time this machine would need if it did nothing but the
operations, or nothing but the reading and writing, that the work cannot do without, at the speed of
a float32 product of matrices of 2,048 by 2,048 and of a copy of 256 MB (bytes read and bytes
written both count), both measured in the same run, the best of its rounds.
"""
BESIDE = """## Beside other packages

Each package runs in an environment of its own, in a process of its own, on the same arrays of
MovieLens-1M, with {threads} threads. They take turns, {rounds} or more each; each round begins with
another package. A turn does the work once to warm up, unless that takes ten seconds, and then
until a second has passed; its time is the median. 'Times ours' is taken within each round, so that
whatever else the machine did fell on both; 'processor s' is what all threads took together,
without waiting for others.
"""
ALONE = """## Without others

What has no counterpart elsewhere, or is measured against the machine alone.
"""
GROWTH = """## Growth

Each size is varied over two decades while the others stay; [exponents and what is
behind them](growth.md).

![Cost against sizes](../assets/growth-seconds.svg)

![Memory against sizes](../assets/growth-bytes.svg)
"""

Result = dict[str, Any]
Compared = list[tuple[Comparison, Result | None]]
Measured = list[tuple[Measurement, Result | None]]


def stored(name: str) -> Result | None:
    """What was measured under that name, or None."""
    file = FOLDER / f"{name}.json"
    return json.loads(file.read_text()) if file.exists() else None


def store(name: str, result: Result) -> None:
    """Keep what was measured."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


def write() -> None:
    """Write the page."""
    PAGE.write_text(
        written(
            [(peers.named(name), stored(name)) for name in peers.COMPARISONS],
            [(own.named(name), stored(name)) for name in own.MEASUREMENTS],
        )
    )


def written(compared: Compared, measured: Measured) -> str:
    """The page: goals, comparisons, measurements, growth."""
    lines: list[Line] = []
    for comparison, result in compared:
        lines += beside.lines(comparison, result)
    for measurement, result in measured:
        lines += alone.lines(measurement, result)
    rounds = [len(next(iter(result["turns"].values()))) for _, result in compared if result]
    return "\n".join(
        [
            HEAD.format(machine=machine(), goals=table(lines)),
            BESIDE.format(threads=THREADS, rounds=min(rounds, default=0)),
            *(beside.section(comparison, result) for comparison, result in compared if result),
            ALONE,
            *(alone.section(measurement, result) for measurement, result in measured if result),
            GROWTH,
        ]
    )


def machine() -> str:
    """The processor, as the system calls it, and the memory."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    name = names[0] if names else platform.processor()
    return f"{name}, {os.cpu_count()} processors, {memory:.0f} GB, {platform.system()}"


if __name__ == "__main__":
    write()
