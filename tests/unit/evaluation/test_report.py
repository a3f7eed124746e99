"""Whole evaluations: names, defaults, what is left out and why, and what is written."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.errors import ConfigError, DataError, EvaluationError, UnknownName
from matinee.evaluation import METRICS, compare_runs, evaluate, metrics_from_lists
from matinee.evaluation.names import Wanted, parse
from matinee.splits import Fold

Make = Callable[..., Interactions]
Models = dict[str, Any]

N_USERS, N_ITEMS = 30, 20


@pytest.fixture
def train(make_data: Make) -> Interactions:
    return _part(make_data, 0)


@pytest.fixture
def fold(make_data: Make, train: Interactions) -> Fold:
    return Fold(train, _part(make_data, 1))


def _part(make_data: Make, part: int) -> Interactions:
    cells = np.random.default_rng(7).integers(0, 4, (N_USERS, N_ITEMS)) == part
    pairs = np.argwhere(cells)
    genres = [["A"], ["B"], ["A", "B"], []] * 5
    frame = pl.DataFrame({"id": [f"f{i}" for i in range(N_ITEMS)], "genres": genres})
    films = Catalogue.from_frame(frame)
    return make_data(pairs, N_USERS, N_ITEMS, 1.0 + pairs.sum(axis=1) % 5, films)


def _table(low: float = 1, high: float = 5) -> np.ndarray:
    return np.random.default_rng(8).uniform(low, high, (N_USERS, N_ITEMS))


CONTRACT = [
    *("rmse", "mse", "mae", "accuracy", "auc", "log_loss"),
    *("hit_rate@10", "precision@10", "recall@10", "ndcg@10", "map@10", "mrr@10"),
    *("coverage@10", "diversity@10", "novelty@10", "serendipity@10", "gini@10"),
]


def test_all_metrics_of_the_contract_come_by_default(
    fold: Fold, train: Interactions, models: Models
) -> None:
    report = evaluate(models["likes"](_table(0, 1)), fold, train=train)
    assert set(CONTRACT) <= set(report.metrics)
    assert not report.omitted
    assert report.confusion is not None
    assert report.calibration is not None
    for name, estimate in report.metrics.items():
        assert estimate.low <= estimate.value <= estimate.high, name


def test_what_cannot_be_had_is_told_by_default_and_refused_by_name(
    fold: Fold, train: Interactions, models: Models
) -> None:
    report = evaluate(models["table"](_table()), fold, train=train)
    assert report.omitted["rmse"] == "table: it predicts no stars"
    assert "rmse" not in report.metrics
    assert report.confusion is None
    with pytest.raises(EvaluationError, match="table: rmse cannot be had: it predicts no stars"):
        evaluate(models["table"](_table()), fold, train=train, metrics=["ndcg@5", "rmse"])
    report = evaluate(models["stars"](_table()), fold, train=train)
    assert report.omitted == {
        "log_loss": "the model gives no probabilities",
        "calibration_error": "the model gives no probabilities",
    }


def test_only_what_is_asked_for_is_computed(
    fold: Fold, train: Interactions, models: Models
) -> None:
    model = models["stars"](_table())
    told: list[str] = []
    names = ["map_all@3", "ndcg", "ndcg@5"]
    report = evaluate(
        model, fold, train=train, metrics=names, k=(5, 7), progress=lambda w, *_: told.append(w)
    )
    assert list(report.metrics) == ["map_all@3", "ndcg@5", "ndcg@7"]
    assert set(told) == {"ranking"}


def test_a_figure_is_the_mean_of_its_users(fold: Fold, train: Interactions, models: Models) -> None:
    report = evaluate(models["stars"](_table()), fold, train=train)
    assert report.per_user["user"].to_list() == [f"u{u}" for u in fold.users]
    for name in ("ndcg@10", "novelty@10", "diversity@10", "serendipity@10"):
        assert report.per_user[name].mean() == pytest.approx(report.metrics[name].value, abs=1e-12)
    assert not {"coverage@10", "gini@10", "popularity_bias@10"} & set(report.per_user.columns)


def test_intervals_end_where_figures_do(make_data: Make, models: Models) -> None:
    """Two users of three find theirs: 2/3 -/+ 4.3 / 3, of which 0 to 1 is possible."""
    data = make_data([], 3, 4)
    fold = Fold(data, make_data([(0, 0), (1, 0), (2, 3)], 3, 4))
    model = models["popular"](np.array([[4.0, 3.0, 2.0, 1.0]]))
    found = evaluate(model, fold, train=fold.held_out, metrics=["hit_rate@1"]).metrics["hit_rate@1"]
    assert (found.value, found.low, found.high) == (pytest.approx(2 / 3), 0, 1)


def test_a_user_without_a_figure_has_null(make_data: Make, models: Models) -> None:
    """Person 0 liked one film and not the other; person 1 liked both, which has no AUC."""
    held = make_data([(0, 0), (0, 1), (1, 0), (1, 1)], 2, 2, [5.0, 1.0, 5.0, 4.0])
    model = models["stars"](np.array([[5.0, 1.0], [5.0, 4.0]]))
    report = evaluate(model, Fold(make_data([], 2, 2), held), train=held, metrics=["auc"])
    assert report.per_user["auc"].to_list() == [1.0, None]


@pytest.mark.parametrize("batch", [1, 4, 29])
def test_batch_size_changes_no_figure(
    batch: int, fold: Fold, train: Interactions, models: Models
) -> None:
    model = models["likes"](_table(0, 1).round(1))
    whole = evaluate(model, fold, train=train, k=(1, 10))
    parts = evaluate(model, fold, train=train, k=(1, 10), batch=batch)
    assert whole.metrics == parts.metrics
    assert whole.per_user.equals(parts.per_user, null_equal=True)


def test_a_figure_does_not_depend_on_what_else_is_asked(
    fold: Fold, train: Interactions, models: Models
) -> None:
    model = models["table"](_table().round())
    alone = evaluate(model, fold, train=train, metrics=["ndcg@3"])
    among = evaluate(model, fold, train=train, k=(1, 3, 15))
    assert alone.metrics["ndcg@3"] == among.metrics["ndcg@3"]


def test_ready_lists_give_the_same_figures(fold: Fold, train: Interactions, models: Models) -> None:
    scores = _table()
    scores[train.users, train.items] = -1
    lists = np.argsort(-scores, axis=1)[fold.users, :10]
    ready = metrics_from_lists(lists, fold.held_out, train=train)
    report = evaluate(models["table"](_table()), fold, train=train)
    assert ready.metrics == report.metrics
    bare = metrics_from_lists(lists, fold.held_out)
    assert bare.omitted["gini@10"] == "it needs the training ratings"
    assert bare.metrics["map@10"] == report.metrics["map@10"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:-1], "one row for each"),
        (lambda x: x.astype(float), "float64"),
        (np.zeros_like, "row 0 of the lists has a film twice"),
        (lambda x: x + N_ITEMS, "outside"),
    ],
)
def test_lists_that_do_not_fit_are_refused(
    change: Callable[[np.ndarray], np.ndarray], message: str, fold: Fold
) -> None:
    lists = np.tile(np.arange(5), (len(fold.users), 1))
    with pytest.raises(DataError, match=message):
        metrics_from_lists(change(lists), fold.held_out)


def test_protocol_labels_what_was_done(fold: Fold, train: Interactions, models: Models) -> None:
    model = models["table"](_table())
    full = evaluate(model, fold, train=train, metrics=["ndcg@5"]).protocol
    assert full.ranking == "full"
    assert str(full).startswith(f"full ranking of 20 films; {len(fold.users)} users")
    everything = np.tile(np.arange(N_ITEMS), (len(fold.users), 1))
    sampled = Fold(fold.history, fold.held_out, everything)
    told = evaluate(model, sampled, train=train, metrics=["ndcg@5"]).protocol
    assert (told.ranking, told.films) == ("sampled", 20)
    assert "SAMPLED" in str(told)


# --- names -------------------------------------------------------------------------------------


def test_names_are_read_once_each_in_order() -> None:
    assert parse(["ndcg", "rmse", "ndcg@10", " map_all@20 "], (5, 10)) == [
        Wanted("ndcg", 5),
        Wanted("ndcg", 10),
        Wanted("rmse"),
        Wanted("map_all", 20),
    ]
    assert [w.label for w in parse(["ndcg@07"], (10,))] == ["ndcg@7"]


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'ndcg'"):
        parse(["ndgc@10"], (10,))


@pytest.mark.parametrize("name", ["ndcg@0", "ndcg@-1", "ndcg@", "ndcg@ten", "ndcg@1.5", "rmse@10"])
def test_bad_cut_offs_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cut-off"):
        parse([name], (10,))


@pytest.mark.parametrize("k", [0, -3])
def test_k_must_be_positive(k: int) -> None:
    with pytest.raises(ConfigError, match="1 or more"):
        parse(None, (k,))


def test_asking_for_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="no metric"):
        parse([], (10,))


def test_a_batch_must_have_users(fold: Fold, train: Interactions, models: Models) -> None:
    with pytest.raises(ConfigError, match="1 or more"):
        evaluate(models["table"](_table()), fold, train=train, batch=0)


def test_every_metric_has_a_definition() -> None:
    assert all(metric.definition and "\n" not in metric.definition for metric in METRICS.values())


# --- what is written ---------------------------------------------------------------------------


def test_per_user_figures_are_saved_and_compared(
    fold: Fold, train: Interactions, models: Models, tmp_path: Path
) -> None:
    reports = [evaluate(models["stars"](_table(low)), fold, train=train) for low in (1, 4)]
    frames: dict[str, pl.DataFrame] = {}
    for name, report in zip("ab", reports, strict=True):
        path = tmp_path / f"{name}.parquet"
        report.save_per_user(path)
        frames[name] = pl.read_parquet(path)
        assert frames[name].equals(report.per_user, null_equal=True)
    table = compare_runs(frames, rounds=99)
    assert "ndcg@10" in table["metric"]
    assert "rmse" in table["metric"]


def test_per_user_figures_are_saved_as_csv(
    fold: Fold, train: Interactions, models: Models, tmp_path: Path
) -> None:
    report = evaluate(models["table"](_table()), fold, train=train, metrics=["mrr@5"])
    report.save_per_user(tmp_path / "x.csv")
    assert pl.read_csv(tmp_path / "x.csv").columns == ["user", "mrr@5"]
    with pytest.raises(ConfigError, match=r"\.parquet or \.csv"):
        report.save_per_user(tmp_path / "x.json")
    with pytest.raises(DataError, match="cannot be written"):
        report.save_per_user(tmp_path / "absent" / "x.csv")


def test_table_has_a_row_a_metric(fold: Fold, train: Interactions, models: Models) -> None:
    report = evaluate(models["table"](_table()), fold, train=train, metrics=["mrr@5", "gini@5"])
    names, values, intervals = zip(*report.table(), strict=True)
    assert names == ("mrr@5", "gini@5")
    assert values[0] == f"{report.metrics['mrr@5'].value:.4f}"
    assert " to " in intervals[0]


def test_one_user_has_figures_but_no_interval(make_data: Make, models: Models) -> None:
    data = make_data([(0, 0)], 1, 3, [4.0])
    fold = Fold(data, make_data([(0, 1)], 1, 3, [5.0]))
    report = evaluate(models["stars"](np.ones((1, 3))), fold, train=data)
    assert math.isnan(report.metrics["ndcg@10"].low)
    assert report.metrics["hit_rate@10"].as_dict() == {"value": 1.0, "low": None, "high": None}
    assert report.metrics["rmse"].value == 4
    assert report.omitted["auc"].startswith("it needs both likes and dislikes")
    assert report.table()[0][2] == ""
