"""Recipes run the whole way: one seed, several, choice, refit, outputs, refusal."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from scipy import stats

from matinee.artefact import Artefact
from matinee.engine import Progress, Record
from matinee.errors import ArtefactError, ConfigError
from matinee.evaluation import Estimate
from matinee.experiment import read_spec
from matinee.models.ncf import GMF, GMFConfig
from matinee.recipes import Outcome, Recipe, run
from matinee.recipes.results import over_seeds
from matinee.splits import load_split

RECIPE: dict[str, Any] = {
    "name": "small",
    "title": "Small",
    "shows": "That it runs.",
    "source": "Nobody.",
    "stand_in": "The real thing is not at hand.",
    "split": {"kind": "chronological", "valid": 0.2, "seen_films": True},
    "model": "gmf",
    "settings": {"dim": 4, "epochs": 3, "batch_size": 256, "learning_rate": 0.05},
    "metrics": {
        "ndcg@10": {"better": "higher", "published": 0.01, "bar": 0.02},
        "map_all@10": {"better": "higher", "published": 1.0},
    },
}


@pytest.fixture(scope="session")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two tastes with times, films of even number liked better: a CSV file."""
    rng = np.random.default_rng(0)
    rows = ["userId,movieId,rating,timestamp"]
    for user in range(40):
        own = np.arange(30) + 30 * (user % 2)
        for step, item in enumerate(rng.choice(own, 16, replace=False)):
            rows.append(f"{user + 1},{item + 1},{3 + 2 * (item % 2)},{1000 * user + step}")
    path = tmp_path_factory.mktemp("recipes") / "ratings.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


def made(ratings: str, **changes: Any) -> Recipe:
    return Recipe.parse(RECIPE | {"data": ratings} | changes)


def figures(outcome: Outcome) -> dict[str, Estimate]:
    return {row.metric: row.ours for row in outcome.rows}


def test_one_seed_gives_identical_figures_twice(ratings: str, tmp_path: Path) -> None:
    first = run(made(ratings), tmp_path / "a")
    assert figures(first) == figures(run(made(ratings), tmp_path / "b"))
    assert figures(first) != figures(run(made(ratings), tmp_path / "a", seed=1))


def test_the_table_says_what_is_reached(ratings: str, tmp_path: Path) -> None:
    outcome = run(made(ratings), tmp_path / "out")
    told = json.loads((tmp_path / "out" / "table.json").read_text(encoding="utf-8"))
    assert told["metrics"]["ndcg@10"]["published"] == 0.01
    assert told["metrics"]["ndcg@10"]["verdict"] == "reached"
    assert told["metrics"]["map_all@10"]["verdict"].startswith("missed by 0.")
    assert told["reached"] is outcome.reached is False
    assert told["notice"] == "The real thing is not at hand."
    assert "one seed" in told["interval"]
    keys = {"run", "model", "data", "split", "seed", "metrics", "seconds", "peak_mb"}
    assert keys <= set(told)
    card = (tmp_path / "out" / "card.md").read_text(encoding="utf-8")
    assert "The real thing is not at hand." in card
    assert f"| {outcome.rows[0].ours.value:.4f} |" in card


def test_figures_are_those_of_the_run_itself(ratings: str, tmp_path: Path) -> None:
    outcome = run(made(ratings), tmp_path / "out")
    facts = Artefact.load(outcome.trials[0].run).facts
    assert figures(outcome)["ndcg@10"].value == facts.metrics["ndcg@10"].value
    assert facts.split.arguments["seen_films"] is True


def test_seeds_are_averaged_and_three_give_an_interval_over_seeds(
    ratings: str, tmp_path: Path
) -> None:
    outcome = run(made(ratings), tmp_path / "out", seeds=3, seed=5)
    values = [t.metrics["ndcg@10"].value for t in outcome.trials]
    assert [t.seed for t in outcome.trials] == [5, 6, 7]
    found = figures(outcome)["ndcg@10"]
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(values), low, high))
    assert "over seeds" in outcome.interval


def test_two_seeds_average_the_intervals_over_people() -> None:
    runs = [{"rmse": Estimate(1.0, 0.5, 2.0)}, {"rmse": Estimate(2.0, 1.5, 4.0)}]
    assert over_seeds(runs) == {"rmse": Estimate(1.5, 1.0, 3.0)}


