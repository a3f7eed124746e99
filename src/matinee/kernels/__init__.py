"""Compiled loops for work whose single steps are too small for a tensor library.

Each loop stands in a module of its own, beside nothing but numba and NumPy, and has a twin in plain
PyTorch in the model that uses it. The twin says what is meant, runs on every device and
where numba is not installed; tests hold the two together. Import a loop's module only after
`available` has said yes.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec


@cache
def available() -> bool:
    """Whether compiled loops can be had: numba is an extra, `pip install matinee[fast]`."""
    return find_spec("numba") is not None
