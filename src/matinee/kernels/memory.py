"""Memory that begins with a line of the cache: other columns take twice as long to read."""

from __future__ import annotations

import numpy as np
from numba import njit

from matinee.kernels.arrays import Floats

LINE = 16
"""Numbers in a line of the cache."""


@njit(nogil=True, cache=True)
def aligned(rows: int, columns: int) -> Floats:
    """A matrix, not yet filled, whose rows all begin with a line if `columns` are whole lines."""
    flat = np.empty(rows * columns + LINE, np.float32)
    skipped = -(flat.ctypes.data // flat.itemsize) % LINE
    return flat[skipped : skipped + rows * columns].reshape(rows, columns)
