"""Simulated data: exact sizes, MovieLens-like shape, and something to be learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.data.interactions import Interactions
from matinee.data.simulate import simulate, simulate_to
from matinee.errors import ConfigError, DataError
from matinee.splits import random_split


@pytest.fixture(scope="module")
def data() -> Interactions:
    return simulate(1100, 400, 60_000, seed=5)


@settings(max_examples=30, deadline=None)
@given(
    users=st.integers(1, 40), items=st.integers(1, 40), share=st.floats(0, 1), seed=st.integers(0)
)
def test_sizes_are_exact_and_no_pair_occurs_twice(
    users: int, items: int, share: float, seed: int
) -> None:
    ratings = round(users + share * users * (items - 1))
    data = simulate(users, items, ratings, seed)
    assert (len(data), data.n_users, data.n_items) == (ratings, users, items)
    assert len(set(zip(data.users.tolist(), data.items.tolist(), strict=True))) == ratings
    assert np.diff(data.offsets).min() >= 1
    assert set(data.ratings) <= set(np.arange(1, 11) / 2)


def test_the_seed_decides() -> None:
    first = simulate(50, 40, 600, 1).digest
    assert simulate(50, 40, 600, 1).digest == first
    assert simulate(50, 40, 600, 2).digest != first


def test_the_shape_is_that_of_movielens(data: Interactions) -> None:
    people, films = np.sort(np.diff(data.offsets)), np.sort(data.item_counts)
    assert people[0] >= 20
    assert people.mean() > 1.25 * np.median(people)
    assert films[-40:].sum() > 0.3 * len(data)  # a tenth of the films
    assert films[:200].sum() < 0.2 * len(data)  # the lesser half
    assert 3.3 < data.ratings.mean() < 3.7
    assert 0.9 < data.ratings.std() < 1.2
    assert np.mean(data.ratings % 1 == 0) > 0.7


def test_nothing_is_rated_before_its_release(data: Interactions) -> None:
    years = data.catalogue.frame["year"].to_numpy()[data.items]
    rated = data.times.astype("datetime64[s]").astype("datetime64[Y]").astype(int) + 1970
    assert (rated > years).all()
    assert rated.max() < 2025


def test_tastes_drift(data: Interactions) -> None:
    """A person's first films are more like each other in genre than like their last."""
    genres = data.catalogue.genre_matrix.astype(float)
    genres -= np.average(genres, axis=0, weights=data.item_counts)
    within, across = [], []
    for user in range(data.n_users):
        start, stop = data.offsets[user : user + 2]
        fifth = (stop - start) // 5
        early = genres[data.items[start : start + 2 * fifth]]
        late = genres[data.items[stop - fifth : stop]]
        within.append(early[::2].mean(axis=0) @ early[1::2].mean(axis=0))
        across.append(early[::2].mean(axis=0) @ late.mean(axis=0))
    assert np.mean(within) > 1.2 * np.mean(across)


def test_taste_can_be_learned_beyond_popularity(data: Interactions) -> None:
    """Item-item regression finds far more of what is held out than popularity does."""
    split = random_split(data, stratified=True)
    known, wanted = (part.matrix().toarray() for part in (split.train, split.test.held_out))
    inverse = np.linalg.inv(known.T @ known + 100 * np.eye(data.n_items))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)

    def hits(scores: np.ndarray) -> float:
        best = np.argsort(-np.where(known > 0, -np.inf, scores), axis=1)[:, :10]
        return float(np.take_along_axis(wanted, best, axis=1).mean())

    popular = np.tile(known.sum(axis=0), (data.n_users, 1))
    assert hits(known @ weights) > 1.2 * hits(popular)


def test_the_files_hold_what_memory_holds(tmp_path: Path) -> None:
    data = simulate(600, 80, 12_000, seed=3)  # more than a chunk of people
    folder = simulate_to(tmp_path / "new", 600, 80, 12_000, seed=3)
    ratings = pl.read_csv(folder / "ratings.csv")
    assert ratings.columns == ["userId", "movieId", "rating", "timestamp"]
    order = np.lexsort((data.items, data.users))  # that of the GroupLens files
    assert (ratings["userId"].to_numpy() == data.users[order] + 1).all()
    assert (ratings["movieId"].to_numpy() == data.items[order] + 1).all()
    assert (ratings["rating"].to_numpy() == data.ratings[order]).all()
    assert (ratings["timestamp"].to_numpy() == data.times[order]).all()
    films = pl.read_csv(folder / "movies.csv")
    assert films.columns == ["movieId", "title", "genres"]
    assert films["title"].str.contains(r"^Simulated Film \d+ \(\d{4}\)$").all()
    first = data.catalogue.frame.row(0, named=True)
    assert films["genres"][0].split("|") == first["genres"]


@pytest.mark.parametrize("sizes", [(10, 10, 101), (10, 10, 9), (0, 5, 0), (5, 0, 5), (5, 5, 0)])
def test_impossible_sizes_are_refused(sizes: tuple[int, int, int], tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        simulate(*sizes)
    with pytest.raises(ConfigError):
        simulate_to(tmp_path / "none", *sizes)
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be written"):
        simulate_to(tmp_path / "file" / "folder", 5, 5, 10)
