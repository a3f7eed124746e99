"""Lists from the approximate index are those of scoring everything, nearly always."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
import pytest
import torch

from matinee.artefact import Artefact, DataFacts, Facts, SplitFacts
from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.errors import ConfigError
from matinee.models import DotProduct, Recommender, Sizes, build
from matinee.recommendation import Ask, Recommendations, recommend_batch
from matinee.recommendation import index as film_index
from matinee.recommendation.index import FilmIndex
from support.boards import checkerboard, fitted, likes

FILMS, PEOPLE, DIM = 3000, 60, 8

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("usearch") is None, reason="the extra `index` is not installed"
)


@pytest.fixture(scope="module")
def artefact() -> Artefact:
    """Random vectors, of which some films have longer ones; every third film is a comedy."""
    random = np.random.default_rng(0)
    users = np.repeat(np.arange(PEOPLE), 20)
    items = np.concatenate([random.choice(FILMS, 20, replace=False) for _ in range(PEOPLE)])
    genres = [["Comedy"] if film % 3 else ["War"] for film in range(FILMS)]
    genres[7] = ["Western"]
    frame = {"id": [f"f{film}" for film in range(FILMS)], "genres": genres}
    catalogue = Catalogue.from_frame(pl.DataFrame(frame))
    stars = random.integers(1, 6, size=len(users)).astype(float)
    data = Interactions.build(users, items, stars, catalogue=catalogue)
    model = build("mf", {"dim": DIM}, Sizes.of(data))
    model.prepare(data)  # type: ignore[operator]
    lengths = random.lognormal(size=(FILMS, 1))
    with torch.no_grad():
        model.items.weight.copy_(  # type: ignore[union-attr]
            torch.from_numpy(random.normal(size=(FILMS, DIM + 1)) * lengths)
        )
        model.users.weight.normal_(generator=torch.Generator().manual_seed(1))  # type: ignore[union-attr]
    split = SplitFacts(kind="random", digest="0" * 64, arguments={})
    return Artefact.of(model.eval(), data, data, Facts(data=DataFacts.of("toy", data), split=split))


@pytest.fixture(scope="module")
def index(artefact: Artefact) -> Iterator[FilmIndex]:
    """Most films are in the graph."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(film_index, "LONGEST", 100)
        yield FilmIndex(artefact.model, artefact.rank)


def both(
    artefact: Artefact, index: FilmIndex, asks: list[Ask]
) -> list[tuple[list[str], list[str]]]:
    pairs = zip(
        recommend_batch(artefact, asks), recommend_batch(artefact, asks, index), strict=True
    )
    lists = []
    for exact, near in pairs:
        assert isinstance(exact, Recommendations)
        assert isinstance(near, Recommendations)
        assert exact.fallback == near.fallback
        lists.append(([film.id for film in exact.items], [film.id for film in near.items]))
    return lists


def test_nearly_all_of_the_best_are_found(artefact: Artefact, index: FilmIndex) -> None:
    asks = [Ask(user=str(person)) for person in range(PEOPLE)]
    shares = [len({*a} & {*b}) / 10 for a, b in both(artefact, index, asks)]
    assert np.mean(shares) >= 0.98


def test_scores_and_stars_are_exact(artefact: Artefact, index: FilmIndex) -> None:
    (exact,), (near,) = (recommend_batch(artefact, [Ask(user="3")], i) for i in (None, index))
    assert isinstance(exact, Recommendations)
    assert isinstance(near, Recommendations)
    told = {film.id: (film.score, film.stars) for film in exact.items}
    shared = [film for film in near.items if film.id in told]
    assert shared
    for film in shared:
        assert (film.score, film.stars) == pytest.approx(told[film.id], rel=1e-4, abs=1e-4)


def test_seen_and_unwanted_films_stay_out(artefact: Artefact, index: FilmIndex) -> None:
    (first,) = recommend_batch(artefact, [Ask(user="5")], index)
    assert isinstance(first, Recommendations)
    unwanted = [f"id:{film.id}" for film in first.items[:4]]
    (second,) = recommend_batch(artefact, [Ask(user="5", exclude=unwanted)], index)
    assert isinstance(second, Recommendations)
    history = artefact.history.items[artefact.history.users == 5]
    barred = {*(film.id for film in first.items[:4]), *(f"f{film}" for film in history)}
    assert len(second.items) == 10
    assert not barred & {film.id for film in second.items}


def test_a_wish_that_few_films_meet_is_answered_exactly(
    artefact: Artefact, index: FilmIndex
) -> None:
    rare, common = Ask(user="1", genres=("Western",)), Ask(user="1", genres=("Comedy",))
    strange, nobody = Ask(likes=("id:f9", "id:f12")), Ask()
    lists = both(artefact, index, [rare, common, strange, nobody, Ask(user="2", k=2900)])
    assert lists[0] == (["f7"], ["f7"])
    assert all(len(near) == len(exact) for exact, near in lists)
    assert lists[3][0] == lists[3][1]
    assert lists[4][0] == lists[4][1]


def test_diversity_picks_from_what_the_index_finds(artefact: Artefact, index: FilmIndex) -> None:
    ((exact, near),) = both(artefact, index, [Ask(user="4", diversity=0.5)])
    assert len({*exact} & {*near}) >= 8


@pytest.mark.parametrize("name", ["mf", "ials"])
def test_scores_are_products_of_the_factors(name: str) -> None:
    board = checkerboard()
    model = fitted(name, board if name == "mf" else likes(board))
    assert isinstance(model, DotProduct)
    for queries in (board.queries(), board.queries().forget_users()):
        people, offset = model.person_factors(queries)
        products = people @ model.film_factors().T + offset
        torch.testing.assert_close(products, model.score(queries), rtol=1e-4, atol=1e-5)


def test_of_films_of_equal_score_the_favoured_come_first(artefact: Artefact) -> None:
    """Two copies of each vector: whichever is favoured stands before the other."""
    model = build("mf", {"dim": DIM}, artefact.model.sizes)
    with torch.no_grad():
        vectors = artefact.model.items.weight[: FILMS // 2]  # type: ignore[union-attr]
        model.items.weight.copy_(vectors.repeat(2, 1))  # type: ignore[union-attr]
    rank = np.arange(FILMS)[::-1].copy()
    items, scores = FilmIndex(model, rank).search(artefact.history.queries(np.arange(5)), 40)
    for row, values in zip(items.tolist(), scores.tolist(), strict=True):
        assert row == sorted(row, reverse=True)
        told = dict(zip(row, values, strict=True))
        pairs = [film for film in row if film + FILMS // 2 in told]
        assert pairs
        assert all(told[film] == told[film + FILMS // 2] for film in pairs)


def test_a_model_without_products_is_refused(make_run: Callable[..., Artefact]) -> None:
    run = make_run()
    with pytest.raises(ConfigError, match=r"ease are not inner products.* such as mf or ials"):
        FilmIndex(run.model, run.rank)


def test_without_the_extra_it_says_what_to_install(
    artefact: Artefact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    model: Recommender = artefact.model
    with pytest.raises(ConfigError, match=r"pip install 'matinee\[index\]'"):
        FilmIndex(model, artefact.rank)
