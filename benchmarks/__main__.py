"""All measurements, one after the other."""

from __future__ import annotations

from pathlib import Path

from benchmarks import scale

scale.main(Path("build/simulated-20m"))