def test_the_validation_part_chooses_and_is_then_trained_on(ratings: str, tmp_path: Path) -> None:
    variants = {"still": {"settings": {"learning_rate": 1e-9}}, "learning": {}}
    recipe = made(ratings, variants=variants, choose="ndcg@10", refit=True)
    told: list[str] = []
    outcome = run(recipe, tmp_path / "out", tell=told.append)
    assert outcome.variant == "learning"
    assert outcome.valid["learning"] > outcome.valid["still"]
    head, rows = outcome.compared()
    assert head[-1] == "validation ndcg@10"
    assert [row[0] for row in rows] == ["still", "learning"]
    assert rows[1][-1] == f"{outcome.valid['learning']:.4f}"
    assert told == [
        "still, seed 0",
        "learning, seed 0",
        "learning, seed 0, with the validation part",
    ]
    before, after = (
        tmp_path / "out" / "runs" / name / "seed-0" for name in ("learning", "learning-refit")
    )
    best = Artefact.load(before).facts.trainer["best_epoch"]
    assert outcome.trials[0].run == str(after)
    spec = read_spec(after)
    assert (spec.valid, spec.settings["epochs"]) == (0.0, best)
    assert Artefact.load(after).facts.split.digest != Artefact.load(before).facts.split.digest


def test_a_variant_may_have_a_published_figure_of_its_own(ratings: str, tmp_path: Path) -> None:
    variants = {"a": {"published": {"ndcg@10": 0.25}}, "b": {}, "c": {}}
    outcome = run(made(ratings, variants=variants, main="b"), tmp_path / "out")
    head, rows = outcome.compared()
    assert head == ["variant", "ndcg@10, published", "ndcg@10", "map_all@10"]
    assert [row[:2] for row in rows] == [["a", "0.2500"], ["b", "0.0100"], ["c", ""]]
    told = json.loads((tmp_path / "out" / "table.json").read_text(encoding="utf-8"))["variants"]
    assert [told[name]["ndcg@10"].get("published") for name in "abc"] == [0.25, 0.01, None]
    assert "| a | 0.2500 |" in (tmp_path / "out" / "card.md").read_text(encoding="utf-8")


def test_a_tradeoff_is_drawn(ratings: str, tmp_path: Path) -> None:
    variants = {"a": {}, "b": {"settings": {"dim": 2}}}
    for metrics, panels in ((["ndcg@10", "map_all@10"], 1), (["ndcg@10"] + ["map_all@10"] * 2, 2)):
        recipe = made(ratings, variants=variants, main="a", outputs={"tradeoff": metrics})
        run(recipe, tmp_path / "out")
        assert width(tmp_path / "out" / "tradeoff.png") == 630 * panels
    run(made(ratings), tmp_path / "out")
    assert not (tmp_path / "out" / "tradeoff.png").exists()


def width(picture: Path) -> int:
    """In pixels, from the header of a PNG."""
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(head[16:20], "big")


def test_a_metric_to_be_kept_low_chooses_the_lowest(ratings: str, tmp_path: Path) -> None:
    recipe = made(
        ratings,
        split={"kind": "random", "valid": 0.2},
        model="mf",
        settings={"epochs": 10, "learning_rate": 0.05},
        variants={"good": {}, "bad": {"settings": {"learning_rate": 1e-9}}},
        metrics={"rmse": {"better": "lower"}},
        choose="rmse",
    )
    outcome = run(recipe, tmp_path / "out")
    values = {name: found["rmse"].value for name, found in outcome.variants.items()}
    assert outcome.variant == min(values, key=values.__getitem__) == "good"


