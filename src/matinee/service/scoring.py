"""One thread that gathers who waits, looks them up and scores them in one batch.

Nobody is made to wait for others to come: when the thread is free it takes whoever is there,
up to a limit, so batches grow by themselves as the load does. A batch costs one read of the
database, one call of the model and one waking of the event loop, however many are in it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matinee.errors import MatineeError
from matinee.recommendation import Ask, Recommendations, recommend_batch
from matinee.service.deployment import Deployment
from matinee.service.records import Records, known
from matinee.service.refusals import Busy

log = logging.getLogger(__name__)

Gauge = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Scored:
    """A list, and what was asked, with what is on record of who asks."""

    ask: Ask
    recommendations: Recommendations


@dataclass(frozen=True, slots=True)
class _Job:
    deployment: Deployment
    ask: Ask
    person: str | None
    future: asyncio.Future[Scored]


class Scorer:
    """Scores for the event loop in which it is made, off it.

    Args:
        records: Looks up people.
        batch: Most people scored together.
        queue: Most people waiting.
        on_queue: Told the number of people waiting whenever it changes.
        on_batch: Told the size of every batch.
    """

    def __init__(
        self,
        records: Records,
        *,
        batch: int,
        queue: int,
        on_queue: Gauge = int,
        on_batch: Gauge = int,
    ) -> None:
        self._records = records
        self._batch, self._limit = batch, queue
        self._on_queue, self._on_batch = on_queue, on_batch
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="scorer", daemon=True)
        self._thread.start()

    async def score(self, deployment: Deployment, ask: Ask, person: str | None = None) -> Scored:
        """The list for one who asks, by the given model.

        Args:
            deployment: The model.
            ask: The wishes, and what is known already of who asks.
            person: Whose record is to be looked up and joined to it.

        Raises:
            Busy: If too many wait already.
            MatineeError: If what is asked cannot be answered.
        """
        job = _Job(deployment, ask, person, self._loop.create_future())
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
            outcomes = self._outcomes(jobs)
            try:
                self._loop.call_soon_threadsafe(_settle, jobs, outcomes)
            except RuntimeError:  # the loop is closed: nobody listens any more
                log.warning("answers came after the service had stopped")

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

    def _outcomes(self, jobs: Sequence[_Job]) -> Sequence[Scored | Exception]:
        try:
            asks = self._looked_up(jobs)
            good = [ask for ask in asks if isinstance(ask, Ask)]
            serving = jobs[0].deployment
            lists = iter(recommend_batch(serving.artefact, good, serving.reach))
            return [_scored(ask, next(lists)) if isinstance(ask, Ask) else ask for ask in asks]
        except Exception as error:  # whatever it is, those who wait must hear of it
            log.exception("scoring failed")
            return [error] * len(jobs)

    def _looked_up(self, jobs: Sequence[_Job]) -> list[Ask | MatineeError]:
        """What each asks, with their record; who needs none does not depend on the database."""
        people = list({job.person: None for job in jobs if job.person is not None})
        try:
            records = self._records(people) if people else {}
        except MatineeError as error:
            return [job.ask if job.person is None else error for job in jobs]
        return [
            job.ask if job.person is None else known(job.ask, job.person, records[job.person])
            for job in jobs
        ]


def _scored(ask: Ask, answer: Recommendations | MatineeError) -> Scored | MatineeError:
    return Scored(ask, answer) if isinstance(answer, Recommendations) else answer


def _settle(jobs: Sequence[_Job], outcomes: Sequence[Scored | Exception]) -> None:
    for job, outcome in zip(jobs, outcomes, strict=True):
        if job.future.done():  # whoever asked has gone
            continue
        if isinstance(outcome, Exception):
            job.future.set_exception(outcome)
        else:
            job.future.set_result(outcome)
