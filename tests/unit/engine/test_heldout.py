"""The loss on held-out ratings: right, seen, and without any effect on what is learned."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from matinee.data.batches import SampledBatches
from matinee.data.interactions import Interactions
from matinee.engine import Trainer, TrainerConfig
from matinee.engine.heldout import VALID_LOSS, loss_over
from matinee.experiment import RunSpec, train
from matinee.models import Learned, Sizes, build
from support.boards import SMALL, checkerboard, fitted, likes

TOLD = ("mf", "ratingdnn", "gmf", "mlp", "neumf", "multdae", "multvae")
"""Models whose loss is a mean over single ratings."""


@pytest.fixture
def board() -> Interactions:
    return checkerboard()


def halves(board: Interactions) -> tuple[Interactions, Interactions]:
    held_out = np.arange(len(board)) % 5 == 0
    return board.take(~held_out), board.take(held_out)


def test_it_is_the_mean_over_all_held_out_ratings(board: Interactions) -> None:
    learned, held_out = halves(board)
    model = fitted("mf", learned, l2=0.0, bias_l2=0.0)
    assert isinstance(model, Learned)
    batches = model.held_out_batches(held_out, learned, batch_size=7, seed=0)
    assert batches is not None
    scores = model.score(learned.queries()).numpy()
    errors = scores[held_out.users, held_out.items] - held_out.ratings
    assert loss_over(model, batches) == pytest.approx(float(np.square(errors).mean()), rel=1e-4)


@pytest.mark.parametrize("name", TOLD)
def test_it_is_the_same_at_every_call_and_changes_nothing(name: str, board: Interactions) -> None:
    learned, held_out = halves(board)
    model = fitted(name, learned)
    assert isinstance(model, Learned)
    batches = model.held_out_batches(held_out, learned, batch_size=32, seed=0)
    assert batches is not None
    before = {key: value.clone() for key, value in model.state_dict().items()}
    random = torch.random.get_rng_state()
    assert loss_over(model, batches) == loss_over(model, batches) > 0
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert torch.equal(random, torch.random.get_rng_state())


@pytest.mark.parametrize("name", TOLD)
def test_training_is_bit_equal_with_and_without_it(name: str, board: Interactions) -> None:
    learned, held_out = halves(board)

    def run(told: bool) -> tuple[dict[str, torch.Tensor], list[float]]:
        settings = {**SMALL[name], **({} if name == "mf" else {"dropout": 0.2})}
        model = build(name, settings, Sizes.of(learned))
        assert isinstance(model, Learned)
        batches = model.held_out_batches(held_out, learned, batch_size=32, seed=0)
        assert batches is not None
        epoch = count()

        def validate() -> dict[str, float]:
            loss = {VALID_LOSS: loss_over(model, batches)} if told else {}
            return {"ndcg@10": float(next(epoch)), **loss}

        loop = TrainerConfig(epochs=3, batch_size=64, learning_rate=0.02, monitor="ndcg@10")
        history = Trainer(model, learned, loop, validate=validate).run()
        return model.state_dict(), [record.loss for record in history.records]

    (ours, losses), (theirs, expected) = run(True), run(False)
    assert losses == expected
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())


def test_films_known_from_training_are_no_negatives(board: Interactions) -> None:
    learned, held_out = halves(likes(board))
    batches = SampledBatches(held_out, negatives=8, batch_size=90, seed=0, known=learned)
    known = set(zip(learned.users.tolist(), learned.items.tolist(), strict=True))
    for step in range(len(batches)):
        batch = batches.batch(0, step)
        for user, drawn in zip(batch["users"].tolist(), batch["items"].tolist(), strict=True):
            assert not known & {(user, film) for film in drawn}


def run(tmp_path: Path, model: str, **changes: Any) -> list[dict[str, Any]]:
    settings = {"epochs": 2, "batch_size": 4096}
    spec = {"model": model, "data": "sample", "split": "random", "valid": 0.1, "settings": settings}
    train(RunSpec.parse(spec | changes), tmp_path / "run")
    text = (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8")
    return [json.loads(line)["metrics"] for line in text.splitlines()]


def test_a_run_records_it_and_can_be_stopped_by_it(tmp_path: Path) -> None:
    settings = {"epochs": 2, "batch_size": 4096, "monitor": VALID_LOSS, "patience": 1}
    records = run(tmp_path, "mf", settings=settings)
    assert all(0 < record[VALID_LOSS] < 10 for record in records)
    assert "rmse" in records[0]


def test_it_is_left_out_where_the_loss_cannot_be_told(tmp_path: Path) -> None:
    records = run(tmp_path, "gmf", split="strong")
    assert all(VALID_LOSS not in record for record in records)
