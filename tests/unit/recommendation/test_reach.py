"""Lists of films as near as nearly all of the best are, are nearly those of all films."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from matinee import kernels
from matinee.artefact import Artefact, DataFacts, Facts, SplitFacts
from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.errors import ConfigError
from matinee.models import DotProduct, Recommender, Sizes, build
from matinee.models.filmblocks import WIDTH
from matinee.recommendation import Ask, Recommendations, recommend_batch
from matinee.recommendation.reach import LISTED, SHARE, reach
from support.boards import checkerboard, fitted, likes

pytest.importorskip("numba")

FILMS, PEOPLE, DIM = 12_000, 60, 8


def with_lengths(model: Recommender, lengths: np.ndarray) -> Recommender:
    """Vectors in random directions, of given lengths `[n_items]`."""
    random = np.random.default_rng(1)
    vectors = random.normal(size=(FILMS, DIM + 1))
    vectors *= (lengths / np.linalg.norm(vectors, axis=1))[:, None]
    with torch.no_grad():
        model.items.weight.copy_(torch.from_numpy(vectors))  # type: ignore[union-attr]
        model.users.weight.normal_(generator=torch.Generator().manual_seed(1))  # type: ignore[union-attr]
    return model.eval()


@pytest.fixture(scope="module")
def artefact() -> Artefact:
    """Some films of longer vectors, every third a comedy."""
    kernels.load()
    random = np.random.default_rng(0)
    users = np.repeat(np.arange(PEOPLE), 20)
    items = np.concatenate([random.choice(FILMS, 20, replace=False) for _ in range(PEOPLE)])
    genres = [["Comedy"] if film % 3 else ["War"] for film in range(FILMS)]
    frame = {"id": [f"f{film}" for film in range(FILMS)], "genres": genres}
    catalogue = Catalogue.from_frame(pl.DataFrame(frame))
    stars = random.integers(1, 6, size=len(users)).astype(float)
    data = Interactions.build(users, items, stars, catalogue=catalogue)
    model = build("mf", {"dim": DIM}, Sizes.of(data))
    model.prepare(data)  # type: ignore[operator]
    model = with_lengths(model, random.lognormal(sigma=0.1, size=FILMS))
    split = SplitFacts(kind="random", digest="0" * 64, arguments={})
    return Artefact.of(model, data, data, Facts(data=DataFacts.of("toy", data), split=split))


def lists(artefact: Artefact, asks: list[Ask], reach: float = 1.0) -> list[list[str]]:
    found: list[list[str]] = []
    for answer in recommend_batch(artefact, asks, reach):
        assert isinstance(answer, Recommendations)
        found.append([film.id for film in answer.items])
    return found


def share_found(artefact: Artefact) -> float:
    """Of everyone's ten best films, those that are found by the reach."""
    asks = [Ask(user=str(person)) for person in range(PEOPLE)]
    pairs = zip(lists(artefact, asks), lists(artefact, asks, reach(artefact)), strict=True)
    return float(np.mean([len({*exact} & {*near}) / 10 for exact, near in pairs]))


def test_nearly_all_of_the_best_are_found(artefact: Artefact) -> None:
    assert share_found(artefact) >= 0.98


def test_nearly_all_of_the_best_keep_to_the_reach(artefact: Artefact) -> None:
    """Blocks are made anew, in double precision."""
    model, blocks = artefact.model, artefact.film_blocks
    assert isinstance(model, DotProduct)
    assert blocks is not None
    films, shares = model.film_factors().double(), list[float]()
    groups = [films[blocks.order[at : at + WIDTH]] for at in range(0, FILMS, WIDTH)]
    for person in range(PEOPLE):
        queries = artefact.history.queries(np.array([person]))
        vector = model.person_factors(queries)[0][0].double()
        scores = films @ vector
        scores[queries.items] = -torch.inf
        for film in scores.argsort(descending=True)[:LISTED].tolist():
            group = groups[blocks.places[film] // WIDTH]
            centre = group.mean(0)
            radius = (group - centre).norm(dim=1).max()
            shares.append(float((films[film] - centre) @ vector / radius / vector.norm()))
    found = np.clip(shares, 0, 1) <= reach(artefact) + 1e-4
    assert np.mean(found) == pytest.approx(SHARE, abs=2e-3)


def test_no_film_seen_is_listed_however_near_the_end(artefact: Artefact) -> None:
    asks = [Ask(user=str(person), k=30) for person in range(9)]
    for person, listed in enumerate(lists(artefact, asks, 0.1)):
        seen = artefact.history.items[artefact.history.users == person]
        assert len(listed) == 30
        assert not {*listed} & {f"f{film}" for film in seen}


def test_of_little_reach_films_are_missed_but_not_of_a_kind(artefact: Artefact) -> None:
    asks = [Ask(user=str(person)) for person in range(PEOPLE)]
    assert lists(artefact, asks, 0.1) != lists(artefact, asks)
    for ask in (Ask(user="2", genres=("War",)), Ask()):
        assert lists(artefact, [ask], 0.1) == lists(artefact, [ask])


def test_few_people_tell_nothing(artefact: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matinee.recommendation.reach.FEW", PEOPLE + 1)
    assert reach(artefact) == 1


def test_so_are_they_where_no_vector_is_longer(artefact: Artefact) -> None:
    model = build("mf", {"dim": DIM}, artefact.model.sizes)
    assert share_found(replace(artefact, model=with_lengths(model, np.ones(FILMS)))) >= 0.98


def test_of_films_of_equal_score_the_favoured_come_first(artefact: Artefact) -> None:
    """Two copies of each vector: whichever is favoured stands before the other."""
    model = build("mf", {"dim": DIM}, artefact.model.sizes)
    with torch.no_grad():
        vectors = artefact.model.items.weight[: FILMS // 2]  # type: ignore[union-attr]
        model.items.weight.copy_(vectors.repeat(2, 1))  # type: ignore[union-attr]
    last_first = replace(artefact, model=model.eval(), item_counts=np.arange(FILMS))
    (listed,) = lists(last_first, [Ask(likes=("id:f0",))])
    films = [int(film[1:]) for film in listed]
    pairs = [film for film in films if film + FILMS // 2 in films]
    assert pairs
    assert all(films.index(film + FILMS // 2) + 1 == films.index(film) for film in pairs)


@pytest.mark.parametrize("name", ["mf", "ials"])
def test_scores_are_products_of_the_factors(name: str) -> None:
    board = checkerboard()
    model = fitted(name, board if name == "mf" else likes(board))
    assert isinstance(model, DotProduct)
    for queries in (board.queries(), board.queries().forget_users()):
        people, offset = model.person_factors(queries)
        products = people @ model.film_factors().T + offset
        torch.testing.assert_close(products, model.score(queries), rtol=1e-4, atol=1e-5)


def test_a_model_without_products_is_refused(make_run: Callable[..., Artefact]) -> None:
    with pytest.raises(ConfigError, match=r"ease are not inner products.* such as mf or ials"):
        reach(make_run())
