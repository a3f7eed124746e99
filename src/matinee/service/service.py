"""What the service does, whoever asks: the REST routes and the pages both call this."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ParamSpec, Self, TypeVar

import torch

from matinee.artefact import Artefact
from matinee.data.interactions import Scale
from matinee.errors import DataError, MatineeError
from matinee.models.base import RatingPredictor
from matinee.recommendation import Ask, Recommendations, predict, similar
from matinee.service.deployment import Deployment, Deployments, load
from matinee.service.journal import Journal
from matinee.service.keyring import Keyring
from matinee.service.records import Record, known
from matinee.service.refusals import NotFound
from matinee.service.scoring import Scored, Scorer
from matinee.service.settings import ServeSettings
from matinee.service.store import Store
from matinee.service.telemetry import Metrics

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """A list, and what it comes from.

    Attributes:
        recommendations: The list.
        version: Of the model that made it.
        reason: In a sentence, what the list is based on.
    """

    recommendations: Recommendations
    version: str
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """The outward JSON form: that of `recommend --json`, with version and reason."""
        return {
            **self.recommendations.as_dict(),
            "model_version": self.version,
            "reason": self.reason,
        }


class Service:
    """Recommends from a model and a database. Made inside a running event loop.

    Args:
        settings: How it is set up.
        store: The database.
        deployments: The model that serves.
        metrics: Where it counts.
    """

    def __init__(
        self, settings: ServeSettings, store: Store, deployments: Deployments, metrics: Metrics
    ) -> None:
        self.settings, self.store, self.metrics = settings, store, metrics
        self.deployments = deployments
        torch.set_num_threads(settings.threads)
        self._threads = ThreadPoolExecutor(settings.store_threads, "store")
        self.keys = Keyring(store, self.read, seconds=settings.key_seconds)
        self._scorer = Scorer(
            store.histories,
            batch=settings.batch,
            queue=settings.queue,
            on_queue=metrics.queue.set,
            on_batch=metrics.batch.observe,
        )
        self._journal = Journal(store, every=settings.log_seconds, on_lost=metrics.log_lost.inc)
        metrics.serving(self.current)

    @property
    def current(self) -> Deployment:
        """The model that serves now."""
        return self.deployments.current

    @property
    def artefact(self) -> Artefact:
        """Its run."""
        return self.current.artefact

    @property
    def scale(self) -> Scale:
        """The scale on which people rate."""
        return self.artefact.history.scale

    def start(self) -> Self:
        """Begin what goes on in the background."""
        self._tasks = [
            asyncio.create_task(self._journal.run(self.read)),
            asyncio.create_task(self._follow()),
        ]
        return self

    def reload_soon(self) -> None:
        """Begin to `reload`; what comes of it is logged."""
        self._tasks.append(asyncio.create_task(self._reload()))

    async def _reload(self) -> None:
        try:
            made = await self.reload()
            log.info("version %s serves", made.version)
        except MatineeError as error:
            log.error("the run was not read anew: %s", error)

    async def close(self) -> None:
        """Finish what waits; the store stays open."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._scorer.close)
        await asyncio.to_thread(self._journal.flush)
        self._threads.shutdown()

    async def read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the store, or anything else that takes its time, off the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: function(*args, **kwargs))

    write = read

    # Recommending

    async def recommend(
        self,
        ask: Ask,
        *,
        person: str | None = None,
        record: Record | None = None,
        deployment: Deployment | None = None,
    ) -> Answer:
        """A list for one who asks.

        Args:
            ask: The wishes, and what is said in asking.
            person: Whom it is for, by an id of the database or of the training data. Their
                ratings and marks on record join what is said.
            record: These, if they have been read already.
            deployment: The model to ask; by default the one that serves.

        Raises:
            Busy: If too many wait already.
            MatineeError: If what is asked cannot be answered.
        """
        deployment = deployment or self.current
        if person is not None and record is not None:
            found = await self._scorer.score(deployment, known(ask, person, record))
        else:
            found = await self._scorer.score(deployment, ask, person)
        reason = _reason(found, deployment.artefact)
        answer = Answer(found.recommendations, deployment.version, reason)
        self._note(person, answer)
        return answer

    async def recommend_many(
        self, ask: Ask, people: Sequence[str], deployment: Deployment
    ) -> list[Answer | MatineeError]:
        """Lists for many people with the same wishes, all by one model.

        Returns:
            For each person a list, or what is wrong.
        """
        answers: list[Answer | MatineeError] = []
        for start in range(0, len(people), self.settings.batch):
            part = people[start : start + self.settings.batch]
            lists = (self.recommend(ask, person=p, deployment=deployment) for p in part)
            for answer in await asyncio.gather(*lists, return_exceptions=True):
                if isinstance(answer, BaseException) and not isinstance(answer, MatineeError):
                    raise answer
                answers.append(answer)
        return answers

    async def similar(self, item: str, k: int) -> Answer:
        """Films like a film.

        Raises:
            NotFound: If there is no film of this id.
            DataError: If nothing is known to compare it by.
        """
        deployment = self.current
        self.film(item)
        found = await self.read(similar, deployment.artefact, f"id:{item}", k)
        reason = "Films that share genres." if found.fallback else "Films that are alike."
        return Answer(found, deployment.version, reason)

    async def predict(
        self, person: str | None, items: Sequence[str], *, record: Record | None = None
    ) -> dict[str, float]:
        """Expected stars of films, by id; empty if the model cannot tell, or not for them.

        Args:
            person: Whom to tell for.
            items: The films' outside ids.
            record: The person's ratings and marks, if they have been read already.

        Raises:
            UnknownName: If there is no film of one of the ids.
        """
        artefact = self.artefact
        if person is None or not isinstance(artefact.model, RatingPredictor):
            return {}
        record = record or await self.read(self.store.history, person)
        ask = known(Ask(), person, record)
        return await self.read(predict, artefact, ask, items)

    async def erase(self, person: str) -> bool:
        """Erase a person with everything of theirs, the log included; whether there was any."""
        await self.write_log()
        return await self.write(self.store.erase_person, person)

    async def write_log(self) -> None:
        """Write the recommendation log out: before someone is erased or becomes another."""
        await self.write(self._journal.flush)

    def film(self, item: str) -> int:
        """The integer of a film in the run that serves.

        Raises:
            NotFound: If there is none of this outside id.
        """
        found = self.artefact.catalogue.ids.find(item)
        if found is None:
            raise NotFound(f"there is no film with the id {item!r}", where="item")
        return found

    def check_stars(self, stars: float) -> None:
        """Refuse a rating that is not on the scale.

        Raises:
            DataError: Naming the scale.
        """
        scale = self.scale
        if not scale.low <= stars <= scale.high:
            raise DataError(
                f"the rating {stars:g} is off the scale",
                where="rating",
                expected=f"{scale.low:g} to {scale.high:g}",
            )

    def _note(self, person: str | None, answer: Answer) -> None:
        found = answer.recommendations
        self.metrics.recommended(fallback=found.fallback)
        if self.settings.log_recommendations:
            items = tuple(film.id for film in found.items)
            self._journal.add(person, answer.version, items, fallback=found.fallback)

    # Models

    async def register(self, run: str) -> Deployment:
        """Remember a run as a model that can be activated, after loading and trying it.

        Raises:
            MatineeError: If it cannot be loaded or fails its probe.
        """
        made = await asyncio.to_thread(load, run)
        await self.write(self.store.add_model, made.version, run, made.artefact.name)
        return made

    async def activate(self, version: str) -> Deployment:
        """Let a model that the database knows serve, here and in every other worker.

        It is loaded beside the one that serves and tried; only then is it made the active
        one. On any failure the old one serves on.

        Raises:
            NotFound: If there is no such version.
            MatineeError: If it cannot be loaded or fails its probe.
        """
        rows = {row.version: row for row in await self.read(self.store.models)}
        if version not in rows:
            raise NotFound(f"there is no model of version {version!r}", where="version")
        made = await asyncio.to_thread(
            self.deployments.replace,
            rows[version].run,
            expected=version,
            before=lambda: self.store.activate_model(version),
        )
        self.metrics.serving(made)
        return made

    async def reload(self) -> Deployment:
        """Read the run folder anew; if it holds another run by now, let that serve.

        Raises:
            MatineeError: If it cannot be loaded or fails its probe; the old one serves on.
        """
        made = await self.register(self.artefact.run)
        return await self.activate(made.version)

    async def _follow(self) -> None:
        """Let the model serve that is active in the database, whoever made it so."""
        failed = ""
        while True:
            await asyncio.sleep(self.settings.poll_seconds)
            try:
                active = await self.read(self.store.active_model)
                if active and active.version not in {self.current.version, failed}:
                    failed = active.version  # tried once, unless another comes between
                    made = await asyncio.to_thread(
                        self.deployments.replace, active.run, expected=active.version
                    )
                    self.metrics.serving(made)
                    failed = ""
            except MatineeError as error:
                log.warning("the active model could not be followed: %s", error)


def _reason(found: Scored, artefact: Artefact) -> str:
    ask = found.ask
    if found.recommendations.fallback:
        return "Too little is known of who is asking: these are the most popular films."
    said = len({*ask.likes, *ask.ratings})
    if ask.history or (ask.user is not None and ask.user in artefact.history.user_ids):
        return "Based on what this person has rated" + (" and says." if said else ".")
    return f"Based on {said} film{'s' if said > 1 else ''} named in the request."
