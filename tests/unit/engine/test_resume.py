"""A run that was killed ends with the same bits as one that was not."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from matinee.data.interactions import Interactions
from matinee.engine import Trainer, TrainerConfig
from matinee.engine.checkpoint import load_checkpoint, save_checkpoint
from matinee.engine.interrupt import Interruption
from matinee.errors import ConfigError, TrainingError
from matinee.models import Sizes, build
from support import resumable

TESTS = Path(__file__).parents[2]


def run(folder: Path, *, kill_at: int | None = None) -> str | None:
    """Run the program; its digest, or None if it was killed at its `kill_at`-th step."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, TESTS / "support" / "resumable.py", folder],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as lines:
        for number, line in enumerate(lines):
            if not line.startswith("step"):
                assert process.wait() == 0
                return line
            if number == kill_at:
                process.send_signal(signal.SIGKILL)
                process.wait()
                return None
    raise AssertionError("the training failed")


def survives(folder: Path, kills: int, seed: int) -> None:
    """Kill a run at random steps, time and again, and see that it ends as it should."""
    expected = resumable.digest(*resumable.train(None))
    chance = random.Random(seed)
    killed = resumed = 0
    while killed < kills:
        resumed += (folder / "checkpoint" / "last.safetensors").exists()
        ended = run(folder, kill_at=chance.randrange(60))
        if ended is None:
            killed += 1
        else:
            assert ended == expected
            shutil.rmtree(folder)  # it was too quick: start over, to be killed elsewhere
    assert run(folder) == expected
    assert resumed


def test_a_killed_run_resumes_to_the_same_bits(tmp_path: Path) -> None:
    survives(tmp_path / "run", kills=3, seed=1)


@pytest.mark.slow
def test_twenty_kills_change_no_bit(tmp_path: Path) -> None:
    survives(tmp_path / "run", kills=20, seed=2)


def test_every_checkpoint_within_a_run_leads_to_the_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resume from copies of every checkpoint that an uninterrupted run ever wrote."""
    kept: list[Path] = []

    def keep(path: Path, tensors: object, facts: object) -> None:
        save_checkpoint(path, tensors, facts)  # type: ignore[arg-type]
        if path.stem == "last":
            kept.append(tmp_path / f"kept-{len(kept)}" / "checkpoint" / path.name)
            kept[-1].parent.mkdir(parents=True)
            for file in path.parent.glob("*.safetensors"):
                (kept[-1].parent / file.name).write_bytes(file.read_bytes())

    with monkeypatch.context() as patch:
        patch.setattr("matinee.engine.snapshot.save_checkpoint", keep)
        expected = resumable.digest(*resumable.train(tmp_path / "whole"))
    assert len(kept) > 30
    for path in kept[:: len(kept) // 7]:
        assert resumable.digest(*resumable.train(path.parents[1])) == expected


def test_other_settings_or_data_are_not_resumed(tmp_path: Path) -> None:
    data = resumable.likes(resumable.checkerboard())
    other = resumable.likes(resumable.checkerboard(seed=1))

    def trainer(data: Interactions, negatives: int = 4, **changes: object) -> Trainer:
        model = build("gmf", {"negatives": negatives}, Sizes.of(data))
        config = TrainerConfig(epochs=1).updated(changes)
        return Trainer(model, data, config, folder=tmp_path)  # type: ignore[arg-type]

    trainer(data).run()
    with pytest.raises(TrainingError, match="another model, or other settings"):
        trainer(data, negatives=2).run(resume=True)
    with pytest.raises(TrainingError, match="other settings of the training"):
        trainer(data, learning_rate=0.5).run(resume=True)
    with pytest.raises(TrainingError, match="other data"):
        trainer(other).run(resume=True)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, {"weights": torch.arange(8.0)}, {"epoch": 3})
    assert load_checkpoint(path)[1] == {"epoch": 3}
    whole = path.read_bytes()
    path.write_bytes(whole[:-4] + b"\x00\x00\x00\x01")
    with pytest.raises(TrainingError, match="checksum"):
        load_checkpoint(path)
    path.write_bytes(whole[:-4])
    with pytest.raises(TrainingError, match="cannot be read"):
        load_checkpoint(path)
    path.unlink()
    with pytest.raises(TrainingError, match="no checkpoint"):
        load_checkpoint(path)


@pytest.mark.parametrize("after", [3, resumable.LOOP.epochs], ids=["in between", "at the end"])
def test_asked_to_stop_it_leaves_a_checkpoint_and_stops(tmp_path: Path, after: int) -> None:
    expected = resumable.digest(*resumable.train(None))
    calls = 0

    class Stopper:
        def progress(self, progress: object) -> None:
            pass

        def epoch(self, record: object) -> None:
            nonlocal calls
            calls += 1
            if calls == after:
                os.kill(os.getpid(), signal.SIGINT)

    data = resumable.likes(resumable.checkerboard(people=60, films=24))
    model = build("neumf", resumable.SETTINGS, Sizes.of(data), seed=3)
    queries = data.queries()
    trainer = Trainer(
        model,  # type: ignore[arg-type]
        data,
        resumable.LOOP,
        seed=3,
        validate=lambda: {"ndcg@10": float(model.score(queries).double().std())},
        folder=tmp_path,
        watcher=Stopper(),
    )
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    assert signal.getsignal(signal.SIGINT) is before
    assert resumable.digest(*resumable.train(tmp_path)) == expected


def test_an_error_does_not_hide_that_somebody_asked() -> None:
    with pytest.raises(KeyboardInterrupt) as stopped, Interruption():  # noqa: PT012 - all of it
        os.kill(os.getpid(), signal.SIGINT)
        raise ValueError("pruned")
    assert isinstance(stopped.value.__cause__, ValueError)


def test_early_stopping_without_validation_is_refused() -> None:
    data = resumable.likes(resumable.checkerboard())
    with pytest.raises(ConfigError, match="validation"):
        Trainer(build("gmf", {}, Sizes.of(data)), data, TrainerConfig(patience=1))  # type: ignore[arg-type]
