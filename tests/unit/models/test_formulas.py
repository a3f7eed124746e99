"""Each model against its formula, worked out the slow way."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn

from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.errors import ConfigError, DataError
from matinee.models import Sizes, build
from matinee.models.factorisation import BiasedMF
from matinee.models.ials import IALS, conjugate_gradient
from matinee.models.ncf import NCF
from support.boards import checkerboard, fitted, likes

DAY = 86_400


@pytest.fixture
def data() -> Interactions:
    """Four people, four films; nobody rated film 3.

    user 0: films 0 1, user 1: films 0 1 2, user 2: film 2, user 3: film 0.
    """
    users, items = [0, 0, 1, 1, 1, 2, 3], [0, 1, 0, 1, 2, 2, 0]
    times = [0, 0, 0, 0, 10 * DAY, 20 * DAY, 20 * DAY]
    built = Interactions.build(users, items, [5, 4, 3, 2, 1, 5, 4], times)
    bare = Interactions.build([0], [3]).catalogue
    return Interactions.build(built.users, built.items, built.ratings, built.times, catalogue=bare)


def test_popularity_counts(data: Interactions) -> None:
    scores = fitted("popularity", data).score(data.queries())
    assert scores.tolist() == [[3, 2, 2, 0]] * 4


def test_recent_popularity_halves_every_half_life(data: Interactions) -> None:
    # film 0: two ratings of day 0 at 1/4 each and one of day 20; film 2: days 10 and 20
    scores = fitted("popularity", data, half_life=10).score(data.queries())
    assert scores[0].tolist() == pytest.approx([1.5, 0.5, 1.5, 0])


@pytest.mark.parametrize("name", ["popularity", "ease"])
def test_what_fades_needs_times(name: str) -> None:
    timeless = Interactions.build([0, 1], [0, 1])
    with pytest.raises(DataError, match="no times"):
        fitted(name, timeless, half_life=10)


def test_item_neighbours_are_shrunk_cosines(data: Interactions) -> None:
    # |U| = 3, 2, 2; films 0 and 1 share two people, 0 and 2 one, 1 and 2 one
    model = fitted("itemknn", data, neighbours=3, shrinkage=0.5)
    scores = model.score(Queries.anonymous([[0], [1, 2]]))
    s01, s02, s12 = 2 / (math.sqrt(6) + 0.5), 1 / (math.sqrt(6) + 0.5), 1 / 2.5
    assert scores[0].tolist() == pytest.approx([0, s01, s02, 0])
    assert scores[1].tolist() == pytest.approx([s01 + s02, s12, s12, 0])


def test_only_the_nearest_neighbours_count(data: Interactions) -> None:
    model = fitted("itemknn", data, neighbours=1, shrinkage=0.0)
    scores = model.score(Queries.anonymous([[0, 1, 2]]))
    # the nearest of film 0 is film 1, that of film 1 is film 0, that of film 2 is film 1
    assert scores[0].tolist() == pytest.approx([2 / math.sqrt(6), 2 / math.sqrt(6), 0.5, 0])


def test_user_neighbours_are_shrunk_cosines_without_oneself(data: Interactions) -> None:
    model = fitted("userknn", data, neighbours=4, shrinkage=1.0)
    to_1, to_3 = 2 / (math.sqrt(6) + 1), 1 / (math.sqrt(2) + 1)
    known = model.score(data.queries(np.array([0])))
    assert known[0].tolist() == pytest.approx([to_1 + to_3, to_1, to_1, 0])
    to_0 = 2 / (2 + 1)  # a stranger with the same history has user 0 for a neighbour
    stranger = model.score(Queries.anonymous([[0, 1]]))
    assert stranger[0].tolist() == pytest.approx([to_0 + to_1 + to_3, to_0 + to_1, to_1, 0])


def test_ease_is_the_best_zero_diagonal_ridge() -> None:
    """Each column is a ridge regression of one film on all others."""
    random = np.random.default_rng(0)
    X = (random.random((30, 6)) < 0.4).astype(np.float64)
    users, items = X.nonzero()
    data = Interactions.build(users, items)
    weights = fitted("ease", data, l2=2.0).weights.numpy()
    for film in range(6):
        others = [i for i in range(6) if i != film]
        A, b = X[:, others], X[:, film]
        expected = np.linalg.solve(A.T @ A + 2.0 * np.eye(5), A.T @ b)
        np.testing.assert_allclose(weights[others, film], expected, atol=1e-5)
        assert weights[film, film] == 0


def test_fading_ease_is_ease_on_what_ratings_still_weigh() -> None:
    random = np.random.default_rng(0)
    users, items = (random.random((30, 6)) < 0.4).nonzero()
    days = random.integers(40, size=len(users))
    data = Interactions.build(users, items, None, days * DAY)
    X = np.zeros((30, 6))
    X[users, items] = 0.5 ** ((days.max() - days) / 20 / 2)  # two films weigh their product
    inverse = np.linalg.inv(X.T @ X + 2.0 * np.eye(6))
    expected = np.eye(6) - inverse / np.diag(inverse)
    weights = fitted("ease", data, l2=2.0, half_life=20).weights
    np.testing.assert_allclose(weights.numpy(), expected, atol=1e-5)


def test_edlae_is_the_best_over_all_ways_to_drop_films() -> None:
    """Every film foretold from every subset of the others, each as often as it is drawn."""
    random = np.random.default_rng(0)
    X, dropout, l2 = (random.random((30, 5)) < 0.5).astype(np.float64), 0.3, 2.0
    weights = fitted("edlae", Interactions.build(*X.nonzero()), l2=l2, dropout=dropout).weights
    kept = 1 - dropout
    for film in range(5):
        others = [i for i in range(5) if i != film]
        normal, right = kept**2 * l2 * np.eye(4), np.zeros(4)
        for mask in product([0, 1], repeat=4):
            odds = kept ** sum(mask) * dropout ** (4 - sum(mask))
            A = X[:, others] * mask
            normal, right = normal + odds * A.T @ A, right + odds * A.T @ X[:, film]
        # It is asked with all films instead of a share, so that each says but a share of it.
        expected = kept * np.linalg.solve(normal, right)
        np.testing.assert_allclose(weights[others, film].numpy(), expected, atol=1e-5)


def test_ease_says_nothing_of_films_nobody_rated(data: Interactions) -> None:
    weights = fitted("ease", data, l2=1.0).weights
    assert weights[3].abs().sum() == 0
    assert weights[:, 3].abs().sum() == 0


def ials_objective(model: IALS, data: Interactions, people: torch.Tensor) -> float:
    """The objective of the docstring, over every pair."""
    c = model.config
    W, H = people.double(), model.factors.double()
    scores, X = W @ H.T, torch.from_numpy(data.matrix().toarray()).double()
    n_users, n_items = X.shape
    fit = (X * (1 - scores).square()).sum() + c.unobserved * scores.square().sum()
    by_user = c.l2 * (X.sum(1) + c.unobserved * n_items) ** c.exponent
    by_item = c.l2 * (X.sum(0) + c.unobserved * n_users) ** c.exponent
    penalty = (by_user * W.square().sum(1)).sum() + (by_item * H.square().sum(1)).sum()
    return float(fit + penalty)


def test_ials_people_minimise_the_objective() -> None:
    data = likes(checkerboard(people=12, films=8))
    model = fitted("ials", data, dim=3, epochs=3, l2=0.1, exponent=0.5)
    assert isinstance(model, IALS)
    people = model.score(data.queries()) @ torch.linalg.pinv(model.factors.T)
    best = ials_objective(model, data, people)
    random = torch.Generator().manual_seed(0)
    for _ in range(20):
        other = people + 0.01 * torch.randn(people.shape, generator=random)
        assert ials_objective(model, data, other) > best


def test_more_sweeps_of_ials_never_raise_the_objective() -> None:
    data = likes(checkerboard(people=12, films=8))
    values: list[float] = []
    for epochs in (1, 2, 4, 8):
        model = fitted("ials", data, dim=3, epochs=epochs, l2=0.1)
        assert isinstance(model, IALS)
        people = model.score(data.queries()) @ torch.linalg.pinv(model.factors.T)
        values.append(ials_objective(model, data, people))
    assert values == sorted(values, reverse=True)


def test_enough_steps_of_conjugate_gradient_are_the_solution() -> None:
    random = torch.Generator().manual_seed(0)
    roots = torch.randn(5, 4, 4, generator=random, dtype=torch.float64)
    normal = roots @ roots.mT + torch.eye(4)
    right, start = torch.randn(2, 5, 4, generator=random, dtype=torch.float64)
    solution = torch.linalg.solve(normal, right)
    start[0] = solution[0]  # who has arrived stays

    def image(x: torch.Tensor) -> torch.Tensor:
        return (normal @ x[..., None]).squeeze(2)

    errors = [(conjugate_gradient(image, right, start, n) - solution).norm() for n in range(6)]
    assert errors[1] > 0.01
    assert errors[4] < 1e-9
    assert errors[5] < 1e-9


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dim", [3, 8, 37])
def test_the_compiled_sweeps_of_ials_are_those_of_its_twin(
    dim: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    board = likes(checkerboard(people=30, films=14))
    data = board.take((board.items != 3) & (board.users != 4))  # one of each without ratings
    monkeypatch.setattr("torch.get_num_threads", lambda: threads)
    factors: list[torch.Tensor] = []
    for compiled in (True, False):
        monkeypatch.setattr("matinee.kernels.available", lambda compiled=compiled: compiled)
        model = fitted("ials", data, dim=dim, epochs=3, l2=0.05, exponent=0.5, steps=2)
        assert isinstance(model, IALS)
        factors.append(model.factors)
    assert factors[0].abs().max() > 0.1
    assert not factors[0][3].any()
    torch.testing.assert_close(factors[0], factors[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["gmf", "mlp", "neumf"])
def test_ncf_is_the_published_network(name: str) -> None:
    """The two halves of the first layer, added, are the layer on both vectors together."""
    settings = {"gmf": {"dim": 5}, "mlp": {"tower": (6, 4, 3)}}
    config = settings.get(name, {**settings["gmf"], **settings["mlp"]})
    model = build(name, config, Sizes(4, 7, 0), seed=1).eval()
    assert isinstance(model, NCF)
    for table in (model.users, model.items):
        nn.init.normal_(table.weight)
    dim = model.dim
    for user in range(4):
        for item in range(7):
            p, q = model.users.weight[user], model.items.weight[item]
            parts = [p[:dim] * q[:dim]]
            if model.tower is not None:
                parts.append(model.tower.layers(torch.cat([p[dim:], q[dim:]])))
            expected = model.out(torch.cat(parts))
            query = Queries.anonymous([[]])
            query = Queries(
                torch.tensor([user]),
                *(getattr(query, f) for f in ("offsets", "items", "ratings", "times", "at")),
            )
            torch.testing.assert_close(model.score(query)[0, item], expected[0])


def test_ncf_loss_is_mean_cross_entropy() -> None:
    model = build("gmf", {"dim": 3}, Sizes(3, 6, 0))
    assert isinstance(model, NCF)
    batch = {"users": torch.tensor([0, 2]), "items": torch.tensor([[1, 4, 5], [0, 2, 3]])}
    logits = model.logits(model.users(batch["users"]), model.items(batch["items"]))
    labels = torch.tensor([[1.0, 0, 0], [1, 0, 0]])
    expected = nn.functional.binary_cross_entropy_with_logits(logits, labels)
    torch.testing.assert_close(model(batch), expected)


@pytest.mark.parametrize("tower", [(5, 4), (8,), (8, 0)])
def test_an_impossible_tower_is_refused(tower: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="tower"):
        build("mlp", {"tower": tower}, Sizes(3, 4, 5))


@pytest.mark.parametrize("length", [2, 12])
def test_a_new_persons_stars_minimise_the_training_loss(length: int) -> None:
    """Folding in is exact: SciPy finds no better vector, the penalty being that of `usual`."""
    data = checkerboard(people=20, films=12)
    model = fitted("mf", data, dim=3)
    assert isinstance(model, BiasedMF)
    history, stars = list(range(length)), [5.0, 1.0] * (length // 2)
    ours = model.people(Queries.anonymous([history], [stars]))[0].double().numpy()
    films = model.items.weight.detach().double().numpy()[history]
    given = max(length, len(data) / 20)

    def loss(row: np.ndarray) -> float:
        predicted = float(model.mean) + films[:, -1] + row[-1] + films[:, :-1] @ row[:-1]
        penalty = model.config.l2 * (row[:-1] ** 2).sum() + model.config.bias_l2 * row[-1] ** 2
        return float(((predicted - stars) ** 2).sum() + given * penalty)

    best = minimize(loss, np.zeros_like(ours), tol=1e-12)
    np.testing.assert_allclose(ours, best.x, atol=1e-3)
    assert loss(ours) <= best.fun + 1e-6
