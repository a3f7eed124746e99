"""Studies: what they see, when they stop, and how they go on."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from matinee import experiment
from matinee.artefact import Artefact
from matinee.errors import ArtefactError, ConfigError, EvaluationError, TrainingError, UnknownName
from matinee.evaluation import evaluate
from matinee.experiment import RunSpec
from matinee.recipes import Recipe, find
from matinee.tuning import Result, Tried, make_plan, page, read_plan, save_best, tune
from matinee.tuning.best import BEST, RECIPE
from support.reading import Reader

Specs = Callable[..., RunSpec]
LOOP: dict[str, Any] = {"epochs": 3, "batch_size": 64}


def outcome(found: Result) -> list[tuple[object, ...]]:
    """All but the time it took."""
    return [(t.settings, t.value, t.epoch, t.why) for t in found.trials]


class Poisoned:
    """A part of the data that nobody may look at."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"the test part was asked for its {name!r}")


@pytest.mark.parametrize(("model", "search"), [("ease", "l2"), ("gmf", "dim=2..4")])
def test_the_test_part_is_never_looked_at(
    make_spec: Specs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, search: str
) -> None:
    whole = experiment.cut

    def poisoned(spec: RunSpec) -> Any:
        _, split = whole(spec)
        return Poisoned(), replace(split, test=Poisoned())

    monkeypatch.setattr(experiment, "cut", poisoned)
    settings = LOOP if model == "gmf" else {}
    found = tune(
        make_plan(make_spec(model, **settings), search=[search]), tmp_path / "study", trials=2
    )
    assert len(found.finished) == 2
    page(found)
    save_best(found)


def test_a_value_is_the_metric_of_a_run_with_these_settings(
    make_spec: Specs, tmp_path: Path
) -> None:
    found = tune(make_plan(make_spec(), search=["l2"]), tmp_path / "study", trials=3)
    for trial in found.finished:
        run = experiment.train(make_spec(**trial.settings), tmp_path / "run")
        _, split = experiment.cut(make_spec())
        assert split.valid is not None
        report = evaluate(run.model, split.valid, train=split.train, metrics=["ndcg@10"])
        assert trial.value == report.metrics["ndcg@10"].value
    best = max(trial.value or 0 for trial in found.trials)
    assert found.best is not None
    assert found.best.value == best


def test_the_first_trial_is_the_defaults(make_spec: Specs, tmp_path: Path) -> None:
    found = tune(make_plan(make_spec("itemknn")), tmp_path / "study", trials=1)
    assert found.trials[0].settings == {"neighbours": 100, "shrinkage": 10.0}


def test_the_lowest_error_is_the_best(make_spec: Specs, tmp_path: Path) -> None:
    plan = make_plan(make_spec("mf", **LOOP), search=["l2=0.001..0.3"])
    found = tune(plan, tmp_path / "study", trials=4)
    assert plan.metric == "rmse"
    assert found.best is not None
    assert found.best.value == min(trial.value or 9 for trial in found.finished)


