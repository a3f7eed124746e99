"""How much memory a job takes at its peak."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path

import pytest

SELF = Path("/proc/self")


def peak_bytes(job: Callable[[], object]) -> int:
    """Resident memory at the peak of a job, less what there was before; skips where unknown."""
    gc.collect()
    try:
        # What was freed before must not be what the job lives on.
        ctypes.CDLL(None).malloc_trim(0)
        (SELF / "clear_refs").write_text("5")
    except (AttributeError, OSError):
        pytest.skip("this system does not tell the peak of a part of a process")
    before = _resident("VmRSS")
    job()
    return _resident("VmHWM") - before


def _resident(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+)", (SELF / "status").read_text())
    assert found is not None
    return int(found[1]) * 1024
