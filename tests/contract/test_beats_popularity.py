"""On real ratings every personal model is better than the most popular films."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from matinee.data import load
from matinee.engine import TrainerConfig, fit
from matinee.evaluation import compare_runs, evaluate
from matinee.models import MODELS, Learned, Recommender, Sizes, build
from matinee.splits import Split, make_split
from support.boards import ORDERED, STARS

LOOP: dict[str, dict[str, Any]] = {
    "sasrec": {"epochs": 20, "batch_size": 64},
    "gru4rec": {"epochs": 20, "batch_size": 64},
    "hstu": {"epochs": 20, "batch_size": 64},
    "bert4rec": {"epochs": 60, "batch_size": 32},
    "gmf": {"epochs": 15, "learning_rate": 0.005},
    "mlp": {"epochs": 10, "learning_rate": 0.003},
    "neumf": {"epochs": 10, "learning_rate": 0.003},
}

CONTENT = ("genre-mean", "tfidf")
"""Models that do not learn who watched what; they are for films that nobody has rated."""


@pytest.fixture
def split(request: pytest.FixtureRequest, datasets: Path) -> Split:
    """Gaps to fill; for models of order, what comes next."""
    ordered = request.node.callspec.params["name"] in ORDERED
    kind = "chronological" if ordered else "stratified"
    return make_split(kind, load(datasets / "ml-100k"), test=0.25)


def fitted(name: str, split: Split) -> Recommender:
    model = build(name, {}, Sizes.of(split.train))
    loop = None
    if isinstance(model, Learned):
        loop = TrainerConfig(**{**model.defaults, **LOOP.get(name, {})})
    fit(model, split.train, loop)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(MODELS) - {"popularity", *STARS, *CONTENT}))
def test_ranking_models_beat_popularity(name: str, split: Split) -> None:
    frames = {
        model: evaluate(
            fitted(model, split), split.test, train=split.train, metrics=["ndcg@10"]
        ).per_user
        for model in (name, "popularity")
    }
    verdict = compare_runs(frames).row(0, named=True)
    assert verdict["difference"] > 0
    assert verdict["p_holm"] < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("name", STARS)
def test_rating_models_beat_the_mean(name: str, split: Split) -> None:
    report = evaluate(fitted(name, split), split.test, train=split.train, metrics=["rmse"])
    held_out = split.test.held_out.ratings
    assert report.metrics["rmse"].high < 0.85 * held_out.std()
