"""The recommendation log, gathered and written in groups so that nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from matinee.errors import MatineeError
from matinee.service.store import LogRow, Store

log = logging.getLogger(__name__)

MOST = 10_000
"""Entries held at most; beyond, new ones are lost, and counted."""


class Journal:
    """Holds entries until they are written.

    Args:
        store: Where they are written.
        every: Seconds between writes.
        on_lost: Told how many entries were lost.
    """

    def __init__(
        self, store: Store, *, every: float, on_lost: Callable[[float], object] = float
    ) -> None:
        self._store, self._every, self._on_lost = store, every, on_lost
        self._rows: list[LogRow] = []
        self._lock = threading.Lock()

    def add(
        self, person: str | None, version: str, items: tuple[str, ...], *, fallback: bool
    ) -> None:
        """Note one list."""
        with self._lock:
            if len(self._rows) < MOST:
                self._rows.append(LogRow(person, int(time.time()), version, fallback, items))
                return
        self._on_lost(1)

    def flush(self) -> None:
        """Write what has been gathered; what cannot be written is lost, and counted."""
        with self._lock:
            rows, self._rows = self._rows, []
        if not rows:
            return
        try:
            self._store.log_recommendations(rows)
        except MatineeError as error:
            self._on_lost(len(rows))
            log.warning("%d entries of the recommendation log are lost: %s", len(rows), error)

    async def run(self, call: Callable[..., Awaitable[Any]]) -> None:
        """Write every so often, until cancelled.

        Args:
            call: Calls a function off the event loop.
        """
        while True:
            await asyncio.sleep(self._every)
            if self._rows:
                await call(self.flush)
