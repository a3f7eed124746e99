"""The training loop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from matinee.data.interactions import Interactions
from matinee.engine import History, Progress, Record, Trainer, TrainerConfig, fit
from matinee.errors import ConfigError, TrainingError
from matinee.models import Learned, Sizes, build
from support.boards import checkerboard, likes


@pytest.fixture
def data() -> Interactions:
    return likes(checkerboard())


def model_for(data: Interactions, name: str = "gmf", **config: Any) -> Learned:
    model = build(name, config, Sizes.of(data))
    assert isinstance(model, Learned)
    return model


def test_the_loss_falls_and_every_epoch_is_recorded(data: Interactions) -> None:
    config = TrainerConfig(epochs=8, batch_size=64, learning_rate=0.02)
    history = fit(model_for(data), data, config)
    losses = [record.loss for record in history.records]
    assert [record.epoch for record in history.records] == list(range(1, 9))
    assert losses[-1] < 0.8 * losses[0]
    assert all(record.examples == len(data) * 5 for record in history.records)


def test_nothing_to_train_on_is_refused(data: Interactions) -> None:
    with pytest.raises(TrainingError, match="no ratings to train on"):
        fit(model_for(data), data.take(data.users < 0), TrainerConfig(epochs=1))


def test_the_best_epoch_is_kept_and_patience_ends_the_run(data: Interactions) -> None:
    model = model_for(data)
    seen: list[torch.Tensor] = []
    told = iter([0.1, 0.3, 0.2, 0.3, 0.25, 0.9])

    def validate() -> dict[str, float]:
        seen.append(model.items.weight.detach().clone())
        return {"ndcg@10": next(told)}

    config = TrainerConfig(epochs=6, batch_size=64, patience=3)
    history = fit(model, data, config, validate=validate)
    assert len(history.records) == 5
    assert history.stopped == "no better for 3 validations"
    assert history.best is not None
    assert history.best.epoch == 2
    assert torch.equal(model.items.weight, seen[1])


def test_for_an_error_less_is_better(data: Interactions) -> None:
    told = iter([0.9, 0.8, 0.85])
    config = TrainerConfig(epochs=3, monitor="rmse")
    history = fit(model_for(data), data, config, validate=lambda: {"rmse": next(told)})
    assert history.best is not None
    assert history.best.epoch == 2


def test_validation_comes_when_asked_and_at_the_end(data: Interactions) -> None:
    config = TrainerConfig(epochs=5, batch_size=512, validate_every=2)
    history = fit(model_for(data), data, config, validate=lambda: {"ndcg@10": 0.5})
    assert [r.epoch for r in history.records if r.metrics] == [2, 4, 5]


def test_an_unknown_monitor_is_refused_with_what_there_is(data: Interactions) -> None:
    config = TrainerConfig(epochs=1, monitor="ndgc@10")
    with pytest.raises(ConfigError, match="one of ndcg@10"):
        fit(model_for(data), data, config, validate=lambda: {"ndcg@10": 0.5})


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_state(
    data: Interactions, tmp_path: Path
) -> None:
    for folder in (None, tmp_path):
        model = model_for(data)
        good: list[torch.Tensor] = []

        def validate(model: Learned = model, good: list[torch.Tensor] = good) -> dict[str, float]:
            good.append(model.items.weight.detach().clone())
            if len(good) == 2:
                model.out.bias.data.fill_(torch.nan)
            return {"ndcg@10": 0.5}

        trainer = Trainer(
            model, data, TrainerConfig(epochs=5, batch_size=64), validate=validate, folder=folder
        )
        with pytest.raises(TrainingError, match="epoch 3") as error:
            trainer.run()
        assert "learning_rate" in str(error.value)
        assert torch.equal(model.items.weight, good[1])
        assert torch.isfinite(model.out.bias).all()


def test_metrics_are_written_as_json_lines(data: Interactions, tmp_path: Path) -> None:
    config = TrainerConfig(epochs=3, batch_size=512)
    history = fit(model_for(data), data, config, folder=tmp_path, validate=lambda: {"ndcg@10": 0.5})
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [Record(**line) for line in lines] == history.records


def test_progress_tells_where_it_is(data: Interactions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matinee.engine.trainer.LOOK_EVERY", 0.0)
    told: list[Progress] = []

    class Watcher:
        def progress(self, progress: Progress) -> None:
            told.append(progress)

        def epoch(self, record: Record) -> None:
            assert record.epoch == told[-1].epoch

    fit(model_for(data), data, TrainerConfig(epochs=2, batch_size=64), watcher=Watcher())
    assert told[0].epoch == 1
    assert told[-1].step == told[-1].steps
    assert told[-1].remaining == 0.0
    assert all(p.rate > 0 and p.loss > 0 for p in told)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "adagrad"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_optimizer_and_precision_learns(
    data: Interactions, optimizer: str, precision: str
) -> None:
    config = TrainerConfig(
        epochs=6,
        batch_size=64,
        learning_rate={"adam": 0.02, "sgd": 0.3, "adagrad": 0.1}[optimizer],
        optimizer=optimizer,
        precision=precision,
    )
    history = fit(model_for(data, "neumf", dim=4, tower=(16, 8)), data, config)
    assert history.records[-1].loss < 0.98 * history.records[0].loss


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what the compiler says to itself
def test_a_compiled_model_learns_the_same(data: Interactions) -> None:
    def losses(compiled: bool) -> list[float]:
        config = TrainerConfig(epochs=3, batch_size=64, compile=compiled)
        history = fit(model_for(data, "neumf", dim=4, tower=(16, 8)), data, config)
        return [record.loss for record in history.records]

    assert losses(True) == pytest.approx(losses(False), rel=1e-4)


def test_pretraining_trains_the_branches_and_starts_from_them(
    data: Interactions, tmp_path: Path
) -> None:
    settings = {"dim": 4, "tower": (8, 4), "pretrain": True, "alpha": 0.25}
    model = model_for(data, "neumf", **settings)
    branches = model.pretraining()
    for branch in branches.values():
        fit(branch, data, TrainerConfig(epochs=2, batch_size=256))
    model.adopt(branches, data)
    gmf, mlp = branches["gmf"], branches["mlp"]
    queries = data.queries()
    joined = 0.25 * gmf.score(queries) + 0.75 * mlp.score(queries)
    torch.testing.assert_close(model.score(queries), joined, rtol=1e-4, atol=1e-5)
    whole = model_for(data, "neumf", **settings)
    loop = TrainerConfig(epochs=2, batch_size=256, patience=1)  # which the branches do without
    fit(whole, data, loop, folder=tmp_path, validate=lambda: {"ndcg@10": 0.5})
    assert (tmp_path / "pretraining" / "gmf" / "metrics.jsonl").exists()


def test_a_missing_device_is_one_clear_line(data: Interactions) -> None:
    with pytest.raises(ConfigError, match="auto, cpu or cuda"):
        fit(model_for(data), data, TrainerConfig(device="abacus"))


def test_a_history_survives_a_round_trip() -> None:
    record = Record(1, 0.5, 0.01, 100, 2.0, {"ndcg@10": 0.3})
    history = History("ndcg@10", [record], "enough")
    assert History.from_dict(json.loads(json.dumps(history.as_dict()))) == history
