"""The reference page of speed, written from what `benchmarks/results` holds.

python -m benchmarks.page

writes docs/reference/benchmarks.md anew, without measuring.
"""

from __future__ import annotations

import json
import os
import platform
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks import own, peers
from benchmarks.accelerated import section as accelerated
from benchmarks.goals import Line, table
from benchmarks.own import section as alone
from benchmarks.own.measurement import Measurement
from benchmarks.peers import section as beside
from benchmarks.peers.comparison import Comparison
from benchmarks.peers.environments import ROOT, THREADS

PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
RESULTS = ROOT / "benchmarks" / "results"
"""What was measured, kept with the code: a figure can be written anew, or asked about, later."""
HEAD = """<!-- Written by `make bench`; do not edit. -->

# Speed and memory

{machines} `python -m benchmarks.peers setup` makes the environments of other packages;
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
MovieLens-1M, with {threads} threads. They take turns; each round begins with another package. A
turn does the work once to warm up, unless that takes ten seconds, and then
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

WIDE = ("amx_bf16", "avx512_bf16", "avx512f", "avx2")
"""Instructions of Linux's names, the fastest first."""

Result = dict[str, Any]
Compared = list[tuple[Comparison, Result | None]]
Measured = list[tuple[Measurement, Result | None]]


def stored(name: str) -> Result | None:
    """What was measured under that name, or None."""
    file = RESULTS / f"{name}.json"
    return json.loads(file.read_text()) if file.exists() else None


def store(name: str, result: Result) -> None:
    """Keep what was measured, and where and when."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    told = {"machine": machine(), "day": date.today().isoformat(), **result}
    (RESULTS / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")


def write() -> None:
    """Write the page."""
    PAGE.write_text(
        written(
            [(peers.named(name), stored(name)) for name in peers.COMPARISONS],
            [(own.named(name), stored(name)) for name in own.MEASUREMENTS],
            stored("accelerated"),
        )
    )


def written(compared: Compared, measured: Measured, there: Result | None) -> str:
    """The page: goals, comparisons, measurements, what an accelerator does, growth."""
    lines: list[Line] = []
    for comparison, result in compared:
        lines += beside.lines(comparison, result)
    for measurement, result in measured:
        lines += alone.lines(measurement, result)
    results = [result for _, result in [*compared, *measured] if result]
    return "\n".join(
        [
            HEAD.format(machines=machines(results), goals=table(lines)),
            BESIDE.format(threads=THREADS),
            *(beside.section(c, result) + origin(result) for c, result in compared if result),
            ALONE,
            *(alone.section(m, result) + origin(result) for m, result in measured if result),
            accelerated.section(there) if there else accelerated.NONE,
            GROWTH,
        ]
    )


def machines(results: list[Result]) -> str:
    """Where all of it was measured, or that each section tells."""
    found = {result["machine"] for result in results}
    told = found.pop() if len(found) == 1 else "more than one, told in each section"
    return f"Machine: {told}."


def origin(result: Result) -> str:
    """In how many rounds a section was measured, when and where."""
    turns = result["turns"]
    rounds = len(turns if isinstance(turns, list) else next(iter(turns.values())))
    times = f"{rounds} round{'s' if rounds > 1 else ''}"
    return f"- Measured in {times} on {result['day']}: {result['machine']}.\n"


def machine() -> str:
    """The processor, as the system calls it, its widest instructions, and the memory."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    told = dict(line.replace("\t", "").split(":", 1) for line in lines if ":" in line)
    name = told.get("model name", platform.processor()).strip()
    wide = [kind for kind in WIDE if kind in told.get("flags", "").split()]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    name = f"{name} ({wide[0]})" if wide else name
    parts = [name, f"{os.cpu_count()} processors", f"{memory:.0f} GB"]
    return ", ".join([*parts, platform.system()])


if __name__ == "__main__":
    write()
