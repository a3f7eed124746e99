"""People who wait are scored together, and one's trouble is not another's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from matinee.artefact import Artefact
from matinee.errors import MatineeError, StoreError
from matinee.recommendation import Ask
from matinee.service.deployment import Deployment, load
from matinee.service.records import Record
from matinee.service.refusals import Busy
from matinee.service.scoring import Scored, Scorer
from matinee.service.store import Mark, Rating
from support.loops import in_a_loop
from support.serving import saved


@pytest.fixture
def deployment(make_run: Callable[..., Artefact], tmp_path: Path) -> Deployment:
    return load(saved(make_run("ease", {"l2": 2.0}), tmp_path / "run"))


def films(scored: Any) -> list[str]:
    assert isinstance(scored, Scored), scored
    return [film.id for film in scored.recommendations.items]


def test_records_are_looked_up_once_for_all_who_wait(deployment: Deployment) -> None:
    looked: list[Sequence[str]] = []

    def records(people: Sequence[str]) -> Mapping[str, Record]:
        looked.append(people)
        return {p: ([Rating("100", 5.0, 1)], [Mark("101", "seen", 2)]) for p in people}

    async def ask() -> tuple[list[Any], int]:
        batches: list[int] = []
        scorer = Scorer(records, batch=8, queue=8, on_batch=batches.append)
        asked = [scorer.score(deployment, Ask(k=30), person) for person in ("ann", "bob", "ann")]
        answers = await asyncio.gather(*asked, scorer.score(deployment, Ask(k=30)))
        await asyncio.to_thread(scorer.close)
        return answers, len(batches)

    (ann, bob, again, nobody), batches = in_a_loop(ask())
    assert films(ann) == films(bob) == films(again)
    assert not {"100", "101"} & set(films(ann))
    assert {"100", "101"} <= set(films(nobody))
    assert ann.ask.user == "ann"
    assert len(looked) <= batches
    assert all(len(set(people)) == len(people) for people in looked)


def test_who_needs_no_record_does_not_need_the_database(deployment: Deployment) -> None:
    def gone(people: Sequence[str]) -> Mapping[str, Record]:
        raise StoreError(f"no {people}")

    async def ask() -> list[Any]:
        scorer = Scorer(gone, batch=8, queue=8)
        asked = [scorer.score(deployment, Ask(), person) for person in ("ann", None, "bob")]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        await asyncio.to_thread(scorer.close)
        return answers

    ann, nobody, bob = in_a_loop(ask())
    assert isinstance(ann, StoreError)
    assert isinstance(bob, StoreError)
    assert films(nobody)


def test_one_who_asks_nonsense_hears_of_it_alone(deployment: Deployment) -> None:
    async def ask() -> list[Any]:
        scorer = Scorer(dict.fromkeys, batch=8, queue=8)  # pyright: ignore[reportArgumentType]
        asked = [scorer.score(deployment, ask) for ask in (Ask(), Ask(likes=["no such film"]))]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        await asyncio.to_thread(scorer.close)
        return answers

    good, bad = in_a_loop(ask())
    assert films(good)
    assert isinstance(bad, MatineeError)


def test_too_many_are_sent_away_and_after_the_end_everyone(deployment: Deployment) -> None:
    async def ask() -> tuple[list[Any], Any]:
        scorer = Scorer(dict.fromkeys, batch=1, queue=1)  # pyright: ignore[reportArgumentType]
        many = await asyncio.gather(
            *(scorer.score(deployment, Ask()) for _ in range(20)), return_exceptions=True
        )
        await asyncio.to_thread(scorer.close)
        late = await asyncio.gather(scorer.score(deployment, Ask()), return_exceptions=True)
        return many, late[0]

    many, late = in_a_loop(ask())
    assert films(many[0])
    assert any(isinstance(answer, Busy) for answer in many)
    assert isinstance(late, Busy)
