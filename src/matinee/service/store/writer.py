"""One thread that writes: what waits becomes one transaction and shares one sync to the disk.

A disk syncs perhaps some hundred times a second, whatever the number of callers. So while
one transaction is being synced, the changes that arrive meanwhile gather, and the next
transaction takes them all. Each has a savepoint of its own, so that one that fails takes
nothing along. Callers are answered when the commit has returned, never before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import Connection

from matinee.errors import StoreError

T = TypeVar("T")

GROUP = 256
"""Changes in one transaction, at most."""


@dataclass(slots=True)
class _Job:
    change: Callable[[Connection], Any]
    answer: Future[Any] = field(default_factory=Future[Any])
    value: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        if self.error is None:
            self.answer.set_result(self.value)
        else:
            self.answer.set_exception(self.error)


class GroupWriter:
    """The thread, and the queue before it.

    Args:
        transaction: Opens a transaction that commits when left without an error.
    """

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="matinee-writer", daemon=True)
        self._thread.start()

    def write(self, change: Callable[[Connection], T]) -> T:
        """Have a change made, and wait until it is on the disk.

        Raises:
            StoreError: If the writer is closed.
        """
        job = _Job(change)
        with self._gate:
            if self._closed:
                raise StoreError("the database has been closed")
            self._waiting.put(job)
        return job.answer.result()

    def close(self) -> None:
        """Make the changes that wait, and stop."""
        with self._gate:
            if not self._closed:
                self._waiting.put(None)
            self._closed = True
        self._thread.join()

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            self._commit([first, *self._others()])

    def _others(self) -> Generator[_Job]:
        for _ in range(GROUP - 1):
            try:
                job = self._waiting.get_nowait()
            except Empty:
                return
            if job is None:
                self._waiting.put(None)  # the last of all: left for the loop to see
                return
            yield job

    def _commit(self, group: list[_Job]) -> None:
        try:
            with self._transaction() as connection:
                for job in group:
                    _apply(job, connection)
        except BaseException as error:
            for job in group:
                job.error = job.error or error
        for job in group:
            job.settle()


def _apply(job: _Job, connection: Connection) -> None:
    savepoint = connection.begin_nested()
    try:
        job.value = job.change(connection)
        savepoint.commit()
    except Exception as error:
        # After some errors (a full disk) SQLite has undone the whole transaction by itself.
        if not connection.connection.dbapi_connection.in_transaction:  # pyright: ignore
            raise
        savepoint.rollback()
        job.error = error
