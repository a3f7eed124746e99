"""The page of an exploration: self-contained, escaped, and the same tables as the JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matinee.cli.main import run
from matinee.data.catalogue import Catalogue
from matinee.data.checks import Diagnosis
from matinee.data.interactions import Interactions
from matinee.data.vocabulary import Vocabulary
from matinee.errors import DataError
from matinee.explore.report import page
from matinee.explore.survey import survey_of
from matinee.explore.types import Survey
from support.exploring import HOSTILE, tastes
from support.reading import Reader

SECTIONS = ["sizes", "meaning", "doctor", "ratings", "tail", "time", "genres", "years", "tags"]
SECTIONS += ["together", "segments", "cold_start"]


def written(found: Survey) -> list[list[str]]:
    """The rows that a page should show, from the JSON and the columns' kinds."""
    document = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    rows: list[list[str]] = []
    for section in found.sections:
        tables = document["sections"][section.name]["tables"]
        for exhibit in section.exhibits:
            columns, table = exhibit.table.columns, tables[exhibit.name]
            assert table["says"] == exhibit.says
            if exhibit.chart is not None or len(columns) != 2:
                rows.append(table["columns"])
            rows += [
                [c.text(cell).replace("`", "") for c, cell in zip(columns, row, strict=True)]
                for row in table["rows"]
            ]
    return rows


@pytest.fixture(scope="module")
def hostile(diagnosis: Diagnosis) -> Survey:
    data = tastes((HOSTILE[0], HOSTILE[2]), HOSTILE[1])
    frame = data.catalogue.frame.with_columns(
        genres=pl.Series(
            [[HOSTILE[i % 6], HOSTILE[(i + 1) % 6]] for i in range(len(data.catalogue))]
        )
    )
    return survey_of(
        replace(data, catalogue=Catalogue(frame)), diagnosis, HOSTILE[3] + "?" + HOSTILE[0]
    )


@pytest.fixture(scope="module")
def found(two_tastes: Interactions, diagnosis: Diagnosis) -> Survey:
    return survey_of(two_tastes, diagnosis, "two tastes", seed=4)


@pytest.fixture(scope="module")
def text(found: Survey) -> str:
    return page(found)


class TestPage:
    def test_shows_the_tables_of_the_json(self, found: Survey, text: str) -> None:
        assert Reader(text).rows == written(found)

    def test_hostile_names_are_text(self, hostile: Survey) -> None:
        text = page(hostile)
        reader = Reader(text)
        assert reader.rows == written(hostile)
        assert "script" not in reader.elements
        assert "img" not in reader.elements
        shown = " ".join(cell for row in reader.rows for cell in row)
        assert all(name in shown for name in HOSTILE)

    def test_needs_nothing_but_itself(self, text: str) -> None:
        assert "http" not in text
        assert "@import" not in text
        assert set(re.findall(r"url\((.)", text)) <= {"#"}
        assert set(Reader(text).elements).isdisjoint({"script", "link", "iframe", "object"})

    def test_every_picture_has_a_sentence_and_a_table(self, found: Survey, text: str) -> None:
        reader = Reader(text)
        charts = [e for s in found.sections for e in s.exhibits if e.chart is not None]
        assert len(charts) >= 14
        assert reader.elements["svg"] == reader.elements["details"] == len(charts)
        assert {e.says for e in charts} <= set(reader.texts)

    def test_ids_are_unique(self, text: str) -> None:
        ids = Reader(text).ids
        assert len(ids) == len(set(ids))

    def test_pictures_follow_the_page(self, text: str) -> None:
        pictures = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
        assert not re.findall(r"(?:fill|stroke): #", pictures)
        assert "font-family" not in pictures
        assert "var(--ink)" in pictures
        assert "prefers-color-scheme: dark" in text

    def test_is_the_same_each_time(
        self, two_tastes: Interactions, diagnosis: Diagnosis, text: str
    ) -> None:
        assert page(survey_of(two_tastes, diagnosis, "two tastes", seed=4)) == text


def luminance(colour: str) -> float:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("text", ["ink", "accent", "mid"])
@pytest.mark.parametrize("ground", ["paper"])
def test_text_stands_out_from_its_ground(theme: int, text: str, ground: str) -> None:
    css = files("matinee.exhibits").joinpath("colours.css").read_text(encoding="utf-8")
    colours = [re.findall(rf"--{name}: (#[0-9a-f]{{6}})", css)[theme] for name in (text, ground)]
    low, high = sorted(luminance(colour) for colour in colours)
    assert (high + 0.05) / (low + 0.05) >= 4.5


