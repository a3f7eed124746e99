"""All measurements that need no data but simulated ones, one after the other."""

from __future__ import annotations

from pathlib import Path

from benchmarks import plain_loop, scale

FOLDER = Path("build/simulated-20m")

scale.main(FOLDER)
plain_loop.main(FOLDER, whole=True)
