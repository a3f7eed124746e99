"""A small catalogue to make pages from: two tastes, many decades, and some hostile titles."""

from __future__ import annotations

import numpy as np
import polars as pl
import torch

from matinee.artefact import Artefact, DataFacts, Facts, Figure, SplitFacts
from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.models import Sizes, build

HOSTILE = {
    "script": '<script>alert("x")</script>',
    "quotes": "\"'><img src=x onerror=alert(1)>",
    "right-to-left": "ليلة \u202e الفيلم",
    "endless": "A" * 10_000,
    "wordy": "again and " * 1_000,
    "=formula": '=HYPERLINK("https://example.org/", "free")',
    "a/b c?d#e": "Odd, The (L'étrange) (a.k.a. Øther)",
}
"""Titles by id."""

KINDS = (["Comedy", "Romance"], ["Crime", "Drama"], ["Animation", "Children"], ["Sci-Fi"])
NAMES = ("Night", "River", "Orchard", "Signal", "Corridor", "Carnival", "Harbour", "Letter")
PLACES = ("North", "South", "East", "West", "Sea", "Hill")
PEOPLE = 60


def cinema() -> Artefact:
    """A run on the catalogue whose model predicts stars: odd films please odd people."""
    titles = [f"{name} of the {place}" for place in PLACES for name in NAMES]
    ids = [f"f{i}" for i in range(len(titles))] + list(HOSTILE)
    titles += HOSTILE.values()
    frame = {
        "id": ids,
        "title": titles,
        "year": [1925 + 2 * i if i % 9 else None for i in range(len(ids))],
        "genres": [KINDS[i % 4] for i in range(len(ids))],
    }
    catalogue = Catalogue.from_frame(pl.DataFrame(frame))
    data = _ratings(catalogue)
    model = build("mf", {"dim": 2}, Sizes.of(data))
    model.prepare(data)  # type: ignore[operator]
    with torch.no_grad():
        taste = torch.tensor([1.0 if i % 2 else -1.0 for i in range(len(ids))])
        rest = torch.linspace(-0.3, 0.3, len(ids))
        model.items.weight.copy_(torch.stack([taste, rest, rest], 1))  # type: ignore[union-attr]
    facts = Facts(
        data=DataFacts.of("toy", data),
        split=SplitFacts(kind="random", digest="0" * 64, arguments={"test": 0.25}),
        metrics={"rmse": Figure(value=0.9, low=0.85, high=0.95), "auc": Figure(value=0.7)},
        popularity={"rmse": Figure(value=1.1, low=1.0, high=1.2)},
        protocol="held-out ratings of everyone",
    )
    return Artefact.of(model, data, data, facts)


def _ratings(catalogue: Catalogue) -> Interactions:
    rng = np.random.default_rng(3)
    rows = [
        (person, film, 4.5 - 0.5 * int(rng.integers(3)) if (person + film) % 2 else 1.5, person)
        for person in range(PEOPLE)
        for film in range(len(catalogue))
        if rng.random() < 0.4 + 0.5 * (film >= len(catalogue) - len(HOSTILE))
    ]
    rows.append((0, 0, 0.5, 0))
    rows.append((0, 1, 5.0, 0))
    users, items, ratings, times = zip(*dict.fromkeys(rows), strict=True)
    return Interactions.build(users, items, ratings, times, catalogue=catalogue)
