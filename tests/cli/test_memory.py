"""`matinee train` says what memory it expects to take, and refuses what cannot fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from matinee.cli.main import run
from matinee.engine import memory

TRAIN = ("train", "--data", "sample", "--split", "random", "--model", "popularity")


def test_it_says_what_it_expects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*TRAIN, "--out", str(tmp_path / "run")]) == 0
    assert "Training is expected to take" in capsys.readouterr().err


def test_vectors_too_wide_for_any_machine_are_refused_on_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = ["--model", "mf", "--set", "dim=1000000000000", "--out", str(tmp_path / "run")]
    assert run([*TRAIN, *wide]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "training is expected to need" in line
    assert "--no-memory-check" in line
    assert not (tmp_path / "run").exists()


def test_the_check_can_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(memory, "available", lambda *_: 1000)
    out = ["--out", str(tmp_path / "run")]
    assert run([*TRAIN, *out]) == 1
    assert "no more than the 1 kB that are free" in capsys.readouterr().err
    assert run([*TRAIN, *out, "--no-memory-check"]) == 0
    assert run(["train", "--resume", str(tmp_path / "run"), "--no-memory-check"]) == 0
