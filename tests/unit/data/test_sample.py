"""The bundled sample: real films, and people whose tastes can be found."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest

from matinee.data.interactions import Interactions
from matinee.data.sample import AXES, GENRES, NOTE, WIDELY_SEEN, films, sample
from matinee.data.titles import TitleIndex


@pytest.fixture(scope="module")
def data() -> Interactions:
    return sample()


def test_sizes_and_speed() -> None:
    start = time.process_time()
    data = sample()
    assert time.process_time() - start < 5  # about 0.2 s; the rest is for a busy machine
    assert (len(data), data.n_users) == (60_000, 1500)
    assert np.diff(data.offsets).min() >= 20
    assert 3.3 < data.ratings.mean() < 3.7


def test_the_seed_decides(data: Interactions) -> None:
    assert sample().digest == data.digest
    assert sample(seed=1).digest != data.digest


def test_it_says_what_it_is() -> None:
    assert "Simulated people, real films" in NOTE


def test_the_films_are_sound() -> None:
    frame = films().frame
    assert frame.height >= 400
    assert not frame.select("title", "year").is_duplicated().any()
    assert frame["year"].is_between(1920, 2024).all()
    assert frame["year"].is_sorted()  # ids are line numbers: new films go to the end of a year
    assert set(frame["genres"].explode()) == set(GENRES)
    assert frame["genres"].list.len().min() >= 1
    assert not frame["title"].str.contains(r"^\s|\s$|  ").any()
    assert (frame["year"] // 10).n_unique() == 11


@pytest.mark.parametrize(
    ("title", "year", "genre"),
    [
        ("Toy Story", 1995, "Animation"),
        ("Heat", 1995, "Crime"),
        ("Casino", 1995, "Crime"),
        ("The Godfather", 1972, "Crime"),
        ("Alien", 1979, "Sci-Fi"),
        ("Spirited Away", 2001, "Animation"),
        ("Amélie", 2001, "Comedy"),
        ("Seven Samurai", 1954, "Drama"),
        ("Nosferatu", 2024, "Horror"),
        ("La Haine", 1995, "Drama"),
    ],
)
def test_films_everyone_knows(title: str, year: int, genre: str) -> None:
    catalogue = films()
    film = TitleIndex(catalogue).find(f"{title} ({year})")
    assert catalogue.titles[film] == title
    assert genre in catalogue.frame["genres"][film]


def test_the_hand_given_names_exist() -> None:
    assert set(films().titles) >= WIDELY_SEEN
    assert {axis for of in GENRES.values() for axis in of} <= set(AXES)


@pytest.mark.parametrize(
    ("likes", "genres", "least"),
    [
        (["Toy Story", "Finding Nemo", "Up"], {"Animation", "Children"}, 8),
        (["Heat", "Casino"], {"Crime", "Mystery", "Thriller"}, 8),
        (["Alien", "The Thing"], {"Horror", "Sci-Fi", "Thriller"}, 6),
    ],
)
def test_likes_lead_to_their_like(
    data: Interactions, likes: Sequence[str], genres: set[str], least: int
) -> None:
    """Of the ten films nearest by item-item regression most are of the liked genres."""
    index = TitleIndex(data.catalogue)
    liked = [index.find(title) for title in likes]
    seen = data.matrix().toarray()
    inverse = np.linalg.inv(seen.T @ seen + 100 * np.eye(data.n_items))
    weights = -inverse / np.diag(inverse)
    scores = weights[liked].sum(axis=0)
    scores[liked] = -np.inf
    best = [data.catalogue.frame["genres"][int(i)] for i in np.argsort(-scores)[:10]]
    assert sum(bool(genres & set(of)) for of in best) >= least
