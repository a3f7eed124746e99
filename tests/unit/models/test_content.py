"""Content models: their formulas, and films that nobody has rated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from numpy.typing import NDArray

from matinee.artefact import Artefact
from matinee.data import load
from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.engine import TrainerConfig, fit
from matinee.errors import DataError
from matinee.models import Learned, Sizes, build
from matinee.recommendation import similar
from support.boards import fitted

Floats = NDArray[np.floating]


@pytest.fixture
def data() -> Interactions:
    """Five films: two comedies, a war comedy, a war film nobody rated, one without genres.

    Their means are 4, 2, 5, the mean of all (3.6), and 3.
    """
    genres = [["Comedy"], ["Comedy"], ["Comedy", "War"], ["War"], []]
    frame = pl.DataFrame({"id": list("abcde"), "title": list("abcde"), "genres": genres})
    films = Catalogue.from_frame(frame)
    users, items, stars = [0, 0, 1, 1, 2], [0, 1, 0, 2, 4], [5, 2, 3, 5, 3]
    return Interactions.build(users, items, stars, catalogue=films)


VECTORS = torch.tensor([[4, 0], [2, 0], [5, 5], [0, 3.6], [0, 0]])


def test_films_are_their_mean_rating_in_their_genres(data: Interactions) -> None:
    torch.testing.assert_close(fitted("genre-mean", data).item_vectors(), VECTORS)


def test_shrinkage_adds_ratings_at_the_mean(data: Interactions) -> None:
    vectors = fitted("genre-mean", data, shrinkage=2).item_vectors()
    assert vectors is not None
    assert vectors[0, 0].item() == pytest.approx((8 + 2 * 3.6) / 4)


def test_a_person_is_the_mean_of_the_films_by_stars(data: Interactions) -> None:
    """Film a with 5 stars and b with 1: (5 · 4 + 1 · 2) / 6 comedies."""
    asked = Queries.anonymous([[0, 1]], [[5.0, 1.0]])
    person = torch.tensor([22 / 6, 0])
    dot, cosine, euclidean = (
        fitted("genre-mean", data, similarity=s).score(asked)[0]
        for s in ("dot", "cosine", "euclidean")
    )
    torch.testing.assert_close(dot, VECTORS @ person)
    torch.testing.assert_close(cosine, torch.tensor([1, 1, 0.5**0.5, 0, 0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(euclidean, -(VECTORS - person).norm(dim=1))


def test_nobody_in_particular_likes_all_genres_alike(data: Interactions) -> None:
    for similarity in ("dot", "cosine", "euclidean"):
        model = fitted("genre-mean", data, similarity=similarity)
        assert not model.score(Queries.anonymous([[]])).any()


def test_genres_are_needed() -> None:
    with pytest.raises(DataError, match="no genres"):
        fitted("genre-mean", Interactions.build([0, 1], [0, 1]))


def test_likeness_is_by_the_measure_of_the_settings(
    data: Interactions, make_run: Callable[..., Artefact]
) -> None:
    orders = {}
    for similarity in ("dot", "cosine", "euclidean"):
        model = fitted("genre-mean", data, similarity=similarity)
        likeness = model.alike(0)
        assert likeness is not None
        orders[similarity] = likeness[1:4].argsort(descending=True).add(1).tolist()
        assert model.alike(4) is None
    # by dot 8, 20, 0; by cosine 1, 0.71, 0; by distance 2, √26, √(16 + 3.6²)
    assert orders == {"dot": [2, 1, 3], "cosine": [1, 2, 3], "euclidean": [1, 2, 3]}


def test_likeness_by_terms_is_the_cosine_of_the_terms(data: Interactions) -> None:
    model = fitted("tfidf", data)
    vectors, likeness = model.item_vectors(), model.alike(2)
    assert vectors is not None
    assert likeness is not None
    torch.testing.assert_close(likeness, torch.cosine_similarity(vectors[2], vectors, dim=1))
    assert model.alike(4) is None


def test_similar_films_are_listed_by_the_own_measure(make_run: Callable[..., Artefact]) -> None:
    artefact = make_run()
    for similarity in ("dot", "euclidean"):
        model = fitted("genre-mean", artefact.history, similarity=similarity)
        found = similar(replace(artefact, model=model), "alpha", 3)
        likeness = model.alike(0)
        assert likeness is not None
        best = likeness[1:].topk(3).values.tolist()
        assert not found.fallback
        assert [film.score for film in found.items] == pytest.approx(best)


def test_likes_add_and_dislikes_take_away(data: Interactions) -> None:
    model = fitted("tfidf", data)
    comedy, war = model.score(Queries.anonymous([[0], [0]], [[5.0], [1.0]]))[:, [1, 3]].T
    assert comedy[0] > 0.9
    assert comedy[1] < 0
    assert war.tolist() == pytest.approx([0, 0], abs=1e-6)


def test_stars_count_from_the_own_mean(data: Interactions) -> None:
    """Three stars are a like of someone who gives one or two, a dislike of who gives five."""
    model = fitted("tfidf", data, watched=0.1)
    strict = Queries.anonymous([[2] * 20 + [0], [2] * 20 + [0]], [[1.5] * 20 + [3], [5] * 20 + [3]])
    weights = model.leanings(strict)[[20, 41]]
    assert weights[0] > 0 > weights[1]


def test_bare_likes_are_likes_whatever_the_scale(data: Interactions) -> None:
    silent = Interactions.build(data.users, data.items, catalogue=data.catalogue)
    for model, star in ((fitted("tfidf", data), 5.0), (fitted("tfidf", silent), 1.0)):
        scores = model.score(Queries.anonymous([[0], [3]], rating=star))
        assert scores[0, 1] > scores[0, 3]
        assert scores[1, 3] > scores[1, 1]


def without(data: Interactions, films: NDArray[np.integer]) -> tuple[Interactions, Interactions]:
    gone = np.isin(data.items, films)
    return data.take(~gone), data.take(gone)


def hit_rate(scores: Floats, held_out: Interactions, films: NDArray[np.integer]) -> float:
    """Share of people with a film they rated among their ten best of some films."""
    wanted = held_out.matrix().toarray()[:, films] > 0
    top = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    hits = np.take_along_axis(wanted, top, axis=1).any(axis=1)
    return float(hits[wanted.any(axis=1)].mean())


def test_films_nobody_has_rated_find_their_people(datasets: Path) -> None:
    """A tenth of the films loses all ratings; among these, who watched what?"""
    data = load(datasets / "ml-100k")
    films = np.sort(np.random.default_rng(0).choice(data.n_items, data.n_items // 10, False))
    train, held_out = without(data, films)
    genres = data.catalogue.genre_matrix
    popular = genres.T @ train.item_counts / np.maximum(genres.sum(0), 1)
    by_genre = (genres @ popular / np.maximum(genres.sum(1), 1))[films]
    rates = {
        "random": hit_rate(
            np.random.default_rng(1).random((data.n_users, len(films))), held_out, films
        ),
        "genre": hit_rate(np.tile(by_genre, (data.n_users, 1)), held_out, films),
    }
    for name in ("tfidf", "deepcontent"):
        model = build(name, {}, Sizes.of(train))
        loop = (
            TrainerConfig(**{**model.defaults, "epochs": 5}) if isinstance(model, Learned) else None
        )
        fit(model, train, loop)
        scores = model.eval().score(train.queries(), torch.from_numpy(films))
        rates[name] = hit_rate(scores.numpy(), held_out, films)
    assert rates["tfidf"] > 1.3 * max(rates["random"], rates["genre"])
    assert rates["deepcontent"] > rates["tfidf"] + 0.03
