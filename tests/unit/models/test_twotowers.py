"""Two towers: the correction for popularity, and films and people that are new."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.engine import Trainer, TrainerConfig, fit
from matinee.models import Sizes, build
from matinee.models.twotower import TwoTowers
from support.boards import checkerboard, fitted, likes


@pytest.fixture
def data() -> Interactions:
    """Likes of 40 people, none of film 4."""
    board = likes(checkerboard())
    return board.take(board.items != 4)


def fresh(data: Interactions, **settings: Any) -> TwoTowers:
    defaults = {"dim": 4, "hidden": (8,), "dropout": 0.0, "unknown": 0.0}
    model = build("twotowers", {**defaults, **settings}, Sizes.of(data))
    assert isinstance(model, TwoTowers)
    model.prepare(data)
    return model


def test_the_loss_is_the_corrected_softmax_over_the_examples_of_the_batch(
    data: Interactions,
) -> None:
    """Yi et al., eq. 3-5, example by example; films of a batch stand there as often as wanted."""
    model = fresh(data, temperature=0.5)
    batch = model.batches(data, batch_size=12, seed=0).batch(0, 0)
    rows, items, shown = batch["rows"], batch["items"], batch["shown"]
    scores = []
    for row in range(12):
        history = items[shown & (rows == row)].tolist()
        scores.append(model.score(Queries.anonymous([history]))[0])
    share = torch.from_numpy(data.item_counts / len(data)).float()
    examples = [(int(r), int(i)) for r, i in zip(rows[~shown], items[~shown], strict=True)]
    losses = []
    for row, item in examples:
        corrected = torch.stack([scores[row][other] - share[other].log() for _, other in examples])
        losses.append(corrected.logsumexp(0) - (scores[row][item] - share[item].log()))
    # A film's own term counts all its examples at once, which is the same but for a constant.
    often = {item: sum(other == item for _, other in examples) for _, item in examples}
    constant = np.mean([np.log(often[item]) for _, item in examples])
    expected = torch.stack(losses).mean() - constant
    assert model(batch).item() == pytest.approx(float(expected), rel=1e-4)


def test_in_the_mean_over_batches_the_correction_makes_up_for_popularity() -> None:
    """Where taste tells nothing, the odds that are learned are those of the ratings."""
    random = np.random.default_rng(0)
    odds = np.array([0.4, 0.3, 0.2, 0.1, 0.05, 0.05])
    rows = [(p, i) for p in range(300) for i in np.flatnonzero(random.random(6) < odds)]
    users, items = zip(*rows, strict=True)
    data = Interactions.build(users, items)
    model = fresh(data, temperature=0.2)
    fit(model, data, TrainerConfig(epochs=60, batch_size=16, learning_rate=0.01))
    told = model.eval().score(Queries.anonymous([[]])).softmax(1)[0].numpy()
    np.testing.assert_allclose(told, data.item_counts / len(data), atol=0.06)


def test_a_batch_of_which_everything_is_shown_teaches_nothing(data: Interactions) -> None:
    model = fresh(data)
    batch = model.batches(data, batch_size=12, seed=0).batch(0, 0)
    loss = model({**batch, "shown": torch.ones_like(batch["shown"])})
    loss.backward()
    assert loss.item() == 0
    assert not any(w.grad.to_dense().any() for w in model.parameters() if w.grad is not None)


def test_a_film_without_ratings_is_found_by_its_content(data: Interactions) -> None:
    model = fitted("twotowers", data)
    scores = model.score(data.queries().forget_users())
    even = np.arange(data.n_users) % 2 == 0
    assert scores[even, 4].mean() > scores[~even, 4].mean() + 1
    others = scores[~even][:, 0:16:2].mean()
    assert scores[even, 4].mean() > others


def test_a_film_without_ratings_or_content_has_no_vector_of_its_own(data: Interactions) -> None:
    bare = Catalogue.from_frame(pl.DataFrame({"id": [str(i) for i in range(16)]}))
    plain = Interactions.build(data.users, data.items, None, data.times, catalogue=bare)
    model = fitted("twotowers", plain)
    assert isinstance(model, TwoTowers)
    assert not model.numbers.weight[4].any()
    assert model.numbers.weight[3].any()
    assert torch.isfinite(model.score(plain.queries())).all()


def test_what_is_known_of_people_is_used_and_not_needed() -> None:
    """Two tastes that only the table of people tells, one film each."""
    people = pl.DataFrame({"id": [str(p) for p in range(60)], "side": ["left", "right"] * 30})
    users = np.repeat(np.arange(60), 2)
    items = np.stack([np.arange(60) % 2, 2 + np.arange(60) % 2], 1).flatten()
    data = Interactions.build(users, items, people=people)
    model = fresh(data, unknown=0.3, hidden=(16,))
    fit(model, data, TrainerConfig(epochs=40, batch_size=16, learning_rate=0.01))
    none = Queries.anonymous([[], []])
    known = replace(none, users=torch.tensor([0, 1]))
    scores = model.eval().score(known)
    assert scores[0, [0, 2]].min() > scores[0, [1, 3]].max()
    assert scores[1, [1, 3]].min() > scores[1, [0, 2]].max()
    by_history = model.score(Queries.anonymous([[0], [1]]))
    assert by_history[0, 2] > by_history[0, 3]
    assert by_history[1, 3] > by_history[1, 2]


def test_what_is_hidden_is_a_function_of_the_step(data: Interactions) -> None:
    losses = []
    for _ in range(2):
        model = fresh(data, unknown=0.5)
        trainer = Trainer(model, data, TrainerConfig(epochs=1, batch_size=16, threads=1), seed=3)
        torch.rand(len(losses))  # whatever was drawn before
        losses.append(float(trainer.step(0, 1)[0]))
    assert losses[0] == losses[1]
