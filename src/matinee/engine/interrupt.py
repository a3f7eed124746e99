"""Stopping politely: a first Ctrl-C (or SIGTERM) asks, a second one insists."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While entered, turns the first SIGINT or SIGTERM into a flag to be looked at.

    If nobody looked, it raises KeyboardInterrupt when it is left, be it by an error.
    Outside the main thread, where no handler can be set, it does nothing.

    Attributes:
        asked: Whether somebody asked to stop.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.asked and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from error

    def _ask(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
