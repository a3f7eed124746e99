"""Compiled loops for work whose single steps are too small for a tensor library.

Each loop stands in a module of its own, beside nothing but numba and NumPy, and has a twin in plain
PyTorch in the model that uses it. The twin says what is meant, runs on every device and
where numba is not installed; tests hold the two together. Import a loop's module only after
`available` has said yes.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec

_one_at_a_time = threading.Lock()


@cache
def available() -> bool:
    """Whether compiled loops can be had: numba is an extra, `pip install matinee[fast]`."""
    return find_spec("numba") is not None


@contextmanager
def sharing(threads: int) -> Generator[None]:
    """Within it a loop may share its work among so many of numba's threads.

    Not every kind of threads that numba takes bears being asked by two at a time, so that
    others wait; a loop of one thread waits for nobody.
    """
    if threads == 1:
        yield
        return
    import numba

    with _one_at_a_time:
        before = numba.get_num_threads()
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        try:
            yield
        finally:
            numba.set_num_threads(before)
