"""Lists: order, ties by chance, exclusion, candidates, and what must not matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare

from matinee.data.interactions import Interactions
from matinee.errors import DataError, EvaluationError
from matinee.evaluation import lists, rank
from matinee.evaluation.lists import priority, top
from matinee.splits import Fold

Make = Callable[..., Interactions]
Models = dict[str, Any]

# --- an oracle: one user, Python's sort, integers without bound --------------------------------

MASK = 2**64 - 1


def _splitmix(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def oracle_priority(user: int, item: int, seed: int) -> int:
    golden = 0x9E3779B97F4A7C15
    stream = _splitmix(((user + 1) * golden + seed) & MASK)
    return _splitmix((stream + (item + 1) * golden) & MASK) & (2**62 - 1)


def oracle_top(scores: dict[int, float], user: int, k: int, seed: int) -> list[int]:
    films = [i for i, s in scores.items() if s != -np.inf]
    films.sort(key=lambda i: (-scores[i], -oracle_priority(user, i, seed)))
    return (films + [-1] * k)[:k]


LEVELS = [0.0, 1.0, 1.5, -2.0, float("inf"), float("-inf")]


@settings(max_examples=300, deadline=None)
@given(
    rows=st.integers(1, 14).flatmap(
        lambda n: st.lists(
            st.lists(st.sampled_from(LEVELS), min_size=n, max_size=n), min_size=1, max_size=4
        )
    ),
    k=st.integers(1, 17),
    seed=st.integers(0, 2**40),
    first=st.integers(0, 10**6),
)
def test_lists_are_those_of_a_plain_sort(
    rows: list[list[float]], k: int, seed: int, first: int
) -> None:
    users = torch.arange(first, first + len(rows))
    items = torch.arange(len(rows[0])).expand(len(rows), -1)
    got = top(torch.tensor(rows), users, items, k, seed)
    expected = [
        oracle_top(dict(enumerate(row)), user, k, seed)
        for user, row in zip(users.tolist(), rows, strict=True)
    ]
    assert got.tolist() == expected


@given(
    scores=st.lists(st.integers(0, 3), min_size=3, max_size=12),
    order=st.randoms(use_true_random=False),
)
def test_where_a_film_stands_does_not_matter(scores: list[int], order: Any) -> None:
    """The same films at other places of the row give the same list, ties and all."""
    places = list(range(len(scores)))
    order.shuffle(places)
    row, films = torch.tensor([scores], dtype=torch.float64), torch.arange(len(scores))[None]
    user = torch.tensor([3])
    assert top(row, user, films, 5).equal(top(row[:, places], user, films[:, places], 5))


def test_short_list_begins_the_long_one() -> None:
    scores = torch.randint(0, 4, (50, 40), generator=torch.Generator().manual_seed(1)).float()
    users, items = torch.arange(50), torch.arange(40).expand(50, -1)
    long = top(scores, users, items, 30)
    for k in (1, 2, 7, 29):
        assert top(scores, users, items, k).equal(long[:, :k])


def test_priorities_are_spread_evenly() -> None:
    """Each film is first among 20 equals for about 1 user in 20, and neighbours differ."""
    ranks = priority(torch.arange(20_000), torch.arange(20).expand(20_000, -1), seed=0)
    assert int(ranks.min()) >= 0
    firsts = np.bincount(ranks.argmax(dim=1).numpy(), minlength=20)
    assert chisquare(firsts).pvalue > 1e-4
    assert chisquare(np.bincount(ranks.argmax(dim=0).numpy() % 10, minlength=10)).pvalue > 1e-4
    assert len(ranks.unique()) == ranks.numel()


@pytest.fixture
def crowd(make_data: Make) -> tuple[Fold, int]:
    """4,000 people, 60 films, 10 seen and 1 held out each."""
    rng = np.random.default_rng(4)
    n_users, n_items = 4_000, 60
    films = np.argsort(rng.random((n_users, n_items)), axis=1)
    seen = [(u, f) for u in range(n_users) for f in films[u, :10]]
    held = [(u, films[u, 10]) for u in range(n_users)]
    data = (make_data(part, n_users, n_items) for part in (seen, held))
    return Fold(*data), n_items


def test_constant_scorer_gets_what_chance_gets(crowd: tuple[Fold, int], models: Models) -> None:
    fold, n_items = crowd
    model = models["table"](np.zeros((4_000, n_items), np.float32))
    for seed in (lists.TIE_SEED, 1, 2):
        hits = int(rank(model, fold, k=10, seed=seed).hits.sum())
        assert binomtest(hits, 4_000, 10 / 50).pvalue > 1e-4


@pytest.mark.parametrize("position", [0, 99])
def test_constant_scorer_gets_a_tenth_of_99_negatives(
    position: int, make_data: Make, models: Models
) -> None:
    """Wherever the held-out film stands among the candidates, and whatever its number."""
    n_users, n_items = 5_000, 300
    rng = np.random.default_rng(0)
    held = rng.integers(0, 150, n_users)
    others = 150 + np.argsort(rng.random((n_users, 150)), axis=1)[:, :99]
    candidates = np.insert(others, position, held, axis=1)
    pairs = np.column_stack([np.arange(n_users), held])
    fold = Fold(
        make_data([(0, 0)], n_users, n_items), make_data(pairs, n_users, n_items), candidates
    )
    model = models["popular"](np.ones((1, n_items), np.float32))
    hits = int(rank(model, fold, k=10).hits.sum())
    assert binomtest(hits, n_users, 0.1).pvalue > 1e-4


def _random_fold(make_data: Make, rng: np.random.Generator, n_users: int, n_items: int) -> Fold:
    cell = rng.random((n_users, n_items))
    return Fold(
        make_data(np.argwhere(cell < 0.2), n_users, n_items),
        make_data(np.argwhere(cell > 0.8), n_users, n_items),
    )


@pytest.mark.parametrize("batch", [1, 2, 7, 1000])
@pytest.mark.parametrize("sampled", [False, True])
def test_batch_size_changes_nothing(
    batch: int, sampled: bool, make_data: Make, models: Models
) -> None:
    rng = np.random.default_rng(2)
    fold = _random_fold(make_data, rng, 40, 30)
    if sampled:
        candidates = np.argsort(rng.random((len(fold.users), 30)), axis=1)
        fold = Fold(fold.history, fold.held_out, candidates)
    model = models["table"](rng.integers(0, 5, (40, 30)).astype(np.float32))
    once, parts = rank(model, fold, k=12), rank(model, fold, k=12, batch=batch)
    for name in ("users", "items", "hits", "relevant"):
        np.testing.assert_array_equal(getattr(once, name), getattr(parts, name))


def test_renumbering_films_changes_no_figure_without_ties(make_data: Make, models: Models) -> None:
    rng = np.random.default_rng(3)
    fold = _random_fold(make_data, rng, 30, 25)
    scores = rng.random((30, 25))
    new = rng.permutation(25)
    moved = np.empty_like(scores)
    moved[:, new] = scores
    other = Fold(
        *(
            make_data(np.column_stack([d.users, new[d.items]]), 30, 25)
            for d in (fold.history, fold.held_out)
        )
    )
    a, b = rank(models["table"](scores), fold, k=8), rank(models["table"](moved), other, k=8)
    np.testing.assert_array_equal(a.hits, b.hits)
    np.testing.assert_array_equal(new[a.items], b.items)


def test_nothing_of_the_history_is_listed_and_short_lists_are_padded(
    make_data: Make, models: Models
) -> None:
    """Person 0 has seen 0 and 1 of 4 films, and the model rules out film 3."""
    scores = np.array([[9.0, 8.0, 1.0, -np.inf]], np.float32)
    fold = Fold(make_data([(0, 0), (0, 1)], 1, 4), make_data([(0, 2), (0, 3)], 1, 4))
    found = rank(models["table"](scores), fold, k=3)
    assert found.items.tolist() == [[2, -1, -1]]
    assert found.hits.tolist() == [[True, False, False]]
    assert found.relevant.tolist() == [2]


def test_candidates_are_ranked_even_if_seen_and_padding_never_is(
    make_data: Make, models: Models
) -> None:
    scores = np.array([[9.0, 8.0, 1.0, 7.0], [9.0, 1.0, 2.0, 3.0]])
    fold = Fold(
        make_data([(0, 1)], 2, 4),
        make_data([(0, 2), (1, 3)], 2, 4),
        np.array([[1, 2, -1], [2, 3, 1]]),
    )
    found = rank(models["table"](scores), fold, k=3)
    assert found.items.tolist() == [[1, 2, -1], [3, 2, 1]]


def test_the_model_is_left_as_it_was(make_data: Make, models: Models) -> None:
    """Its scores may be a view of its own buffer; its mode is put back."""
    model = models["popular"](np.array([[3.0, 2.0, 1.0]], np.float32))
    model.train()
    rank(model, Fold(make_data([(0, 0)], 2, 3), make_data([(0, 1), (1, 1)], 2, 3)), k=2)
    assert model.scores.tolist() == [[3.0, 2.0, 1.0]]
    assert model.training


def test_people_with_nothing_held_out_are_not_counted(make_data: Make, models: Models) -> None:
    model = models["popular"](np.array([[3.0, 2.0, 1.0]], np.float32))
    fold = Fold(make_data([(0, 0), (1, 0), (2, 0)], 3, 3), make_data([(1, 1)], 3, 3))
    assert rank(model, fold, k=1).users.tolist() == [1]


def test_progress_ends_at_all_users(make_data: Make, models: Models) -> None:
    told: list[tuple[str, int, int]] = []
    fold = Fold(make_data([(0, 0)], 5, 3), make_data([(u, 1) for u in range(5)], 5, 3))
    model = models["popular"](np.array([[3.0, 2.0, 1.0]], np.float32))
    rank(model, fold, k=1, batch=2, progress=lambda *a: told.append(a))
    assert told == [("ranking", 2, 5), ("ranking", 4, 5), ("ranking", 5, 5)]


def test_scores_that_are_no_numbers_are_refused_by_the_models_name(
    make_data: Make, models: Models
) -> None:
    model = models["table"](np.array([[1.0, np.nan]]))
    with pytest.raises(EvaluationError, match=r"table.*NaN"):
        rank(model, Fold(make_data([], 1, 2), make_data([(0, 0)], 1, 2)), k=1)


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        ([[0, 1]], "shape"),
        ([[0, 1], [0, 5]], "outside"),
        ([[0, 0], [0, 1]], "row 0.*twice"),
        ([[0, 1], [0, 2]], "first: u1.*not a candidate"),
    ],
)
def test_bad_candidates_are_refused(
    candidates: list[list[int]], message: str, make_data: Make, models: Models
) -> None:
    held = make_data([(0, 0), (1, 1)], 2, 3)
    fold = Fold(make_data([], 2, 3), held, np.array(candidates))
    with pytest.raises(DataError, match=message):
        rank(models["table"](np.ones((2, 3))), fold, k=1)


def test_folds_that_do_not_fit_are_refused(make_data: Make, models: Models) -> None:
    model = models["table"](np.ones((2, 3)))
    with pytest.raises(EvaluationError, match="nothing is held out"):
        rank(model, Fold(make_data([(0, 0)], 2, 3), make_data([], 2, 3)), k=1)
    with pytest.raises(EvaluationError, match="knows 3 films, the data have 4"):
        rank(model, Fold(make_data([], 2, 4), make_data([(0, 0)], 2, 4)), k=1)
