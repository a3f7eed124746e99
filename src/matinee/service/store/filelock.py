"""A lock between processes: who holds it may write."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from matinee.errors import StoreError

PAUSE = 0.005


class FileLock:
    """An advisory lock on a file of its own, freed by the system when its holder dies.

    Args:
        path: The file; made if it is not there, and left there.
        patience: Seconds to wait for another holder.

    Raises:
        StoreError: If the file cannot be made.
    """

    def __init__(self, path: Path, patience: float) -> None:
        self._path, self._patience = path, patience
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"the lock cannot be opened: {error.strerror}", where=str(path)
            ) from error

    @contextmanager
    def __call__(self) -> Generator[None]:
        """Hold the lock.

        Raises:
            StoreError: If another process does not let go of it.
        """
        self._take()
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _take(self) -> None:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreError(
                        "another process keeps writing to the database",
                        where=str(self._path),
                        remedy="Stop it, or try again.",
                    ) from None
            time.sleep(PAUSE)
