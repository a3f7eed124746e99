"""`matinee tune` as people use it: answers, mistakes, kills."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from matinee.cli.main import run

Command = Callable[..., tuple[int, str, str]]
PROGRAM = "import sys; from matinee.cli.main import run; sys.exit(run(sys.argv[1:]))"


@pytest.fixture
def matinee(capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(arg) for arg in args])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("world") / "data"
    size = ["--users", "60", "--items", "40", "--ratings", "1200"]
    assert run(["data", "simulate", *size, "--out", str(folder)]) == 0
    return str(folder)


def asked(world: str, *more: str) -> list[str]:
    return ["--model", "gmf", "--data", world, "--split", "leave-last", *more]


def test_answers_with_the_best(matinee: Command, world: str, tmp_path: Path) -> None:
    study = tmp_path / "study"
    options = ["--set", "epochs=1", "--search", "dim=2..8", "--trials", 3, "--out", study]
    code, out, err = matinee("tune", *asked(world), *options)
    assert code == 0
    assert "on the validation part; the defaults" in out
    assert "3 trials, 0 of them given up" in out
    assert max(map(len, out.splitlines())) <= 100
    assert err.count("trial ") == 3
    assert f"matinee train --config {study / 'best.toml'}" in err.splitlines()[-1]
    assert (study / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    code, out, err = matinee("tune", "--resume", study, "--trials", 4, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["trials"] == 4
    assert told["best"]["value"] >= told["defaults"]["value"]
    assert told["metric"] == "ndcg@10"


def test_a_recipe(matinee: Command, world: str, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        f'title = "t"\nshows = "s"\nsource = "n"\nmodel = "ease"\ndata = "{world}"\n'
        'split = { kind = "leave-last" }\nmetrics = { "mrr@5" = { better = "higher" } }\n',
        encoding="utf-8",
    )
    study = tmp_path / "study"
    code, out, err = matinee("tune", recipe, "--trials", 2, "--out", study)
    assert code == 0
    assert out.splitlines()[1].startswith("mrr@5 0.")
    assert f"matinee recipes run {study / 'recipe.toml'}" in err.splitlines()[-1]
    code, _, _ = matinee("recipes", "run", study / "recipe.toml", "--out", tmp_path / "out", "-q")
    assert code == 0


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["--data", "sample", "--split", "random"], 2, "say which model"),
        (["--model", "eas", "--data", "sample", "--split", "random"], 1, "Did you mean 'ease'?"),
        (["r2-bets"], 1, "Did you mean 'r2-best'?"),
        (["r2-best", "--variant", "ordr"], 1, "Did you mean 'order'?"),
        (["r2-best"], 2, "say which variant: --variant order|blend"),
        (["r2-best", "--split", "random"], 2, "says itself"),
        (["--resume", "x", "--model", "ease"], 2, "--resume takes no other"),
        (["--resume", "no-such-study"], 1, "not the folder of a study"),
        (["--model", "ease", "--data", "sample", "--split", "random", "--pruner", "x"], 1, "'x'"),
        (["--model", "ease", "--variant", "x"], 2, "one of a recipe's"),
    ],
)
def test_mistakes(matinee: Command, args: list[str], code: int, told: str) -> None:
    found, out, err = matinee("tune", *args)
    assert (found, out) == (code, "")
    assert told in err
    assert len(err.strip().splitlines()) == 1


def test_another_model_in_the_folder_of_a_study(
    matinee: Command, world: str, tmp_path: Path
) -> None:
    study = ["--data", world, "--split", "leave-last", "--trials", "1"]
    study += ["--out", str(tmp_path / "study")]
    assert matinee("tune", "--model", "ease", *study)[0] == 0
    code, _, err = matinee("tune", "--model", "itemknn", *study)
    assert code == 1
    assert "another model: ease, not itemknn" in err


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "Ctrl-C"])
def test_a_killed_study_goes_on_as_if_nothing_had_been(
    matinee: Command, world: str, tmp_path: Path, number: signal.Signals
) -> None:
    options = ["--search", "dim=2..8", "--search", "learning_rate", "--set", "epochs=40"]
    options += ["--trials", "4", "--json"]
    code, whole, _ = matinee("tune", *asked(world, *options), "--out", tmp_path / "whole")
    assert code == 0
    cut = tmp_path / "cut"
    command = [sys.executable, "-c", PROGRAM, "tune", *asked(world, *options), "-v"]
    with subprocess.Popen(
        [*command, "--out", str(cut)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("trial 1:"):
                process.send_signal(number)
                break
        process.communicate()
    assert process.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    code, on, _ = matinee("tune", "--resume", cut, "--trials", 4, "--json")
    assert code == 0
    told = [json.loads(text) for text in (whole, on)]
    for document in told:
        for name in ("study", "seconds", "config", "report"):
            document.pop(name)
        for trial in (document["best"], document["defaults"]):
            del trial["seconds"], trial["number"]
    assert told[0] == told[1]
