"""The Bayesian factorisation on data made from its own kind of world."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from matinee.data.interactions import Interactions
from matinee.errors import ConfigError
from matinee.models import Sizes, build
from matinee.models.bayesian import BayesianMF

SHORT: dict[str, Any] = {"dim": 2, "burn_in": 40, "samples": 20, "every": 2}


def fitted(data: Interactions, **settings: Any) -> BayesianMF:
    model = build("bmf", {**SHORT, **settings}, Sizes.of(data))
    assert isinstance(model, BayesianMF)
    model.solve(data)
    return model


def _world(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Users, items and what their ratings are expected to be: of rank two."""
    random = np.random.default_rng(seed)
    people, films = random.normal(size=(120, 2)), random.normal(size=(60, 2))
    users, items = (random.random((120, 60)) < 0.5).nonzero()
    return users, items, 3 + (people[users] * films[items]).sum(1)


def test_it_finds_the_stars_of_its_own_kind_of_world() -> None:
    """On ratings of low rank with noise of 0.3, the error comes near the noise."""
    users, items, clean = _world()
    random = np.random.default_rng(1)
    stars = clean + 0.3 * random.normal(size=len(clean))
    shown = random.random(len(stars)) < 0.8
    data = Interactions.build(users[shown], items[shown], stars[shown])
    model = fitted(data, likelihood="normal", inputs=[])
    everyone = data.queries()
    for queries in (everyone, everyone.forget_users()):
        found = model.score(queries)[users[~shown], items[~shown]].numpy()
        assert np.sqrt(np.mean((found - clean[~shown]) ** 2)) < 0.2


def test_levels_are_as_probable_as_they_are() -> None:
    """Half of the people rate with little noise, half with much, on an uneven scale."""
    users, items, clean = _world()
    random = np.random.default_rng(1)
    noise = np.where(users % 2, 1.5, 0.4)
    stars = 1.0 + np.digitize(clean + noise * random.normal(size=len(clean)), [1.5, 2.1, 3.2, 4.5])
    shown = random.random(len(stars)) < 0.8
    data = Interactions.build(users[shown], items[shown], stars[shown])
    model = fitted(data, inputs=[], like_at=4.0)
    assert model.cuts.mean(0).tolist() == pytest.approx([1.5, 2.1, 3.2, 4.5], abs=0.15)
    steady, other = (model.user_steadiness.mean(0)[part::2].mean() for part in (0, 1))
    assert steady > 3 * other
    hidden = users[~shown], items[~shown]
    everything = torch.arange(data.n_items)
    for queries in (data.queries(), data.queries().forget_users()):
        chance = model.probability(queries, everything)[hidden].numpy()
        liked = stars[~shown] >= 4
        for low in (0.0, 0.2, 0.4, 0.6, 0.8):
            inside = (low <= chance) & (chance < low + 0.2)
            assert abs(chance[inside].mean() - liked[inside].mean()) < 0.1
        right = model.likeliest(queries, everything)[hidden].numpy() == stars[~shown]
        rounded = np.floor(model.predict(queries, everything)[hidden].numpy() + 0.5)
        assert right.mean() > max((rounded == stars[~shown]).mean(), 0.5)


def test_numbers_have_probabilities_of_likes_too() -> None:
    users, items, clean = _world()
    stars = np.clip(np.round(clean + 0.7 * np.random.default_rng(1).normal(size=len(clean))), 1, 5)
    data = Interactions.build(users, items, stars)
    model = fitted(data, inputs=[], likelihood="normal", steadiness=False)
    chance = model.probability(data.queries(), torch.arange(data.n_items))[users, items].numpy()
    assert chance.mean() == pytest.approx((stars >= 4).mean(), abs=0.03)
    assert chance[stars >= 4].mean() > chance[stars < 4].mean() + 0.4


def test_fields_tell_of_people_and_films_without_ratings() -> None:
    """Stars follow from the colour of the film and of the person alone."""
    random = np.random.default_rng(0)
    users, items = (random.random((80, 40)) < 0.4).nonzero()
    seen = (users < 78) & (items < 38)
    users, items = users[seen], items[seen]
    stars = np.where(users % 2 == items % 2, 5.0, 2.0) - (random.random(len(users)) < 0.3)
    people = pl.DataFrame({"id": [str(i) for i in range(80)], "hue": ["even", "odd"] * 40})
    ids = Interactions.build(np.arange(80), np.arange(80) % 40).user_ids
    frame = pl.DataFrame({"id": [str(i) for i in range(40)], "genres": [["E"], ["O"]] * 20})
    data = Interactions.build(users, items, stars, user_ids=ids, people=people)
    data = replace(data, catalogue=type(data.catalogue).from_frame(frame))
    model = fitted(data, inputs=["genres", "hue"], likelihood="normal")
    found = model.score(data.queries())
    assert found[78, 38] - found[78, 39] > 1.5
    assert found[79, 39] - found[79, 38] > 1.5


@pytest.mark.parametrize("likelihood", ["normal", "ordinal"])
def test_who_watches_what_tells_of_taste(likelihood: str) -> None:
    """A stranger's history counts beyond its stars."""
    random = np.random.default_rng(0)
    users, items = (random.random((100, 40)) < 0.5).nonzero()
    kept = (users % 2 == items % 2) | (random.random(len(users)) < 0.1)
    users, items = users[kept], items[kept]
    stars = np.where(users % 2 == items % 2, 4.0, 2.0) + random.integers(-1, 2, len(users))
    data = Interactions.build(users, items, stars)
    asked = data.queries(np.array([0])).forget_users()
    asked = replace(asked, ratings=torch.full_like(asked.ratings, 3.0))
    found = fitted(data, likelihood=likelihood).score(asked)[0]
    assert found[::2].mean() > found[1::2].mean() + 0.1


def test_an_unknown_field_is_refused() -> None:
    sizes = Sizes(3, 4, 5, 5, {"genres": 2}, {"age": 3})
    with pytest.raises(ConfigError, match="history, audience, people, age, genres"):
        build("bmf", {"inputs": ["gemres"]}, sizes)


@pytest.mark.parametrize("levels", [1, 101])
def test_stars_that_are_no_levels_need_the_normal_likelihood(levels: int) -> None:
    sizes = Sizes(3, 4, 5, levels)
    with pytest.raises(ConfigError, match="levels"):
        build("bmf", {}, sizes)
    build("bmf", {"likelihood": "normal"}, sizes)
