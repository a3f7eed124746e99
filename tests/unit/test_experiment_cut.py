"""What a run leaves out, and where its split is drawn from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matinee.experiment import RunSpec, cut
from matinee.recipes import Recipe

LEAST: dict[str, Any] = {
    "name": "mine",
    "title": "Mine",
    "shows": "That it runs.",
    "source": "Nobody.",
    "model": "ease",
    "metrics": {"ndcg@10": {"better": "higher"}},
}


@pytest.fixture
def ratings(tmp_path: Path) -> str:
    """Person p has p likes and ten dislikes."""
    rows = [f"{p},{film},{5 if film < p else 1}" for p in range(1, 13) for film in range(p + 10)]
    path = tmp_path / "ratings.csv"
    path.write_text("userId,movieId,rating\n" + "\n".join(rows) + "\n")
    return str(path)


def test_people_are_counted_by_what_they_like(ratings: str) -> None:
    spec = RunSpec(model="ease", data=ratings, at_least=4, user_ratings=5)
    data, split = cut(spec)
    assert np.unique(data.users[data.ratings < 4]).size == 0
    assert sorted(np.diff(data.offsets)[data.active_users]) == list(range(5, 13))
    assert len(split.train) + len(split.test.held_out) <= len(data)


def test_a_split_of_its_own_seed_is_the_same_for_all_runs(ratings: str) -> None:
    split = {"kind": "random", "test": 0.3, "seed": 7}
    recipe = Recipe.parse({**LEAST, "data": ratings, "split": split, "user_ratings": 2})
    specs = [recipe.spec("ease", seed=seed) for seed in (0, 1)]
    assert [(spec.seed, spec.split_seed, spec.user_ratings) for spec in specs] == [
        (0, 7, 2),
        (1, 7, 2),
    ]
    digests = {cut(spec)[1].digest for spec in specs}
    own = {cut(spec.updated({"split_seed": None}))[1].digest for spec in specs}
    assert len(digests) == 1
    assert len(own | digests) == 3
