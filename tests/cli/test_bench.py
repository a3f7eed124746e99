"""`matinee bench` and `matinee compare --html` as people use them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from matinee.cli.main import run

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def matinee(capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(arg) for arg in args])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, trained and judged side by side."""
    folder = tmp_path_factory.mktemp("zoo")
    size = ["--users", "60", "--items", "40", "--ratings", "1200"]
    assert run(["data", "simulate", *size, "--out", str(folder / "data")]) == 0
    asked = ["--data", str(folder / "data"), "--model", "popularity", "--model", "ease"]
    assert run(["bench", "zoo", *asked, "--out", str(folder / "zoo")]) == 0
    return folder


def test_the_zoo_leaves_runs_and_pages(matinee: Command, zoo: Path) -> None:
    text = (zoo / "zoo" / "zoo.md").read_text(encoding="utf-8")
    assert f"matinee bench zoo --data {zoo / 'data'} --split leave-last" in text
    assert (zoo / "zoo" / "zoo.html").is_file()
    code, out, err = matinee("bench", "page", zoo / "zoo", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert [one["model"] for one in told["runs"]] == ["ease", "popularity"]
    assert told["failed"] == {}
    assert (zoo / "zoo" / "zoo.md").read_text(encoding="utf-8") == text


def test_compare_writes_a_page(matinee: Command, zoo: Path) -> None:
    runs = [zoo / "zoo" / "ease", zoo / "zoo" / "popularity"]
    code, out, err = matinee("compare", *runs, "--html", zoo / "new" / "page.html", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["report"] == str(zoo / "new" / "page.html")
    assert {test["a"] for test in told["comparisons"]} == {str(runs[0])}
    assert "ease is the best" in (zoo / "new" / "page.html").read_text(encoding="utf-8")


def test_mistakes(matinee: Command, tmp_path: Path) -> None:
    code, _, err = matinee("bench", "zoo", "--model", "eas", "--out", tmp_path / "zoo")
    assert code == 1
    assert "Did you mean 'ease'?" in err
    code, _, err = matinee("bench", "page", tmp_path)
    assert code == 1
    assert "no runs here" in err
