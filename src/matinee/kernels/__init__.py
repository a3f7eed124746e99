"""Compiled loops for work whose single steps are too small for a tensor library.

Each loop stands in a module of its own, beside nothing but numba and NumPy, and has a twin in plain
PyTorch in the model that uses it. The twin says what is meant, runs on every device and
where numba is not installed; tests hold the two together. Import a loop's module only after
`available` has said yes.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

CACHE = "NUMBA_CACHE_DIR"
"""The variable that tells numba where to keep machine code."""


@cache
def available() -> bool:
    """Whether compiled loops can be had: numba is an extra, `pip install matinee[fast]`."""
    if find_spec("numba") is None:
        return False
    if not _writable(Path(__file__).parent) and not _writable(Path.home()):
        _cache_for_now()
    return True


def load() -> None:
    """Have compiled loops at hand from now on, if they can be had: for what runs long."""
    if available():
        import_module("numba")


def at_hand() -> bool:
    """Whether compiled loops cost nothing to begin with, since numba has been loaded already.

    Loading it takes longer than a single list, so a command that makes one does without.
    """
    return "numba" in sys.modules


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK)


def _cache_for_now() -> None:
    """A folder of this process's own: where numba may write nowhere, it refuses to work."""
    if CACHE not in os.environ:
        os.environ[CACHE] = tempfile.mkdtemp(prefix="matinee-")
        atexit.register(shutil.rmtree, os.environ[CACHE], ignore_errors=True)
