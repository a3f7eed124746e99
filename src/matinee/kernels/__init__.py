"""Compiled loops for work whose single steps are too small for a tensor library.

Each loop stands in a module of its own, beside nothing but numba and NumPy, and has a twin in plain
PyTorch in the model that uses it. The twin says what is meant, runs on every device and
where numba is not installed; tests hold the two together. Import a loop's module only after
`available` has said yes.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import find_spec


@cache
def available() -> bool:
    """Whether compiled loops can be had: numba is an extra, `pip install matinee[fast]`."""
    return find_spec("numba") is not None


def load() -> None:
    """Have compiled loops at hand from now on, if they can be had: for what runs long."""
    if available():
        __import__("numba")


def at_hand() -> bool:
    """Whether compiled loops cost nothing to begin with, since numba has been loaded already.

    Loading it takes longer than a single list, so a command that makes one does without.
    """
    return "numba" in sys.modules
