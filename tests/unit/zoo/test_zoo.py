"""The zoo: what is trained and what is not, and the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from matinee import experiment
from matinee.comparison import Compared
from matinee.errors import ArtefactError, ConfigError
from matinee.models import MODELS
from matinee.recipes import recipe_of
from matinee.zoo import Bar, Zoo, found, reached, read_bars, specs, train_all, write_pages
from support.boards import checkerboard

PROTOCOL: dict[str, Any] = {"split": "stratified", "valid": 0.2, "seed": 1}


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> str:
    data = checkerboard()
    rows = zip(data.users, data.items, data.ratings, data.times, strict=True)
    path = tmp_path_factory.mktemp("board") / "ratings.csv"
    text = "\n".join(f"p{u},f{i},{r},{t}" for u, i, r, t in rows)
    path.write_text(f"user,item,rating,timestamp\n{text}\n", encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def trained(board: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Zoo]:
    folder = tmp_path_factory.mktemp("zoo")
    wanted = specs({**PROTOCOL, "data": board}, ["popularity", "ease", "gmf", "genre-mean"])
    wanted["gmf"] = wanted["gmf"].updated({"settings": {"epochs": 2, "batch_size": 64}})
    wanted["none"] = wanted["ease"].updated({"data": "no-such-data"})
    return folder, train_all(wanted, folder)


def test_all_models_by_default(board: str) -> None:
    assert list(specs({**PROTOCOL, "data": board})) == list(MODELS)


def test_a_model_that_cannot_be_trained_stops_no_other(trained: tuple[Path, Zoo]) -> None:
    folder, zoo = trained
    assert {"popularity", "ease", "gmf"} <= set(zoo.runs)
    assert "no-such-data" in zoo.failures["none"]
    assert found(folder).failures.keys() == zoo.failures.keys()
    assert found(folder).runs.keys() == zoo.runs.keys()


def test_what_is_there_is_kept_and_what_was_cut_short_goes_on(
    trained: tuple[Path, Zoo], board: str, tmp_path: Path
) -> None:
    wanted = specs({**PROTOCOL, "data": board}, ["popularity"])
    said: list[str] = []
    train_all(wanted, tmp_path / "zoo", said.append)
    before = (tmp_path / "zoo" / "popularity" / "model.json").stat().st_mtime_ns
    train_all(wanted, tmp_path / "zoo", said.append)
    assert (tmp_path / "zoo" / "popularity" / "model.json").stat().st_mtime_ns == before
    (tmp_path / "zoo" / "popularity" / "model.json").unlink()
    train_all(wanted, tmp_path / "zoo", said.append)
    assert said == ["popularity: trained", "popularity: is there", "popularity: trained"]


def test_settings_of_studies(board: str, tmp_path: Path) -> None:
    protocol = {**PROTOCOL, "data": board}
    study = tmp_path / "ease"
    study.mkdir()
    told = f'model = "ease"\ndata = "{board}"\nsplit = "stratified"\nvalid = 0.2\nseed = 1\n'
    (study / "best.toml").write_text(told + "[settings]\nl2 = 7.5\n", encoding="utf-8")
    wanted = specs(protocol, ["ease", "popularity"], tmp_path)
    assert wanted["ease"].settings == {"l2": 7.5}
    assert wanted["popularity"].settings == {}
    with pytest.raises(ConfigError, match="other data or another split"):
        specs({**protocol, "seed": 2}, ["ease"], tmp_path)
    with pytest.raises(ConfigError, match="no study of any"):
        specs(protocol, ["popularity"], tmp_path)


def test_the_variants_of_a_recipe_are_a_zoo(trained: tuple[Path, Zoo], tmp_path: Path) -> None:
    for variant, seed in (("popularity", 9), ("popularity", 10), ("ease", 9)):
        copytree(trained[0] / variant, tmp_path / "runs" / variant / f"seed-{seed}")
    zoo = found(tmp_path)
    assert zoo.together
    assert not found(trained[0]).together
    assert zoo.runs == {
        variant: tmp_path / "runs" / variant / "seed-9" for variant in ("ease", "popularity")
    }


def test_a_folder_tells_which_recipe_it_is_of(tmp_path: Path) -> None:
    assert recipe_of(tmp_path) is None
    (tmp_path / "recipe.json").write_text('{"name": "zoo-next"}', encoding="utf-8")
    assert recipe_of(tmp_path) == "zoo-next"
    for broken in ("{", "[]", "{}"):
        (tmp_path / "recipe.json").write_text(broken, encoding="utf-8")
        with pytest.raises(ArtefactError, match=r"recipe\.json: .* which recipe was run"):
            recipe_of(tmp_path)


def test_a_folder_without_runs_is_no_zoo(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="no runs here"):
        found(tmp_path)


class TestBars:
    def bar(self, **other: Any) -> Bar:
        given = {"task": "t", "metric": "ndcg@10", "aim": 0.3, "run": "a/b", "command": "c"}
        return Bar.parse({**given, **other})

    def test_those_that_come_along_can_be_read(self) -> None:
        bars = read_bars()
        assert len(bars) >= 10
        assert all(bar.command.startswith("matinee ") for bar in bars)

    @pytest.mark.parametrize("name", ["table.json", "model.json"])
    def test_what_a_recipe_or_a_run_reached(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "a" / "b").mkdir(parents=True)
        figure = {"value": 0.35, "low": 0.33, "high": 0.37}
        document = {"metrics": {"ndcg@10": figure, "rmse": {"value": 0.9}}, "seconds": 4.0}
        (tmp_path / "a" / "b" / name).write_text(json.dumps(document), encoding="utf-8")
        assert reached(self.bar(), tmp_path).verdict == "reached"
        assert reached(self.bar(), tmp_path).seconds == 4.0
        assert reached(self.bar(aim=0.4), tmp_path).verdict == "missed by 0.0500"
        assert reached(self.bar(metric="rmse", aim=0.95), tmp_path).verdict == "reached"
        assert reached(self.bar(metric="rmse", aim=0.85), tmp_path).verdict == "missed by 0.0500"
        assert reached(self.bar(metric="mae"), tmp_path).verdict == "not measured"

    def test_nothing_there(self, tmp_path: Path) -> None:
        assert reached(self.bar(), tmp_path).verdict == "not measured"

    @pytest.mark.parametrize("text", ["{", "[]", "{}", '{"metrics": {"ndcg@10": 3}}'])
    def test_what_tells_no_figures_is_named(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a" / "b" / "table.json").write_text(text, encoding="utf-8")
        with pytest.raises(ArtefactError, match=r"table\.json.*figures of a run"):
            reached(self.bar(), tmp_path)


@pytest.fixture(scope="module")
def written(
    trained: tuple[Path, Zoo], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Compared, str, Path]:
    out = tmp_path_factory.mktemp("pages")
    compared = write_pages(
        trained[1],
        markdown=out / "zoo.md",
        html=out / "zoo.html",
        command="matinee bench zoo | more",
        runs=trained[0],
    )
    return compared, (out / "zoo.md").read_text(encoding="utf-8"), out


class TestPages:
    def test_tells_every_model_with_its_figure(self, written: tuple[Compared, str, Path]) -> None:
        compared, text, _ = written
        for run in compared.ranked:
            value = run.report.metrics[compared.primary].value
            assert re.search(rf"\| `{run.label}` \| {value:.4f} \[", text)
        assert "matinee bench zoo | more" in text
        assert "`none`" in text.split("## Not trained")[1]

    def test_tells_who_loses_to_whom(self, written: tuple[Compared, str, Path]) -> None:
        compared, text, _ = written
        values = {run.label: run.report.metrics["ndcg@10"].value for run in compared.ranked}
        losers = text.split("## Where a model loses")[1].split("\n## ")[0]
        for model in set(values) - {"popularity", "ease"}:
            for simple in ("popularity", "ease"):
                told = f"| `{model}` | `{simple}` |" in losers
                assert told == (values[model] < values[simple])

    def test_tells_the_bars(self, written: tuple[Compared, str, Path]) -> None:
        _, text, _ = written
        assert text.count("**not measured**") == len(read_bars())

    def test_tables_are_whole(self, written: tuple[Compared, str, Path]) -> None:
        _, text, _ = written
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
            assert len(widths) == 1

    def test_the_picture_and_the_other_page_are_there(
        self, written: tuple[Compared, str, Path]
    ) -> None:
        _, text, out = written
        assert "](zoo.png)" in text
        assert (out / "zoo.png").read_bytes().startswith(b"\x89PNG")
        assert (out / "zoo.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_each_tells_its_own_memory(trained: tuple[Path, Zoo]) -> None:
    peaks = [
        json.loads((run / "model.json").read_text(encoding="utf-8"))["peak_mb"]
        for run in trained[1].runs.values()
    ]
    assert all(peak > 0 for peak in peaks)
    assert experiment.read_spec(trained[1].runs["ease"]).model == "ease"
