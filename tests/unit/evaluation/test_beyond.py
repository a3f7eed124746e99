"""Metrics beyond accuracy against a slow oracle written from the definitions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.evaluation import beyond
from matinee.evaluation.beyond import METRICS, Shown
from matinee.evaluation.lists import mark
from matinee.evaluation.metric import Undefined

Make = Callable[..., Interactions]
N_ITEMS, N_USERS = 8, 6
GENRES = [["A"], ["A", "B"], ["B"], [], ["C"], ["A", "B", "C"], ["C"], []]


def catalogue(genres: list[list[str]]) -> Catalogue:
    ids = [str(i) for i in range(len(genres))]
    schema = {"id": pl.String(), "genres": pl.List(pl.String())}
    return Catalogue.from_frame(pl.DataFrame({"id": ids, "genres": genres}, schema=schema))


# --- the oracle: sets and dictionaries ---------------------------------------------------------


class World:
    """Lists, training ratings by user, held-out films by user, and candidates by user."""

    def __init__(
        self,
        lists: dict[int, list[int]],
        train: dict[int, set[int]],
        held: dict[int, set[int]],
        candidates: dict[int, set[int]] | None,
        order: list[int],
    ) -> None:
        self.lists, self.train, self.held = lists, train, held
        self.candidates, self.order = candidates, order
        self.count = {i: sum(i in seen for seen in train.values()) for i in range(N_ITEMS)}

    def shown(self, k: int) -> dict[int, list[int]]:
        return {u: [i for i in films[:k] if i >= 0] for u, films in self.lists.items()}


def oracle(name: str, world: World, k: int) -> float | None:
    shown = world.shown(k)
    trainable = [i for i, c in world.count.items() if c > 0]
    times = {i: sum(i in films for films in shown.values()) for i in trainable}
    if name == "coverage":
        return sum(t > 0 for t in times.values()) / len(trainable) if trainable else None
    if name == "gini":
        n, total = len(trainable), sum(times.values())
        if n < 2 or not total:
            return None
        # Half the relative mean difference of all pairs, scaled so that one film gives 1.
        apart = sum(abs(times[a] - times[b]) for a in trainable for b in trainable)
        return apart / (2 * n * total) * n / (n - 1)
    if name == "diversity":
        values = [v for films in shown.values() if (v := _diversity(films)) is not None]
    elif name == "novelty":
        users = max(1, sum(bool(seen) for seen in world.train.values()))
        values = [
            math.fsum(-math.log2(max(world.count[i], 1) / users) for i in films) / len(films)
            for films in shown.values()
            if films
        ]
    elif name == "serendipity":
        values = [_serendipity(world, u, films, k) for u, films in shown.items()]
    else:
        return _popularity_bias(world, shown)
    return math.fsum(values) / len(values) if values else None


def _diversity(films: list[int]) -> float | None:
    sets = [set(GENRES[i]) for i in films if GENRES[i]]
    pairs = list(itertools.combinations(sets, 2))
    if not pairs:
        return None
    cosines = [len(a & b) / math.sqrt(len(a) * len(b)) for a, b in pairs]
    return 1 - math.fsum(cosines) / len(pairs)


def _serendipity(world: World, user: int, films: list[int], k: int) -> float:
    allowed = set(range(N_ITEMS)) - world.train[user]
    if world.candidates is not None:
        allowed = world.candidates[user]
    popular = [i for i in world.order if i in allowed][:k]
    return sum(i in world.held[user] and i not in popular for i in films) / k


def _popularity_bias(world: World, shown: dict[int, list[int]]) -> float | None:
    def mean(films: list[int]) -> float:
        return sum(world.count[i] for i in films) / len(films)

    both = [u for u in shown if shown[u] and world.train[u]]
    if not both:
        return None
    watched = sum(mean(sorted(world.train[u])) for u in both)
    return sum(mean(shown[u]) for u in both) / watched


some_films = st.sets(st.integers(0, N_ITEMS - 1), max_size=5)


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=150, deadline=None)
@given(
    train=st.lists(some_films, min_size=N_USERS, max_size=N_USERS),
    held=st.lists(some_films, min_size=N_USERS, max_size=N_USERS),
    lists=st.lists(st.permutations(range(N_ITEMS)), min_size=N_USERS, max_size=N_USERS),
    lengths=st.lists(st.integers(0, 6), min_size=N_USERS, max_size=N_USERS),
    k=st.integers(1, 7),
    sampled=st.booleans(),
)
def test_every_metric_is_what_its_definition_says(
    make_data: Make,
    name: str,
    train: list[set[int]],
    held: list[set[int]],
    lists: list[list[int]],
    lengths: list[int],
    k: int,
    sampled: bool,
) -> None:
    films = catalogue(GENRES)
    users = [u for u in range(N_USERS) if held[u] - train[u]]
    wanted = {u: held[u] - train[u] for u in users}
    cut = {
        u: ([i for i in lists[u] if sampled or i not in train[u]][: lengths[u]] + [-1] * 6)[:6]
        for u in users
    }
    learnt = _interactions(make_data, dict(enumerate(train)), films)
    candidates = {u: set(cut[u]) - {-1} | wanted[u] for u in users} if sampled else None
    rankings = mark(
        np.array(users, np.int64),
        np.array([cut[u] for u in users], np.int64).reshape(-1, 6),
        _interactions(make_data, wanted, films),
    )
    rows = candidates and [sorted(c) + [-1] * (N_ITEMS - len(c)) for c in candidates.values()]
    shown = Shown(rankings, learnt, learnt, np.array(rows) if rows else None)
    order = np.argsort(shown.popularity_order).tolist()
    world = World(cut, dict(enumerate(train)), wanted, candidates or None, order)
    expected = oracle(name, world, k) if users else None
    if expected is None:
        if users:
            with pytest.raises(Undefined):
                METRICS[name].compute(shown, k)
        return
    assert METRICS[name].compute(shown, k).value == pytest.approx(expected, rel=1e-12, abs=1e-12)


def _interactions(make_data: Make, films: dict[int, set[int]], names: Catalogue) -> Interactions:
    pairs = [(u, i) for u, some in films.items() for i in sorted(some)]
    return make_data(pairs, N_USERS, N_ITEMS, catalogue=names)


def _shown(make_data: Make, lists: list[list[int]], n_items: int) -> Shown:
    """Everyone saw film 0 and every other film was seen once, by nobody with a list."""
    n = len(lists)
    pairs = [(u, 0) for u in range(n)] + [(n, i) for i in range(1, n_items)]
    train = make_data(pairs, n + 1, n_items)
    held = make_data([(u, n_items - 1) for u in range(n)], n + 1, n_items)
    return Shown(mark(np.arange(n), np.array(lists), held), train, train)


def test_popularity_falls_along_its_order(make_data: Make) -> None:
    shown = _shown(make_data, [[1], [2]], 5)
    assert shown.popularity_order[0] == 0
    assert sorted(shown.popularity_order) == [0, 1, 2, 3, 4]


def test_gini_runs_from_0_to_1(make_data: Make) -> None:
    assert beyond.gini(_shown(make_data, [[0], [1], [2]], 3), 1).value == pytest.approx(0)
    assert beyond.gini(_shown(make_data, [[1], [1], [1]], 3), 1).value == pytest.approx(1)


def test_everything_shown_to_all_covers_all(make_data: Make) -> None:
    figure = beyond.coverage(_shown(make_data, [[0, 1, 2]] * 3, 3), 3)
    assert figure.value == 1
    assert not figure.influence.any()


def test_without_genres_there_is_no_diversity(make_data: Make) -> None:
    with pytest.raises(Undefined):
        beyond.diversity(_shown(make_data, [[0, 1], [1, 2]], 3), 2)


def test_hits_a_popularity_list_has_are_no_serendipity(make_data: Make) -> None:
    """Film 0 was seen by all; of 1..3 all are equally popular, so k = 3 lists them all."""
    shown = _shown(make_data, [[3, 1, 2]] * 4, 4)
    assert beyond.serendipity(shown, 3).value == 0
    assert beyond.METRICS["serendipity"].compute(shown, 1).value in (0, 1)
