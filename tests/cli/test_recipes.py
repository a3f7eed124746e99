"""`matinee recipes`: the list, the table, the JSON."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from matinee.cli.main import run
from matinee.recipes import names

Command = Callable[..., tuple[int, str, str]]
PROGRAM = "import sys; from matinee.cli.main import run; sys.exit(run(sys.argv[1:]))"

RECIPE = """
title = "Neighbours [of films]"
shows = "That it runs."
source = "Nobody."
data = "sample"
stand_in = "The sample stands in."
model = "popularity"
main = "b"
variants = { a = {}, b = {} }
split = { kind = "stratified" }
outputs = { user = "1", similar = "Heat" }

[metrics."ndcg@10"]
better = "higher"
published = 0.0001

[metrics."map_all@10"]
better = "higher"
bar = 0.9
"""


@pytest.fixture
def matinee(capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(arg) for arg in args])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def test_recipes_alone_lists_them(matinee: Command) -> None:
    code, out, err = matinee("recipes")
    assert code == 0
    assert (code, out, err) == matinee("recipes", "list")
    for name in names():
        assert f"\n{name} " in out
    assert "accuracy 0.1302" in out
    assert max(map(len, out.splitlines())) <= 100
    assert err.splitlines()[-1] == "Next: matinee recipes run NAME"


def test_the_list_as_json(matinee: Command) -> None:
    code, out, err = matinee("recipes", "--json")
    assert (code, err) == (0, "")
    listed = json.loads(out)["recipes"]
    assert [one["name"] for one in listed] == names()
    first = next(one for one in listed if one["name"] == "r1-published")
    assert first["metrics"]["accuracy"]["published"] == 0.1302


def test_a_run_prints_the_table(matinee: Command, recipe: Path, tmp_path: Path) -> None:
    code, out, err = matinee("recipes", "run", recipe, "--out", tmp_path / "out")
    assert code == 0
    assert "mine: Neighbours [of films]; variant b on sample" in out
    assert "The sample stands in." in out
    assert "≥ 0.0001" in out
    assert "reached" in out
    assert "missed by" in out
    assert "Ten films for person 1" in out
    assert "Like Heat, by a" in out
    assert max(map(len, out.splitlines())) <= 100
    assert "b, seed 0" in err
    assert err.splitlines()[-1].startswith("Next: ")


def test_a_run_as_json(matinee: Command, recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, text, err = matinee("recipes", "run", recipe, "--out", out, "--json", "--seeds", 2)
    assert (code, err) == (0, "")
    told = json.loads(text)
    assert told == json.loads((out / "table.json").read_text(encoding="utf-8"))
    assert told["run"] == str(out)
    assert told["seeds"] == [0, 1]
    figure = told["metrics"]["ndcg@10"]
    assert figure["low"] < figure["value"] < figure["high"]
    assert figure["published"] == 0.0001
    assert "published" not in told["metrics"]["map_all@10"]


def test_a_run_goes_into_runs_by_default(
    matinee: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert matinee("recipes", "run", recipe, "-q")[0] == 0
    assert (tmp_path / "runs" / "mine" / "table.json").is_file()


def test_an_unknown_recipe(matinee: Command) -> None:
    code, out, err = matinee("recipes", "run", "r2-publishd")
    assert (code, out) == (1, "")
    assert "Did you mean 'r2-published'?" in err


def test_wrong_usage(matinee: Command) -> None:
    assert matinee("recipes", "run", "r1-best", "--seeds", 0)[0] == 2
    assert matinee("recipes", "fly")[0] == 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "Ctrl-C"])
def test_a_recipe_that_was_killed_goes_on(
    matinee: Command, tmp_path: Path, number: signal.Signals
) -> None:
    trained = '{ model = "gmf", settings = { dim = 4, epochs = 30 } }'
    path, out = tmp_path / "mine.toml", tmp_path / "cut"
    path.write_text(RECIPE.replace("{ a = {}, b = {} }", f"{{ a = {{}}, b = {trained} }}"))
    command = [sys.executable, "-c", PROGRAM, "recipes", "run", path, "--out", out]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if "b, seed 0" in line)
        process.send_signal(number)
        _, told = process.communicate()
    assert process.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    assert number == signal.SIGKILL or "the same command with --resume" in told
    kept = (out / "runs" / "a" / "seed-0" / "model.json").stat().st_mtime_ns
    code, on, _ = matinee("recipes", "run", path, "--out", out, "--resume", "--json")
    assert code == 0
    assert (out / "runs" / "a" / "seed-0" / "model.json").stat().st_mtime_ns == kept
    code, whole, _ = matinee("recipes", "run", path, "--out", tmp_path / "whole", "--json")
    assert code == 0
    assert json.loads(on)["variants"] == json.loads(whole)["variants"]


def test_what_is_no_recipes_folder_is_not_gone_on_with(
    matinee: Command, recipe: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("dear", encoding="utf-8")
    code, out, err = matinee("recipes", "run", recipe, "--out", tmp_path / "other", "--resume")
    assert (code, out) == (1, "")
    assert "left alone" in err
    assert len(err.strip().splitlines()) == 1