def test_outputs_are_written(ratings: str, tmp_path: Path) -> None:
    wanted = {"user": "3", "similar": "5", "scores": True, "splits": True, "leave_one_out": 7}
    out = tmp_path / "out"
    outcome = run(made(ratings, outputs=wanted), out)
    split, second = load_split(out / "split"), load_split(out / "leave-one-out")
    assert (out / "split" / "train.csv").is_file()
    assert split.digest == Artefact.load(outcome.trials[0].run).facts.split.digest
    assert second.test.candidates is not None
    assert len(second.test.held_out) == len(split.test.users)
    assert (second.test.candidates >= 0).sum(1).tolist() == [8] * len(split.test.users)
    assert set(outcome.second) == {"hit_rate@10", "ndcg@10"}
    scores = pl.read_parquet(out / "scores.parquet")
    assert scores.columns == ["userID", "itemID", "prediction"]
    assert scores.height == 40 * split.train.n_items - len(split.train)
    trained = pl.read_csv(out / "split" / "train.csv", infer_schema=False)
    assert scores.join(trained, left_on=["userID", "itemID"], right_on=["user", "item"]).is_empty()
    assert outcome.listed is not None
    assert len(outcome.listed.items) == 10
    assert set(outcome.similar) == {"gmf"}
    assert (out / "loss.png").is_file()


def test_scores_are_the_models_best_first(ratings: str, tmp_path: Path) -> None:
    outcome = run(made(ratings, outputs={"scores": True, "splits": True}), tmp_path / "out")
    artefact = Artefact.load(outcome.trials[0].run)
    train = load_split(tmp_path / "out" / "split").train
    mine = pl.read_parquet(tmp_path / "out" / "scores.parquet").filter(pl.col("userID") == "7")
    user = train.user_ids.find("7")
    scores = artefact.model.score(train.queries(np.array([user])))[0].numpy()
    items = [train.catalogue.ids.find(item) for item in mine["itemID"]]
    np.testing.assert_allclose(mine["prediction"].to_numpy(), scores[items], rtol=1e-5)
    assert mine["prediction"].is_sorted(descending=True)


def test_likes_are_told_from_the_mean(ratings: str, tmp_path: Path) -> None:
    recipe = made(
        ratings,
        model="mf",
        settings={"epochs": 1},
        like_at="mean",
        metrics={"like_accuracy": {"better": "higher"}},
    )
    run(recipe, tmp_path / "out")
    table = pl.read_csv(tmp_path / "out" / "like-confusion.csv")
    held_out = 40 * 4
    assert table.select("dislike", "like").to_numpy().sum() == held_out
    assert (tmp_path / "out" / "confusion.csv").is_file()


def test_other_data_are_told(ratings: str, tmp_path: Path) -> None:
    outcome = run(made(ratings).updated({"data": "ml-20m"}), tmp_path / "out", data=ratings)
    assert outcome.notice.startswith(f"Run on {ratings} instead of ml-20m")


class Regularised(GMFConfig):
    """Settings of a later version, whose default is another."""

    l2: float = 0.01


