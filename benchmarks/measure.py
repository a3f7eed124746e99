"""Jobs in processes of their own, so that time and peak memory are those of one job alone.

python -m benchmarks.measure MODULE JOB [ARGUMENT ...]

calls the function JOB of MODULE and prints what it gives, and the peak of memory, as a JSON line.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.peers.environments import OURS, ROOT, surroundings

Facts = dict[str, Any]


def peak_mb() -> float:
    """Largest resident memory of this process so far, in MB (10^6 bytes)."""
    status = Path("/proc/self/status")
    if status.exists():  # where `getrusage` counts what the parent had when it started this one
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def alone(job: Callable[..., Facts], *arguments: str) -> Facts:
    """What a function of a module gives in a process of its own, and its `peak_mb`."""
    command = [sys.executable, "-m", "benchmarks.measure", job.__module__, job.__name__]
    done = subprocess.run(
        [*command, *arguments],
        check=True,
        cwd=ROOT,
        env=surroundings(OURS),
        stdout=subprocess.PIPE,
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    facts = getattr(import_module(sys.argv[1]), sys.argv[2])(*sys.argv[3:])
    print(json.dumps({**facts, "peak_mb": peak_mb()}))
