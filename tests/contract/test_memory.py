"""Every model knows how much memory fitting it takes, before any of it is taken."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.engine import TrainerConfig, fit
from matinee.engine.memory import ALWAYS, needs
from matinee.models import MODELS, Learned, Sizes, build
from support.memory import peak_bytes

PEOPLE, FILMS, EACH = 12_000, 1_600, 12
BATCHES = {
    **dict.fromkeys(("deepcontent", "twotowers"), 1024),
    **dict.fromkeys(("sasrec", "gru4rec", "bert4rec", "hstu"), 2048),
    **dict.fromkeys(("multdae", "multvae", "recvae", "lightgcn"), 4096),
}
"""Of people; all other batches are of `PAIRS` pairs. Few steps do."""
PAIRS = 1 << 16
SETTINGS: dict[str, dict[str, Any]] = {
    "bmf": {"burn_in": 0, "samples": 2, "every": 1},
    "sasrec": {"length": 12, "blocks": 1, "dim": 32},
    "gru4rec": {"length": 12, "state": 32, "dim": 32},
    "bert4rec": {"length": 12, "blocks": 1, "dim": 32},
    "hstu": {"length": 12, "blocks": 1, "dim": 32},
    "ials": {"epochs": 1},
    "recvae": {"width": 200, "layers": 2, "passes": 1},
    "switching": {"options": {"deepcontent": {"epochs": 1, "batch_size": 1024}}},
}
OVER, UNDER = 3.0, 1.5
"""How many times what is taken may be foretold, and how many times what is foretold taken."""


@cache
def ratings() -> Interactions:
    """Enough of everything for tables to weigh more than what any fit takes."""
    random = np.random.default_rng(0)
    users = np.repeat(np.arange(PEOPLE), EACH)
    items = random.integers(FILMS // EACH, size=len(users)) + np.tile(
        np.arange(EACH) * (FILMS // EACH), PEOPLE
    )
    genres = [[("Comedy", "Drama", "War")[film % 3]] for film in range(FILMS)]
    titles = [f"Film {film % 97} of the {film % 89}" for film in range(FILMS)]
    frame = pl.DataFrame({"id": [str(i) for i in range(FILMS)], "title": titles, "genres": genres})
    stars = random.integers(1, 11, size=len(users)) / 2
    times = np.arange(len(users))
    return Interactions.build(users, items, stars, times, catalogue=Catalogue.from_frame(frame))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_what_a_fit_takes_is_foretold(name: str) -> None:
    data, kind = ratings(), MODELS[name]
    config = kind.Config.parse(SETTINGS.get(name, {}))
    loop = None
    if issubclass(kind, Learned):
        batch = BATCHES.get(name, PAIRS)
        loop = TrainerConfig.parse({**kind.defaults, "epochs": 1, "batch_size": batch})
    expected = needs(kind, config, Sizes.of(data), loop)

    def run() -> None:
        fit(build(name, config.model_dump(), Sizes.of(data)), data, loop)

    run()  # compiling a loop for the first time takes memory of its own
    taken = peak_bytes(run)
    assert taken <= UNDER * expected.total
    assert expected.total <= OVER * (taken + ALWAYS)
