"""One thread that gathers who waits and scores them in one batch.

Nobody is made to wait for others to come: when the thread is free it takes whoever is there,
up to a limit, so batches grow by themselves as the load does.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matinee.recommendation import Ask, Recommendations, recommend_batch
from matinee.service.deployment import Deployment
from matinee.service.refusals import Busy

log = logging.getLogger(__name__)

Outcome = Recommendations | Exception
Gauge = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class _Job:
    deployment: Deployment
    ask: Ask
    future: asyncio.Future[Recommendations]
    loop: asyncio.AbstractEventLoop


class Scorer:
    """Scores for an event loop, off it.

    Args:
        batch: Most people scored together.
        queue: Most people waiting.
        on_queue: Told the number of people waiting whenever it changes.
        on_batch: Told the size of every batch.
    """

    def __init__(
        self, *, batch: int, queue: int, on_queue: Gauge = int, on_batch: Gauge = int
    ) -> None:
        self._batch, self._limit = batch, queue
        self._on_queue, self._on_batch = on_queue, on_batch
        self._waiting: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="scorer", daemon=True)
        self._thread.start()

    async def score(self, deployment: Deployment, ask: Ask) -> Recommendations:
        """The list for one who asks, by the given model.

        Raises:
            Busy: If too many wait already.
            MatineeError: If what is asked cannot be answered.
        """
        loop = asyncio.get_running_loop()
        job = _Job(deployment, ask, loop.create_future(), loop)
        with self._changed:
            if self._closed or len(self._waiting) >= self._limit:
                raise Busy(
                    f"{len(self._waiting)} people wait for their films already",
                    remedy="Try again in a moment.",
                )
            self._waiting.append(job)
            self._on_queue(len(self._waiting))
            self._changed.notify()
        return await job.future

    def close(self) -> None:
        """Answer who waits, take nobody else, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while jobs := self._next():
            self._on_batch(len(jobs))
            _deliver(jobs, _outcomes(jobs))

    def _next(self) -> list[_Job]:
        """Who is to be scored next, all by one model; nobody once it is closed and empty."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            jobs: list[_Job] = []
            while self._waiting and len(jobs) < self._batch:
                if jobs and self._waiting[0].deployment is not jobs[0].deployment:
                    break
                jobs.append(self._waiting.popleft())
            self._on_queue(len(self._waiting))
            return jobs


def _outcomes(jobs: Sequence[_Job]) -> Sequence[Outcome]:
    try:
        return recommend_batch(jobs[0].deployment.artefact, [job.ask for job in jobs])
    except Exception as error:  # whatever it is, those who wait must hear of it
        log.exception("scoring failed")
        return [error] * len(jobs)


def _deliver(jobs: Sequence[_Job], outcomes: Sequence[Outcome]) -> None:
    for job, outcome in zip(jobs, outcomes, strict=True):
        try:
            job.loop.call_soon_threadsafe(_settle, job.future, outcome)
        except RuntimeError:  # the loop is closed: nobody listens any more
            log.warning("an answer came after the service had stopped")


def _settle(future: asyncio.Future[Recommendations], outcome: Outcome) -> None:
    if future.done():  # whoever asked has gone
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
