"""Measure along every axis, each point in a process of its own."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.growth import page
from benchmarks.growth.works import WORKS, Point, points

FILE = Path(__file__).parents[1] / "results" / "growth.json"
ENOUGH, LEAST, MOST = 0.5, 2, 5
"""Seconds and runs after which a point has been measured; the first also loads what is compiled."""


def measured(work: str, point: Point) -> dict[str, float]:
    """Seconds of the processor, the least of some runs, and memory above what there was before."""
    torch.set_num_threads(1)
    before = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    job, runs = WORKS[work].at(point), list[float]()
    while len(runs) < LEAST or (sum(runs) < ENOUGH and len(runs) < MOST):
        start = time.process_time()
        job()
        runs.append(time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": min(runs), "bytes": float(max(peak - before, 0))}


def along(work: str, axis: str) -> list[dict[str, float]]:
    """The points of one axis, in forked processes, so that no memory is left over from others."""
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        return [
            {"at": getattr(point, axis), **pool.apply(measured, (work, point))}
            for point in points(axis)
        ]


def main(names: list[str]) -> None:
    """Measure what is asked for, keep what was measured before of the rest, write the page."""
    found: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    for name in names or WORKS:
        found[name] = {axis: along(name, axis) for axis in WORKS[name].axes}
        print(name, {axis: round(page.slope(line), 2) for axis, line in found[name].items()})
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(json.dumps(found, indent=1) + "\n")
    page.write(found)


if __name__ == "__main__":
    asked = sys.argv[1:]
    if asked == ["page"]:
        page.write(json.loads(FILE.read_text()))
    else:
        main(asked)
