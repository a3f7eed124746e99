"""The recipes that come along, and what is refused of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from matinee import models
from matinee.errors import ConfigError, UnknownName
from matinee.evaluation.names import parse
from matinee.models.routing import route
from matinee.recipes import Goal, Recipe, find, names
from matinee.splits import KINDS

ROOT = Path(__file__).parents[3]
LEAST: dict[str, Any] = {
    "name": "mine",
    "title": "Mine",
    "shows": "That it runs.",
    "source": "Nobody.",
    "data": "sample",
    "split": {"kind": "random"},
    "model": "ease",
    "metrics": {"ndcg@10": {"better": "higher"}},
}


def test_every_system_has_the_published_and_the_best() -> None:
    wanted = {f"r{n}-{sort}" for n in range(1, 6) for sort in ("published", "best")}
    assert wanted <= set(names())


def test_the_folder_of_recipes_is_that_of_the_package() -> None:
    assert sorted(p.stem for p in (ROOT / "recipes").glob("*.toml")) == sorted(names())


@pytest.mark.parametrize("name", names())
def test_recipe_can_be_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matinee.recipes.recipe.find_local", lambda _: ROOT)
    recipe = find(name)
    assert recipe.name == name
    assert recipe.split.kind in KINDS
    assert parse(list(recipe.metrics), recipe.k)
    assert any(goal.published is not None for goal in recipe.metrics.values()) or "No figures" in (
        recipe.source
    )
    for variant in recipe.all_variants:
        spec = recipe.spec(variant, seed=0)
        route(spec.settings, models.find(spec.model))


@pytest.mark.parametrize("name", names())
def test_other_data_than_published_are_told(name: str) -> None:
    recipe = find(name)
    assert ("MovieLens-20M" in recipe.source) == (recipe.stand_in is not None)


def test_a_recipe_of_ones_own_is_named_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'title = "T"\nshows = "S"\nsource = "N"\ndata = "sample"\nmodel = "ease"\n'
        'split = { kind = "random" }\n[metrics."ndcg@10"]\nbetter = "higher"\n'
    )
    assert find(str(path)).name == "mine"


def test_an_unknown_recipe_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'r1-best'"):
        find("r1-bets")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"modle": "ease"}, "no setting called 'modle'"),
        ({"split": {"kind": "random", "tset": 0.1}}, "split.tset"),
        ({"metrics": {}}, "one metric or more"),
        ({"metrics": {"ndcg@10": {"better": "up"}}}, "better"),
        ({"metrics": {"ndcg@10": {}}}, "is missing"),
        ({"choose": "rmse"}, "one of the recipe's metrics"),
        ({"variants": {"a": {"published": {"rmse": 1.0}}}}, "variants.a.published"),
        ({"outputs": {"tradeoff": ["ndcg@10", "rmse"]}}, "'rmse' is not reported"),
        ({"outputs": {"tradeoff": ["ndcg@10"]}}, "outputs.tradeoff"),
        ({"main": "x"}, "main = 'x' is no variant"),
        ({"variants": {"a": {}, "b": {}}}, "either `main` or `choose`"),
        (
            {"variants": {"a": {}, "b": {}}, "main": "a", "choose": "ndcg@10"},
            "either `main` or `choose`",
        ),
        ({"seeds": 0}, "seeds"),
    ],
)
def test_mistakes_are_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        Recipe.parse(LEAST | change)
    assert told in str(error.value)


def test_a_variant_changes_settings_and_another_model_begins_anew() -> None:
    recipe = Recipe.parse(
        LEAST
        | {
            "model": "gmf",
            "settings": {"dim": 8, "epochs": 3},
            "variants": {
                "wide": {"settings": {"dim": 16}},
                "linear": {"model": "ease", "settings": {"l2": 5.0}},
            },
            "main": "wide",
        }
    )
    assert recipe.spec("wide", seed=4).settings == {"dim": 16, "epochs": 3}
    linear = recipe.spec("linear", seed=4, data="other")
    assert (linear.model, linear.settings) == ("ease", {"l2": 5.0})
    assert (linear.data, linear.seed) == ("other", 4)


def test_files_are_those_of_the_datas_folder(tmp_path: Path) -> None:
    split = {"kind": "files", "train": "a", "test": "b"}
    spec = Recipe.parse(LEAST | {"split": split}).spec("ease", seed=0, data=str(tmp_path))
    assert (spec.data, spec.train, spec.test) == (None, str(tmp_path / "a"), str(tmp_path / "b"))
    assert spec.negatives is None
    folds = Recipe.parse(LEAST | {"split": {"kind": "files", "train": "u{fold}", "test": "t"}})
    trains = [folds.spec("ease", seed=seed, data=str(tmp_path)).train for seed in (0, 4)]
    assert trains == [str(tmp_path / "u1"), str(tmp_path / "u5")]
    with pytest.raises(ConfigError, match="no folder of data"):
        Recipe.parse(LEAST | {"split": split}).spec("ease", seed=0, data="nowhere-at-all")


@pytest.mark.parametrize(
    ("goal", "value", "reached"),
    [
        (Goal(better="higher", published=0.5), 0.5, True),
        (Goal(better="higher", published=0.5, bar=0.6), 0.55, False),
        (Goal(better="lower", bar=0.6), 0.55, True),
        (Goal(better="lower", published=0.5), 0.55, False),
        (Goal(better="lower"), 0.55, None),
    ],
)
def test_a_goal_is_the_bar_before_the_published_figure(
    goal: Goal, value: float, reached: bool | None
) -> None:
    assert goal.reached(value) is reached
