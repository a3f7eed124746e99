"""People's own exports on the command line."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from matinee.artefact import Artefact
from matinee.cli.main import run

Command = Callable[..., tuple[int, str, str]]
ROWS = (
    "Date,Name,Year,Letterboxd URI,Rating\n"
    "2021-01-02,Alpha,1990,u,4.5\n"
    "2021-01-01,Eta,1996,u,2\n"
    "2021-01-01,Nowhere,1996,u,2\n"
    "2021-01-01,Mu,2001,u,\n"
)


@pytest.fixture
def matinee(capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(arg) for arg in args])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def toy_run(make_run: Callable[..., Artefact], tmp_path: Path) -> Path:
    make_run().save(tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "letterboxd.zip", "w") as packed:
        packed.writestr("ratings.csv", ROWS)
    return tmp_path / "letterboxd.zip"


def test_import_writes_what_matched_and_tells_the_rest(
    matinee: Command, toy_run: Path, export: Path, tmp_path: Path
) -> None:
    out = tmp_path / "me.csv"
    args = ["data", "import", "--from", "letterboxd", export, "--catalogue", toy_run, "--out", out]
    code, told, err = matinee(*args, "--json")
    assert (code, err) == (0, "")
    document = json.loads(told)
    assert (document["rows_in"], document["rows_kept"]) == (4, 2)
    assert document["dropped"] == {"no such film here": 1, "not rated": 1}
    assert [w["line"] for w in document["warnings"]] == [4, 5]
    assert document["warnings"][0]["file"] == f"{export}/ratings.csv"
    assert out.read_text().splitlines() == [
        "user,item,rating,timestamp,title,year",
        "me,106,2,2021-01-01 00:00:00,Eta,1996",
        "me,100,5,2021-01-02 00:00:00,Alpha,1990",
    ]
    code, told, err = matinee(*args)
    assert code == 0
    assert f"2 of 4 rows are in {out}" in " ".join(told.split())
    assert "Nowhere (1996)" in told
    assert err.startswith("Next: matinee recommend")


def test_what_was_imported_is_a_table_of_ratings(
    matinee: Command, toy_run: Path, export: Path, tmp_path: Path
) -> None:
    out = tmp_path / "me.csv"
    matinee("data", "import", export, "--from", "auto", "--catalogue", toy_run, "--out", out)
    told = json.loads(matinee("data", "check", out, "--json")[1])
    assert (told["rows_in"], told["rows_kept"]) == (2, 2)
    direct, indirect = (
        json.loads(matinee("recommend", toy_run, "--ratings", file, "--json")[1])["items"]
        for file in (export, out)
    )
    assert direct == indirect


def test_recommend_takes_an_export(matinee: Command, toy_run: Path, export: Path) -> None:
    args = ["recommend", toy_run, "--ratings", export, "-k", 3]
    code, out, err = matinee(*args, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert list(document) == ["run", "model", "fallback", "items", "ratings"]
    assert {item["title"] for item in document["items"]}.isdisjoint({"Alpha", "Eta"})
    assert document["ratings"]["rows_kept"] == 2
    code, out, err = matinee(*args)
    assert code == 0
    assert "Nowhere" not in out
    assert "Warning: 2 of 4 rows were left out: no such film here 1, not rated 1" in err
    assert "line 4: Nowhere (1996): no such film here" in err
    assert "Warning: 2 of 4 rows were left out" in matinee(*args, "-q")[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title,rating\nNowhere,5\nNobody,3\n", "none of the 2 rows is a rating of a film"),
        ("title,rating\nAlpha,9\n", "rating off the scale"),
        ("a,b\n1,2\n", "these are not the columns of"),
        ("", "the file is empty"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_writes_nothing(
    matinee: Command, toy_run: Path, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "mine.csv").write_text(text)
    imported = ["data", "import", tmp_path / "mine.csv", "--from", "auto", "--catalogue", toy_run]
    for args in (
        ["recommend", toy_run, "--ratings", tmp_path / "mine.csv"],
        [*imported, "--out", tmp_path / "out.csv"],
    ):
        code, out, err = matinee(*args)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert message in err
        assert "mine.csv" in err
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["a.csv", "--from", "auto"], "--from SITE and --catalogue RUN_OR_DATA go together"),
        (["a.csv", "--catalogue", "x"], "--from SITE and --catalogue RUN_OR_DATA go together"),
        (["a", "b", "--from", "auto", "--catalogue", "x"], "--from takes one FILE"),
        (["a", "--from", "auto", "--catalogue", "x", "--scale", "1..5"], "neither --column"),
    ],
)
def test_wrong_usage(matinee: Command, args: list[str], text: str, tmp_path: Path) -> None:
    code, _, err = matinee("data", "import", *args, "--out", tmp_path / "out.csv")
    assert code == 2
    assert text in err