def bare(n: int = 60) -> Interactions:
    return Interactions.build(np.arange(n) % 10, np.arange(n) // 3)


LACKING: dict[str, Callable[[Interactions], Interactions]] = {
    "no times": lambda d: replace(d, timed=False),
    "no ratings": lambda d: replace(d, explicit=False, ratings=np.ones(len(d), np.float32)),
    "one rating only": lambda d: replace(d, ratings=np.full(len(d), 4, np.float32)),
    "no films": lambda d: replace(d, catalogue=Catalogue.bare(d.catalogue.ids)),
    "no years": lambda d: replace(
        d,
        catalogue=Catalogue(d.catalogue.frame.with_columns(year=pl.lit(None, dtype=pl.Int32))),
    ),
    "one age": lambda d: replace(d, people=pl.DataFrame({"id": list(d.user_ids), "age": 7})),
    "unknown ages": lambda d: replace(
        d, people=pl.DataFrame({"id": list(d.user_ids), "age": pl.Series([None] * d.n_users)})
    ),
    "a single row": lambda d: d.take(np.arange(len(d)) < 1),
    "one person": lambda d: d.take(np.arange(len(d)) < 3),
    "few rows": lambda d: d.take(np.arange(len(d)) % 20 == 0),
}


class TestMissing:
    def test_bare_pairs_say_what_is_missing(self) -> None:
        found = survey_of(bare(), Diagnosis(60, 60), "pairs")
        assert [section.name for section in found.sections] == SECTIONS
        missing = {s.name: s.missing for s in found.sections if s.missing}
        assert set(missing) == {
            "ratings",
            "time",
            "genres",
            "years",
            "tags",
            "together",
            "segments",
            "cold_start",
        }
        text = page(found)
        for sentences in missing.values():
            for sentence in sentences:
                assert sentence in text

    @pytest.mark.parametrize("lacking", LACKING)
    def test_nothing_lacking_stops_it(self, two_tastes: Interactions, lacking: str) -> None:
        found = survey_of(LACKING[lacking](two_tastes), Diagnosis(1, 1), "some")
        assert [section.name for section in found.sections] == SECTIONS
        assert all(s.exhibits or s.missing for s in found.sections)
        json.dumps(found.as_dict(), allow_nan=False)

    @pytest.mark.parametrize("lacking", ["no ratings", "a single row", "one person", "few rows"])
    def test_little_data_can_be_drawn(self, two_tastes: Interactions, lacking: str) -> None:
        found = survey_of(LACKING[lacking](two_tastes), Diagnosis(1, 1), "some")
        assert Reader(page(found)).rows == written(found)

    def test_no_ratings_at_all_is_an_error(self) -> None:
        empty = Interactions.build(
            [], [], user_ids=Vocabulary(["a"]), catalogue=Catalogue.bare(Vocabulary(["x"]))
        )
        with pytest.raises(DataError, match="no ratings to explore"):
            survey_of(empty, Diagnosis(0, 0), "empty")


class TestMeaning:
    def test_follows_the_figures(self, two_tastes: Interactions) -> None:
        told = {row[0]: row[1] for row in _meaning(two_tastes)}
        assert "sequence" not in str(told["density"])
        assert "sitting" in str(told["order"])  # nine ratings, a minute apart
        slow = replace(two_tastes, times=two_tastes.times * 1000)
        assert "recency" in str(dict(_meaning(slow))["order"])
        assert "out of reach" in str(dict(_meaning(replace(two_tastes, timed=False)))["order"])

    def test_every_sentence_but_those_of_absence_has_a_number(
        self, two_tastes: Interactions
    ) -> None:
        assert all(re.search(r"\d", str(row[1])) for row in _meaning(two_tastes))


def _meaning(data: Interactions) -> list[tuple[object, object]]:
    found = survey_of(data, Diagnosis(1, 1), "some")
    return [(row[0], row[1]) for row in found.section("meaning").exhibits[0].table.rows]


class TestCommand:
    @pytest.fixture
    def ratings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        rows = [f"p{u},f{(u * 7 + i) % 11},{1 + (u + i) % 5}" for u in range(12) for i in range(5)]
        file = tmp_path / "mine.csv"
        file.write_text("user,item,rating\n" + "\n".join(rows) + "\n", encoding="utf-8")
        return file

    def test_writes_a_page_and_a_summary(
        self, ratings: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(["explore", str(ratings)]) == 0
        out, err = capsys.readouterr()
        assert "people with ratings" in out
        assert max(map(len, out.splitlines())) <= 100
        assert "explore-mine.html" in err
        assert err.splitlines()[-1].startswith("Next: matinee train")
        assert Path("explore-mine.html").read_text(encoding="utf-8").startswith("<!doctype html>")

    def test_json_is_one_document_and_writes_nothing_unasked(
        self, ratings: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(["explore", str(ratings), "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["report"] is None
        assert list(document["sections"]) == SECTIONS
        assert not list(Path.cwd().glob("*.html"))

    def test_out_makes_its_folder(self, ratings: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["explore", str(ratings), "--json", "--out", "new/page.html"]) == 0
        assert json.loads(capsys.readouterr().out)["report"] == "new/page.html"
        assert Path("new/page.html").is_file()

    def test_a_missing_data_set_is_an_error(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["explore", "no-such-thing", "--json"]) == 1
        assert "error" in json.loads(capsys.readouterr().err)


def test_real_ratings_are_told_as_they_are(datasets: Path) -> None:
    from matinee.explore.survey import survey  # noqa: PLC0415

    found = survey(datasets / "ml-100k")
    sizes = found.section("sizes").figures
    assert (sizes["people"], sizes["films"], sizes["ratings"]) == (943, 1682, 100_000)
    assert found.section("ratings").figures["mean"] == pytest.approx(3.52986)
    assert found.section("tail").figures["gini_films"] == pytest.approx(0.629, abs=0.001)
