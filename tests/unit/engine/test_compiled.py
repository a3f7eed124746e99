"""Compiled loops and their twins in PyTorch take the same steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from matinee.data.interactions import Interactions
from matinee.engine import Trainer, TrainerConfig
from matinee.engine.snapshot import capture
from matinee.models import Learned, Sizes, build

pytest.importorskip("numba")


def ratings(users: int = 30, items: int = 40, each: int = 12) -> Interactions:
    random = np.random.default_rng(0)
    films = np.concatenate([random.choice(items, each, replace=False) for _ in range(users)])
    stars = random.integers(1, 6, size=users * each)
    return Interactions.build(np.repeat(np.arange(users), each), films, stars)


def trained(name: str, settings: dict[str, Any], loop: dict[str, Any], *, torch_only: bool) -> Any:
    data = ratings()
    model = build(name, settings, Sizes.of(data), seed=1)
    assert isinstance(model, Learned)
    trainer = Trainer(model, data, TrainerConfig(**{**model.defaults, **loop}), seed=2)
    assert trainer._compiled is not None
    if torch_only:
        trainer._compiled = None
    history = trainer.run()
    return capture(model, trainer.optimizers), history.records


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch_size", [64, 1500])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("gmf", {"dim": 8}),
        ("mlp", {"tower": [16, 8], "negatives": 2}),
        ("neumf", {}),
        ("neumf", {"dim": 3, "tower": [10, 7, 5], "l2": 0.1, "negatives": 1}),
        ("neumf", {"dim": 17, "tower": [6, 9, 8, 7, 6, 5, 4, 3]}),
        ("mlp", {"tower": [12, 6], "negatives": 300}),
    ],
)
def test_the_compiled_loop_does_what_pytorch_does(
    name: str, settings: dict[str, Any], batch_size: int, threads: int
) -> None:
    loop = {
        "epochs": 3,
        "batch_size": batch_size,
        "learning_rate": 0.02,
        "schedule": "cosine",
        "weight_decay": 0.3,
        "embedding_decay": 0.1,
        "threads": threads,
    }
    ours, records = trained(name, settings, loop, torch_only=False)
    theirs, twins = trained(name, settings, loop, torch_only=True)
    assert ours.keys() == theirs.keys()
    for key in ours:
        torch.testing.assert_close(ours[key], theirs[key], rtol=2e-3, atol=2e-5, msg=key)
    for record, twin in zip(records, twins, strict=True):
        assert record.examples == twin.examples
        assert record.loss == pytest.approx(twin.loss, rel=1e-5)


STEPS: dict[str, Any] = {"epochs": 2, "learning_rate": 0.02, "warmup": 30, "momentum": 0.5}


def test_a_rating_at_a_time_is_what_pytorch_does_with_batches_of_one() -> None:
    settings, loop = {"dim": 5, "l2": 0.2, "bias_l2": 0.1}, {**STEPS, "batch_size": 1}
    ours, records = trained("mf", settings, loop, torch_only=False)
    theirs, twins = trained("mf", settings, loop, torch_only=True)
    assert ours.keys() == theirs.keys()
    for key in ours:
        torch.testing.assert_close(ours[key], theirs[key], rtol=1e-4, atol=1e-5, msg=key)
    for record, twin in zip(records, twins, strict=True):
        assert record.examples == twin.examples
        assert record.loss == pytest.approx(twin.loss, rel=1e-5)


def test_batches_of_pytorch_differ_in_the_second_order_of_the_learning_rate() -> None:
    def apart(rate: float) -> float:
        loop = {**STEPS, "learning_rate": rate, "batch_size": 64}
        ours, theirs = (trained("mf", {"dim": 5}, loop, torch_only=t)[0] for t in (False, True))
        return max(float((ours[key] - theirs[key]).abs().max()) for key in ours)

    assert apart(0.004) < 0.3 * apart(0.016)
    assert apart(0.004) < 0.01


@pytest.mark.parametrize(
    ("name", "batch_size"), [("mf", 1), ("mf", 50), ("mf", 1000), ("neumf", 1500)]
)
def test_two_threads_give_the_bits_of_one(name: str, batch_size: int) -> None:
    runs = [
        trained(name, {}, {**STEPS, "batch_size": batch_size, "threads": n}, torch_only=False)
        for n in (1, 2, 3)
    ]
    for tensors, records in runs[1:]:
        assert all(torch.equal(value, runs[0][0][key]) for key, value in tensors.items())
        assert [r.loss for r in records] == [r.loss for r in runs[0][1]]


@pytest.mark.parametrize(
    ("name", "settings", "loop"),
    [
        ("neumf", {"dropout": 0.1}, {}),
        ("neumf", {"tower": [256, 128]}, {}),
        ("neumf", {}, {"optimizer": "sgd"}),
        ("neumf", {}, {"clip": 1.0}),
        ("neumf", {}, {"precision": "bfloat16"}),
        ("mf", {}, {"optimizer": "adam"}),
        ("mf", {}, {"optimizer": "adagrad"}),
        ("mf", {}, {"embedding_decay": 0.1}),
        ("mf", {}, {"clip": 1.0}),
    ],
)
def test_what_the_loop_does_not_know_is_left_to_pytorch(
    name: str, settings: dict[str, Any], loop: dict[str, Any]
) -> None:
    data = ratings()
    model = build(name, settings, Sizes.of(data))
    assert isinstance(model, Learned)
    config = TrainerConfig(**{**model.defaults, **loop})
    assert Trainer(model, data, config)._compiled is None


@pytest.mark.parametrize("name", ["gmf", "mf"])
def test_without_numba_pytorch_takes_the_steps(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matinee.kernels.available", lambda: False)
    data = ratings()
    model = build(name, {}, Sizes.of(data))
    assert isinstance(model, Learned)
    (record,) = Trainer(model, data, TrainerConfig(epochs=1)).run().records
    assert not record.compiled


@pytest.mark.parametrize(("name", "batch_size", "stop"), [("neumf", 20, 35), ("mf", 8, 14)])
def test_a_checkpoint_is_gone_on_from_in_the_middle_of_an_epoch(
    name: str, batch_size: int, stop: int, tmp_path: Path
) -> None:
    data = ratings()
    whole, cut = (build(name, {}, Sizes.of(data), seed=1) for _ in range(2))
    assert isinstance(whole, Learned)
    assert isinstance(cut, Learned)
    own: dict[str, Any] = {"epochs": 2, "batch_size": batch_size, "checkpoint_every": 7}
    loop = TrainerConfig(**{**whole.defaults, **own})
    expected = Trainer(whole, data, loop).run()
    assert expected.records[0].compiled

    class Stop(Exception):
        pass

    class Cut(Trainer):
        def _save(self) -> None:
            super()._save()
            if self._at.step == stop:
                raise Stop

    with pytest.raises(Stop):
        Cut(cut, data, loop, folder=tmp_path).run()
    again = build(name, {}, Sizes.of(data), seed=5)
    assert isinstance(again, Learned)
    history = Trainer(again, data, loop, folder=tmp_path).run(resume=True)
    assert [r.loss for r in history.records] == [r.loss for r in expected.records]
    for key, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])