class TestGoingOn:
    VARIANTS: ClassVar[dict[str, Any]] = {"a": {}, "b": {"settings": {"dim": 2}}}

    def test_what_is_finished_is_kept_and_the_rest_trained(
        self, ratings: str, tmp_path: Path
    ) -> None:
        out, later = tmp_path / "out", {"b": {"settings": {"dim": 3}}, "c": {}}
        first = run(made(ratings, variants=self.VARIANTS | {"d": {}}, main="a"), out)
        before = {name: made_when(out, name) for name in ("a", "b")}
        recipe = made(ratings, variants=self.VARIANTS | later, main="a")
        second = run(recipe, out, resume=True)
        assert made_when(out, "a") == before["a"]
        assert made_when(out, "b") != before["b"]  # its settings are others now
        assert {path.name for path in (out / "runs").iterdir()} == {"a", "b", "c"}
        assert figures(second) == figures(first)
        assert second.variants == run(recipe, tmp_path / "fresh").variants

    def test_what_was_kept_counts_with_the_seconds_it_took(
        self, ratings: str, tmp_path: Path
    ) -> None:
        recipe = made(ratings, variants=self.VARIANTS, main="a")
        run(recipe, tmp_path / "out")
        again = run(recipe, tmp_path / "out", resume=True, watcher=(watcher := Watching()))
        kept = [Artefact.load(tmp_path / f"out/runs/{v}/seed-0").facts for v in "ab"]
        assert watcher.epochs == []
        assert again.seconds > sum(facts.seconds for facts in kept)
        assert again.peak_mb >= max(facts.peak_mb for facts in kept)

    def test_no_seed_of_before_is_left_behind(self, ratings: str, tmp_path: Path) -> None:
        recipe = made(ratings, variants=self.VARIANTS, main="a", refit=True)
        run(recipe, tmp_path / "out", seeds=2)
        run(recipe.updated({"refit": False}), tmp_path / "out", seed=1, resume=True)
        left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("out/runs/*/*")}
        assert left == {"out/runs/a/seed-1", "out/runs/b/seed-1"}

    @pytest.mark.parametrize("cut_short", [False, True])
    @pytest.mark.parametrize("of_model", [False, True])
    def test_other_defaults_make_another_run(
        self,
        ratings: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        cut_short: bool,
        of_model: bool,
    ) -> None:
        with pytest.raises(KeyboardInterrupt) if cut_short else nullcontext():
            run(made(ratings), tmp_path / "out", watcher=Watching(2 if cut_short else None))
        if of_model:
            monkeypatch.setattr(GMF, "Config", Regularised)
        else:
            monkeypatch.setattr(GMF, "defaults", {**GMF.defaults, "weight_decay": 0.1})
        watcher = Watching()
        run(made(ratings), tmp_path / "out", resume=True, watcher=watcher)
        assert watcher.epochs == [1, 2, 3]

    def test_what_was_cut_short_goes_on(self, ratings: str, tmp_path: Path) -> None:
        recipe = made(ratings, variants=self.VARIANTS, main="a")

        with pytest.raises(KeyboardInterrupt):
            run(recipe, tmp_path / "out", watcher=Watching(stop_after=3 + 2))
        watcher, before = Watching(), made_when(tmp_path / "out", "a")
        outcome = run(recipe, tmp_path / "out", resume=True, watcher=watcher)
        assert watcher.epochs in ([2, 3], [3])
        assert made_when(tmp_path / "out", "a") == before
        assert outcome.variants == run(recipe, tmp_path / "fresh").variants

    @pytest.mark.parametrize("cut_short", [False, True])
    def test_what_was_trained_on_other_data_is_trained_anew(
        self, ratings: str, tmp_path: Path, cut_short: bool
    ) -> None:
        copy = tmp_path / "ratings.csv"
        lines = Path(ratings).read_text(encoding="utf-8").splitlines(keepends=True)
        copy.write_text("".join(lines[:-100]), encoding="utf-8")
        with pytest.raises(KeyboardInterrupt) if cut_short else nullcontext():
            run(made(str(copy)), tmp_path / "out", watcher=Watching(2 if cut_short else None))
        copy.write_text("".join(lines), encoding="utf-8")
        outcome = run(made(str(copy)), tmp_path / "out", resume=True)
        assert figures(outcome) == figures(run(made(str(copy)), tmp_path / "fresh"))


class Watching:
    """Notes the epochs, and has all stopped after so many."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.epochs: list[int] = []
        self.stop_after = stop_after

    def progress(self, progress: Progress) -> None: ...

    def epoch(self, record: Record) -> None:
        self.epochs.append(record.epoch)
        if len(self.epochs) == self.stop_after:
            raise KeyboardInterrupt


def made_when(folder: Path, variant: str) -> int:
    return (folder / "runs" / variant / "seed-0" / "model.json").stat().st_mtime_ns


class TestRefusals:
    def test_a_mistake_in_a_later_variant_shows_before_the_first_training(
        self, ratings: str, tmp_path: Path
    ) -> None:
        variants = {"a": {}, "b": {"settings": {"dmi": 3}}}
        with pytest.raises(ConfigError, match="dmi"):
            run(made(ratings, variants=variants, main="a"), tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_choosing_needs_a_validation_part(self, ratings: str, tmp_path: Path) -> None:
        recipe = made(ratings, split={"kind": "chronological"}, refit=True)
        with pytest.raises(ConfigError, match="no validation part"):
            run(recipe, tmp_path / "out")

    def test_a_folder_of_something_else_is_left_alone(self, ratings: str, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").write_text("dear", encoding="utf-8")
        with pytest.raises(ArtefactError, match="left alone"):
            run(made(ratings), tmp_path)
        assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "dear"

    def test_an_earlier_run_is_replaced_whole(self, ratings: str, tmp_path: Path) -> None:
        out = tmp_path / "out"
        run(made(ratings, outputs={"splits": True}), out, seed=3)
        run(made(ratings), out)
        assert [p.name for p in (out / "runs" / "gmf").iterdir()] == ["seed-0"]
        assert not (out / "split").exists()
