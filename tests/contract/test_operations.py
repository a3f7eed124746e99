"""Guards of speed that no machine can blur: operations are counted, never timed.

Limits leave a few operations to spare over what there is now. Raise one only with a measurement
that says why.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from matinee.artefact import Artefact
from matinee.data.interactions import Interactions
from matinee.engine import Trainer, TrainerConfig, fit
from matinee.evaluation import evaluate
from matinee.models import Learned, Sizes, build
from matinee.recommendation import Ask, recommend_batch, recommend_many
from matinee.splits import random_split
from support.counting import Counts, counted

BATCH = 128
STEP = {
    "mf": 110,
    "gmf": 90,
    "neumf": 150,
    "ratingdnn": 170,
    "multvae": 190,
    "sasrec": 260,
    "bert4rec": 270,
    "hstu": 320,
    "gru4rec": 500,
    "recvae": 300,
    "lightgcn": 90,
    "twotowers": 210,
}
"""Operations of a training step at most; a recurrent one has some for each place."""
SETTINGS: dict[str, dict[str, Any]] = {
    "ratingdnn": {"inputs": ("user", "item")},
    "multvae": {"dim": 8, "hidden": (8,)},
    "recvae": {"dim": 8, "width": 8},
    "twotowers": {"dim": 8, "hidden": (8,)},
    "sasrec": {"dim": 8},
    "bert4rec": {"dim": 8},
    "hstu": {"dim": 8},
    "gru4rec": {"dim": 8},
}
ANSWER = 90
"""Operations of a list for one person at most, the model's own among them."""


def ratings(people: int = 200, films: int = 300, each: int = 10) -> Interactions:
    """Everyone rated the same number of films."""
    users = np.repeat(np.arange(people), each)
    start = np.random.default_rng(0).integers(films, size=people)
    items = (start[:, None] + 7 * np.arange(each)).flatten() % films
    stars = np.random.default_rng(1).integers(1, 11, size=len(users)) / 2
    return Interactions.build(users, items, stars, np.arange(len(users)))


def step(name: str, data: Interactions, batch: int = BATCH, **settings: Any) -> Counts:
    """What a training step does, once the first one has been done."""
    model = build(name, {**SETTINGS.get(name, {}), **settings}, Sizes.of(data))
    assert isinstance(model, Learned)
    loop = {**model.defaults, "batch_size": batch, "epochs": 1}
    trainer = Trainer(model, data, TrainerConfig(**loop))
    trainer.step(0, 0)
    return counted(lambda: trainer.step(0, 1))


@pytest.mark.parametrize("name", sorted(STEP))
def test_a_step_takes_few_operations(name: str) -> None:
    done = step(name, ratings())
    assert done.total <= STEP[name], done.operations.most_common(12)


@pytest.mark.parametrize("name", ["mf", "gmf", "neumf"])
@pytest.mark.parametrize(("people", "films"), [(4000, 300), (200, 6000)])
def test_a_step_does_as_much_however_large_the_tables(name: str, people: int, films: int) -> None:
    small, large = step(name, ratings()), step(name, ratings(people, films))
    assert large.total == small.total
    assert large.numbers <= 1.1 * small.numbers


PEOPLE = ("multvae", "recvae", "lightgcn", "twotowers")
"""Models whose batches are of people."""


@pytest.mark.parametrize("name", ["mf", "neumf", "ratingdnn", *PEOPLE])
def test_a_larger_batch_takes_no_more_operations(name: str) -> None:
    data = ratings(people=1000, films=60)  # so few that their softmax is one block
    small, large = (step(name, data, batch) for batch in (32, 256))
    assert large.total <= small.total + 10


@pytest.mark.parametrize("name", ["multvae", "sasrec"])
def test_logits_of_all_films_are_never_held_for_the_whole_batch(name: str) -> None:
    data = ratings(people=1000, films=5000)
    done = step(name, data, batch=400)
    assert done.largest < 400 * data.n_items


@pytest.mark.parametrize("name", ["mf", "ials"])
def test_a_list_takes_few_operations_and_many_lists_hardly_more(name: str) -> None:
    data = ratings()
    model = build(name, {}, Sizes.of(data))
    fit(model, data, TrainerConfig(epochs=1) if isinstance(model, Learned) else None)
    few, many = (data.queries(np.arange(n)).forget_users() for n in (1, 64))
    alone, together = (counted(lambda q=q: recommend_many(model, q, 10)) for q in (few, many))
    assert alone.total <= ANSWER, alone.operations.most_common(12)
    assert together.total <= alone.total + 20


def test_a_service_call_answers_many_with_hardly_more_operations_than_one(
    make_run: Callable[..., Artefact],
) -> None:
    run = make_run("ials", {"dim": 4})
    asks = [Ask(user=f"p{person}") for person in range(1, 17)]
    alone, together = (counted(lambda a=a: recommend_batch(run, a)) for a in (asks[:1], asks))
    each = (together.total - alone.total) / (len(asks) - 1)
    assert alone.total <= ANSWER, alone.operations.most_common(12)
    assert each <= 6


def test_evaluation_takes_as_many_operations_for_many_people_as_for_few() -> None:
    done: list[int] = []
    for people in (300, 3000):
        split = random_split(ratings(people), test=0.2, seed=0)
        model = build("mf", {}, Sizes.of(split.train))
        judge = partial(evaluate, model, split.test, train=split.train, metrics=["ndcg@10"])
        done.append(counted(judge).total)
    assert done[1] <= done[0] + 20
