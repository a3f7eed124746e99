"""A small data set whose right answers are known, and models fitted to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.engine import TrainerConfig, fit
from matinee.models import Learned, Recommender, Sizes, build

SMALL_TOWER: dict[str, Any] = {
    "dim": 4,
    "hidden": [8],
    "dropout": 0.0,
    "vocabulary": 32,
    "terms": 4,
}

SMALL: dict[str, dict[str, Any]] = {
    "gmf": {"dim": 2, "l2": 1e-3},
    "mlp": {"tower": (16, 8)},
    "neumf": {"dim": 2, "tower": (8, 4), "l2": 1e-3},
    "mf": {"dim": 4, "l2": 0.02},
    "sasrec": {"dim": 16, "blocks": 1, "length": 8, "dropout": 0.0},
    "gru4rec": {"dim": 16, "state": 16, "length": 8, "dropout": 0.0},
    "bert4rec": {
        "dim": 16,
        "spread": 0.125,
        "blocks": 1,
        "length": 8,
        "dropout": 0.0,
        "masked": 0.3,
    },
    "hstu": {"dim": 16, "blocks": 1, "length": 8, "dropout": 0.0},
    "bmf": {"dim": 2, "burn_in": 10, "samples": 10, "every": 1},
    "ratingdnn": {"dim": 4, "hidden": (8,), "inputs": ("user", "item"), "biases": True},
    "ials": {"dim": 4},
    "ease": {"l2": 1.0},
    "edlae": {"l2": 1.0},
    "slit": {"l2": 1.0},
    "multdae": {"dim": 8, "dropout": 0.2},
    "multvae": {"dim": 4, "hidden": (8,), "dropout": 0.2, "anneal": 10},
    "lightgcn": {"dim": 4, "layers": 2},
    "twotowers": {"dim": 8, "hidden": (8,), "dropout": 0.0},
    "recvae": {"dim": 4, "width": 8, "layers": 2, "dropout": 0.2},
    "itemknn": {"neighbours": 16, "shrinkage": 1.0},
    "tfidf": {"vocabulary": 32, "terms": 4},
    "deepcontent": SMALL_TOWER,
    "weighted": {"options": {"ease": {"l2": 1.0}}},
    "switching": {"options": {"ease": {"l2": 1.0}, "deepcontent": SMALL_TOWER}},
    "stacked": {"members": ("ease", "tfidf"), "options": {"ease": {"l2": 1.0}}, "held_out": "any"},
    "augmented": {"l2": 1.0, "content": 1.0},
    "userknn": {"neighbours": 10, "shrinkage": 1.0},
    "sessionknn": {"neighbours": 10, "reach": 10.0},
}
"""Settings that suit data of a few dozen people."""

STARS = ("bmf", "mf", "ratingdnn")
"""Models that learn from stars."""

ORDERED = ("sasrec", "gru4rec", "bert4rec", "hstu", "slit", "sessionknn")
"""Models that learn from the order of things."""

LOOP = {"epochs": 25, "batch_size": 128, "learning_rate": 0.02}
LOOP_OF_PEOPLE = {"epochs": 30, "batch_size": 8, "learning_rate": 0.005}
"""For models whose batches are of people, not of pairs."""


def checkerboard(people: int = 40, films: int = 16, seed: int = 0) -> Interactions:
    """Two tastes: people of one like even films, of the other odd ones; stars and genres say so.

    Everyone has rated all films of their own colour with 5 but two (which two differs),
    and two films of the other colour with 1.
    """
    random = np.random.default_rng(seed)
    rows: list[tuple[int, int, float, int]] = []
    for person in range(people):
        own = random.permutation(np.arange(person % 2, films, 2))
        other = random.permutation(np.arange(1 - person % 2, films, 2))
        rows += [(person, int(film), 5.0, t) for t, film in enumerate(own[:-2])]
        rows += [(person, int(film), 1.0, 100 + t) for t, film in enumerate(other[:2])]
    users, items, ratings, times = zip(*rows, strict=True)
    colours = [[("Even", "Odd")[film % 2]] for film in range(films)]
    frame = pl.DataFrame({"id": [str(film) for film in range(films)], "genres": colours})
    catalogue = Catalogue.from_frame(frame)
    return Interactions.build(users, items, ratings, times, catalogue=catalogue)


def staircase(people: int = 40, films: int = 20, steps: int = 8, seed: int = 0) -> Interactions:
    """Everyone starts at some film and takes the next number each time, around the circle."""
    first = np.random.default_rng(seed).integers(films, size=people)
    items = (first[:, None] + np.arange(steps)) % films
    users = np.repeat(np.arange(people), steps)
    times = np.tile(np.arange(steps), people)
    return Interactions.build(users, items.flatten(), None, times)


def likes(board: Interactions) -> Interactions:
    """The checkerboard as implicit feedback: only what was liked."""
    return board.take(board.ratings >= 4)


def fitted(name: str, data: Interactions, *, seed: int = 0, **config: Any) -> Recommender:
    """A model of that name, fitted to small data."""
    model = build(name, {**SMALL.get(name, {}), **config}, Sizes.of(data), seed=seed)
    settings = LOOP_OF_PEOPLE if name in ORDERED else LOOP
    loop = TrainerConfig(**{**model.defaults, **settings}) if isinstance(model, Learned) else None
    fit(model, data, loop, seed=seed)
    return model.eval()


def training(name: str, board: Interactions) -> Interactions:
    """What a model of that name is trained on: stars for rating models, likes for others."""
    return board if name in STARS else likes(board)
