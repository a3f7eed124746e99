"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from matinee.artefact import Artefact, DataFacts, Facts, Figure, SplitFacts
from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.vocabulary import Vocabulary
from matinee.models import Sizes, Solved, build

DATASETS = Path(os.environ.get("MATINEE_DATA") or Path(__file__).parents[2] / "shared" / "datasets")


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a data home of its own, so that no cache carries over."""
    monkeypatch.setenv("MATINEE_HOME", str(tmp_path / "matinee-home"))


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of real data sets; tests that need it are skipped where it is absent."""
    if not DATASETS.is_dir():
        reason = f"real data sets are not at {DATASETS}: set MATINEE_DATA"
        warnings.warn(reason, pytest.PytestWarning, stacklevel=1)
        pytest.skip(reason)
    return DATASETS


@pytest.fixture(scope="session")
def toy() -> Interactions:
    """Twelve films and twenty people of two tastes: half of them like the first six films.

    The last film and the last person have no ratings; person 'p0' has everything but 'Alpha'
    and 'Beta' of the first taste.
    """
    names = [
        "Alpha",
        "Beta",
        "Gamma",
        "Delta",
        "Epsilon",
        "Zeta",
        "Eta",
        "Theta",
        "Iota",
        "Kappa",
        "Lambda",
        "Mu",
    ]
    catalogue = Catalogue.from_frame(
        pl.DataFrame(
            {
                "id": [str(100 + i) for i in range(12)],
                "title": names,
                "year": [1990 + i for i in range(11)] + [None],
                "genres": [["Comedy"] if i < 6 else ["Drama", "War"] for i in range(11)] + [[]],
                "tags": [["quiet"] if i % 2 else [] for i in range(12)],
            }
        )
    )
    rng = np.random.default_rng(5)
    rows: list[tuple[int, int, float, int]] = [(0, i, 5.0, i) for i in range(2, 6)]
    for user in range(1, 19):
        own = range(6) if user % 2 else range(6, 11)
        other = rng.choice([i for i in range(11) if i not in own], 2, replace=False)
        seen = [i for i in own if rng.random() < 0.8]
        rows += [(user, i, float(rng.integers(4, 6)), 10 * i) for i in seen]
        rows += [(user, int(i), float(rng.integers(1, 3)), 200 + int(i)) for i in other]
    users, items, ratings, times = zip(*rows, strict=True)
    ids = Vocabulary([f"p{u}" for u in range(20)], sort="person")
    return Interactions.build(users, items, ratings, times, user_ids=ids, catalogue=catalogue)


@pytest.fixture(scope="session")
def make_run(toy: Interactions) -> Callable[..., Artefact]:
    """Builds a run on the toy data: `make_run("ease", {"l2": 2.0})`."""

    def make(name: str = "ease", config: Mapping[str, Any] | None = None) -> Artefact:
        liked = toy.take(toy.ratings >= 4)
        model = build(name, {"l2": 2.0} if config is None else config, Sizes.of(liked))
        assert isinstance(model, Solved)
        model.solve(liked)
        facts = Facts(
            data=DataFacts.of("toy", toy),
            split=SplitFacts(kind="random", digest="0" * 64, arguments={"test": 0.25}),
            seed=7,
            metrics={"ndcg@10": Figure(value=0.5, low=0.4, high=0.6)},
            popularity={"ndcg@10": Figure(value=0.3, low=0.2, high=0.4)},
            protocol="full ranking of 12 films",
            seconds=1.5,
            peak_mb=100.0,
        )
        return Artefact.of(model, liked, toy, facts)

    return make
