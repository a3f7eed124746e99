"""What is measured: families of models, and what surrounds them, at any size."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from matinee.data import load
from matinee.data.interactions import Interactions
from matinee.engine import TrainerConfig, fit
from matinee.evaluation import evaluate
from matinee.models import Learned, Sizes, build
from matinee.recommendation import recommend_many
from matinee.splits import random_split

Job = Callable[[], object]
STRIDE = 7
"""From one film of a person to the next; sizes of catalogues have no factor in common with it."""


@dataclass(frozen=True)
class Point:
    """The sizes of one measurement; everyone has as many ratings as all others, nearly."""

    users: int = 3000
    films: int = 1000
    ratings: int = 60_000
    dim: int = 32
    batch: int = 1024

    def data(self) -> Interactions:
        """Ratings of films that are equally popular, no pair twice."""
        users = np.arange(self.ratings) * self.users // self.ratings
        first = np.searchsorted(users, users)
        start = np.random.default_rng(0).integers(self.films, size=self.users)[users]
        items = (start + STRIDE * (np.arange(self.ratings) - first)) % self.films
        stars = np.random.default_rng(1).integers(1, 11, size=self.ratings) / 2
        # The last person and the last film are there whether or not anything is said of them.
        return Interactions.build(users, items, stars, np.arange(self.ratings))


AXES: Mapping[str, tuple[int, ...]] = {
    "users": (300, 1000, 3000, 10_000, 30_000),
    "films": (50, 150, 500, 1500, 5000),
    "ratings": (6000, 20_000, 60_000, 200_000, 600_000),
    "dim": (4, 12, 40, 120, 400),
    "batch": (64, 200, 640, 2000, 6400),
}
"""Two decades of each size, the others as in `Point`."""


def trained(name: str, width: str = "dim", **settings: Any) -> Callable[[Point], Job]:
    """One epoch, or one sweep, of a model whose setting `width` is the dimension."""

    def at(point: Point) -> Job:
        data = point.data()
        config = {width: point.dim, **settings} if width else settings

        def job() -> None:
            model, loop = build(name, config, Sizes.of(data)), None
            if isinstance(model, Learned):
                own = {"epochs": 1, "batch_size": point.batch, "patience": None}
                loop = TrainerConfig(**{**model.defaults, **own})
            fit(model, data, loop)

        return job

    return at


def listed(point: Point) -> Job:
    """Ten films for everyone, seen ones left out, by inner products."""
    data = point.data()
    model = build("mf", {"dim": point.dim}, Sizes.of(data))
    queries = data.queries()
    return lambda: recommend_many(model, queries, 10)


def evaluated(point: Point) -> Job:
    """Ranking metrics at 10 of a model that costs nothing, on a tenth of the ratings."""
    split = random_split(point.data(), test=0.1, seed=0)
    model = build("popularity", {}, Sizes.of(split.train))
    fit(model, split.train)
    metrics = ["ndcg@10", "recall@10"]
    return lambda: evaluate(model, split.test, train=split.train, metrics=metrics)


def loaded(point: Point) -> Job:
    """Reading a table of ratings, without a cache."""
    os.environ["MATINEE_HOME"] = "/dev/null"
    data, file = point.data(), Path(tempfile.mkdtemp()) / "ratings.csv"
    rows = zip(data.users, data.items, data.ratings, data.times, strict=True)
    with file.open("w") as out:
        out.write("userId,movieId,rating,timestamp\n")
        out.writelines(f"{u},{i},{r},{t}\n" for u, i, r, t in rows)
    return lambda: load(file)


@dataclass(frozen=True)
class Work:
    """One kind of work: how to make it at a point, and what its cost may depend on."""

    title: str
    at: Callable[[Point], Job]
    axes: tuple[str, ...]


SIZES = ("users", "films", "ratings")
WORKS: Mapping[str, Work] = {
    "neumf": Work("NeuMF, an epoch", trained("neumf", tower=[32, 16, 8]), tuple(AXES)),
    "mf": Work("matrix factorisation, an epoch", trained("mf"), tuple(AXES)),
    "sasrec": Work("SASRec, an epoch", trained("sasrec", heads=1), tuple(AXES)),
    "ials": Work("iALS, a sweep", trained("ials", epochs=1), (*SIZES, "dim")),
    "ease": Work("EASE, the fit", trained("ease", width=""), SIZES),
    "itemknn": Work("neighbours of films, the fit", trained("itemknn", width=""), SIZES),
    "lists": Work("ten films for everyone", listed, (*SIZES, "dim")),
    "evaluation": Work("ranking metrics for everyone", evaluated, SIZES),
    "loading": Work("reading a table of ratings", loaded, SIZES),
}


def points(axis: str) -> list[Point]:
    """The points along an axis."""
    return [replace(Point(), **{axis: value}) for value in AXES[axis]]