class TestGoingOn:
    @pytest.mark.parametrize("after", [1, 3])
    def test_is_as_if_it_had_never_been_stopped(
        self, make_spec: Specs, tmp_path: Path, after: int
    ) -> None:
        plan = make_plan(make_spec("gmf", **LOOP), search=["dim=2..8", "learning_rate"])
        whole = tune(plan, tmp_path / "whole", trials=5)
        seen: list[Tried] = []

        def stop(tried: Tried) -> None:
            seen.append(tried)
            if len(seen) == after:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            tune(plan, tmp_path / "cut", trials=5, tell=stop)
        rest: list[Tried] = []
        on = tune(read_plan(tmp_path / "cut"), tmp_path / "cut", trials=5, tell=rest.append)
        assert len(rest) == 5 - after
        assert outcome(on) == outcome(whole)

    def test_a_trial_cut_in_its_midst_is_drawn_again(
        self, make_spec: Specs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan = make_plan(make_spec(), search=["l2"])
        whole = tune(plan, tmp_path / "whole", trials=3)
        calls: list[int] = []

        def interrupted(*args: Any, **options: Any) -> Any:
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return evaluate(*args, **options)

        monkeypatch.setattr("matinee.tuning.objective.evaluate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tune(plan, tmp_path / "cut", trials=3)
        assert outcome(tune(plan, tmp_path / "cut", trials=3)) == outcome(whole)

    def test_enough_is_enough(self, make_spec: Specs, tmp_path: Path) -> None:
        plan, told = make_plan(make_spec(), search=["l2"]), []
        tune(plan, tmp_path / "study", trials=2)
        assert len(tune(plan, tmp_path / "study", trials=2, tell=told.append).trials) == 2
        assert not told
        assert len(tune(plan, tmp_path / "study", trials=3).trials) == 3

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"model": "itemknn"}, "another model: ease, not itemknn"),
            ({"split": "random"}, "another kind of split: stratified, not random"),
            ({"seed": 4}, "another seed: 0, not 4"),
            ({"valid": 0.3}, "another valid: 0.2, not 0.3"),
            ({"at_least": 4.0}, "another at least: null, not 4.0"),
        ],
    )
    def test_a_study_of_something_else_is_refused(
        self, make_spec: Specs, tmp_path: Path, change: dict[str, Any], told: str
    ) -> None:
        tune(make_plan(make_spec()), tmp_path / "study", trials=1)
        with pytest.raises(ArtefactError, match=told):
            tune(make_plan(make_spec().updated(change)), tmp_path / "study", trials=2)

    def test_other_ratings_under_the_same_name_are_refused(
        self, make_spec: Specs, tmp_path: Path, board_file: str
    ) -> None:
        file = tmp_path / "mine.csv"
        file.write_text(Path(board_file).read_text(encoding="utf-8"), encoding="utf-8")
        spec = make_spec().updated({"data": str(file)})
        tune(make_plan(spec), tmp_path / "study", trials=1)
        file.write_text(file.read_text(encoding="utf-8").replace(",5.0,", ",4.0,", 40))
        with pytest.raises(ArtefactError, match="data have changed"):
            tune(make_plan(spec), tmp_path / "study", trials=2)

    def test_two_do_not_tune_in_one_folder(self, make_spec: Specs, tmp_path: Path) -> None:
        (tmp_path / "study").mkdir()
        with (tmp_path / "study" / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with pytest.raises(ArtefactError, match="another process is tuning"):
                tune(make_plan(make_spec()), tmp_path / "study", trials=1)

    def test_a_folder_of_something_else_is_left_alone(
        self, make_spec: Specs, tmp_path: Path
    ) -> None:
        (tmp_path / "study").mkdir()
        (tmp_path / "study" / "thesis.txt").write_text("dear", encoding="utf-8")
        with pytest.raises(ArtefactError, match="left alone"):
            tune(make_plan(make_spec()), tmp_path / "study", trials=1)
        assert [path.name for path in (tmp_path / "study").iterdir()] == ["thesis.txt"]


class TestGivingUp:
    def test_hopeless_trials_are_pruned(self, make_spec: Specs, tmp_path: Path) -> None:
        spec = make_spec("gmf", epochs=8, batch_size=64, dim=4)
        plan = make_plan(spec, search=["learning_rate=1e-7|0.03"])
        found = tune(plan, tmp_path / "study", trials=14)
        pruned = [trial for trial in found.trials if trial.value is None]
        assert pruned
        assert {trial.settings["learning_rate"] for trial in pruned} == {1e-7}
        assert all(trial.why.startswith("hopeless after epoch") for trial in pruned)
        assert found.best is not None
        assert found.best.settings == {"learning_rate": 0.03}
        patient = tune(plan.updated({"pruner": "none"}), tmp_path / "patient", trials=14)
        assert len(patient.finished) == 14

    def test_a_loss_that_explodes_is_a_bad_trial_and_no_end(
        self, make_spec: Specs, tmp_path: Path
    ) -> None:
        spec = make_spec("mf", epochs=2, batch_size=64)
        plan = make_plan(spec, search=["learning_rate=1e20|0.01"])
        found = tune(plan, tmp_path / "study", trials=6)
        assert {t.settings["learning_rate"] for t in found.finished} == {0.01}
        whys = {trial.why for trial in found.trials if trial.value is None}
        assert whys
        assert all("no longer a number" in why for why in whys)

    def test_time_is_up(self, make_spec: Specs, tmp_path: Path) -> None:
        plan = make_plan(make_spec(), search=["l2"])
        with pytest.raises(TrainingError, match="not one trial was finished"):
            tune(plan, tmp_path / "study", trials=5, minutes=0)
        assert len(tune(plan, tmp_path / "study", trials=2, minutes=10).trials) == 2


class TestRefusals:
    def test_unknown_metric(self, make_spec: Specs) -> None:
        with pytest.raises(UnknownName, match="no metric called 'ndgc'"):
            make_plan(make_spec(), metric="ndgc@10")

    def test_a_metric_without_a_better_end(self, make_spec: Specs) -> None:
        with pytest.raises(EvaluationError, match="novelty@10 has no better end"):
            make_plan(make_spec(), metric="novelty@10")

    def test_no_validation_part(self, make_spec: Specs, tmp_path: Path) -> None:
        plan = make_plan(make_spec().updated({"valid": 0.0}))
        with pytest.raises(ConfigError, match="no validation part"):
            tune(plan, tmp_path / "study", trials=1)
        assert not (tmp_path / "study").exists()

    def test_a_metric_that_the_model_cannot_have(self, make_spec: Specs, tmp_path: Path) -> None:
        with pytest.raises(EvaluationError, match="rmse cannot be had"):
            tune(make_plan(make_spec(), metric="rmse"), tmp_path / "study", trials=1)

    def test_without_optuna_it_says_what_to_install(
        self, make_spec: Specs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(__import__("sys").modules, "optuna", None)
        with pytest.raises(ConfigError, match=r"pip install 'matinee\[tune\]'"):
            tune(make_plan(make_spec()), tmp_path / "study", trials=1)


class TestWorkers:
    def test_share_one_study(self, make_spec: Specs, tmp_path: Path) -> None:
        plan, told = make_plan(make_spec(), search=["l2"]), list[Tried]()
        found = tune(plan, tmp_path / "study", trials=6, workers=2, tell=told.append)
        assert len(found.finished) == 6
        assert len({trial.settings["l2"] for trial in found.trials}) == 6
        assert sorted(trial.number for trial in told) == [trial.number for trial in found.trials]
        assert found.trials[0].settings == {"l2": 500.0}
        alone = tune(plan, tmp_path / "study", trials=7)  # goes on with one
        assert len(alone.finished) == 7

    def test_what_one_cannot_do_is_told(self, make_spec: Specs, tmp_path: Path) -> None:
        plan = make_plan(make_spec(), metric="rmse")
        with pytest.raises(EvaluationError, match="rmse cannot be had"):
            tune(plan, tmp_path / "study", trials=4, workers=2)


class TestReady:
    def test_the_best_is_a_run(self, make_spec: Specs, tmp_path: Path) -> None:
        from matinee.cli.main import run  # noqa: PLC0415

        plan = make_plan(make_spec("gmf", **LOOP), search=["dim=2..8", "learning_rate"])
        found = tune(plan, tmp_path / "study", trials=4)
        config = save_best(found)
        assert config == tmp_path / "study" / BEST
        out = tmp_path / "run"
        assert run(["train", "--config", str(config), "--out", str(out), "-q"]) == 0
        trained = Artefact.load(out)
        assert found.best is not None
        assert trained.model.config.dim == found.best.settings["dim"]
        assert trained.facts.trainer["best_epoch"] == found.best.epoch

    def test_a_recipe_stays_one(self, make_spec: Specs, tmp_path: Path, board_file: str) -> None:
        recipe = Recipe.parse(
            {
                "name": "mine",
                "title": 'A "title"',
                "shows": "That it works.",
                "source": "Nobody.",
                "data": board_file,
                "split": {"kind": "stratified", "valid": 0.2},
                "model": "popularity",
                "metrics": {"ndcg@10": {"better": "higher", "published": 0.3}},
                "variants": {"a": {"model": "ease"}, "b": {}},
                "main": "a",
            }
        )
        plan = make_plan(recipe.spec("a", seed=0), recipe=recipe)
        found = tune(plan, tmp_path / "study", trials=2)
        ready = save_best(found)
        assert ready == tmp_path / "study" / RECIPE
        again = find(str(ready))
        assert found.best is not None
        assert again.spec("ease", seed=0).settings == dict(found.best.settings)
        assert again.refit
        assert again.metrics == recipe.metrics
        assert read_plan(tmp_path / "study").recipe == recipe


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, board_file: str) -> Result:
    spec = RunSpec(
        model="mf", data=board_file, split="stratified", valid=0.2, settings={"epochs": 2}
    )
    search = ["dim=2..8", "l2", "learning_rate=1e20|0.01|0.02"]
    return tune(make_plan(spec, search=search), tmp_path_factory.mktemp("study"), trials=14)


class TestReport:
    def test_tells_settings_importance_and_trials(self, found: Result) -> None:
        text = page(found)
        reader = Reader(text)
        assert found.best is not None
        assert f"{found.best.value:.4f}" in text
        assert set(found.importance) <= {"dim", "l2", "learning_rate"}
        assert sum(found.importance.values()) == pytest.approx(1)
        cells = {cell for row in reader.rows for cell in row}
        assert any("no longer a number" in cell for cell in cells)
        assert reader.elements["svg"] == 2 + len(found.importance)

    def test_needs_nothing_but_itself(self, found: Result) -> None:
        text = page(found)
        assert "http" not in text
        assert set(Reader(text).elements).isdisjoint({"script", "link", "img", "iframe"})
        ids = Reader(text).ids
        assert len(ids) == len(set(ids))

    def test_few_trials_tell_of_no_importance(self, make_spec: Specs, tmp_path: Path) -> None:
        found = tune(make_plan(make_spec()), tmp_path / "study", trials=2)
        assert not found.importance
        assert "too few to tell" in page(found)
