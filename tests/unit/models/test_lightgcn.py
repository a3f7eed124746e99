"""LightGCN against a dense twin, and newcomers against those known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.data.simulate import simulate
from matinee.models import Sizes, build
from matinee.models.graph import LightGCN
from support.boards import checkerboard, fitted, likes


@pytest.fixture
def data() -> Interactions:
    """Likes, but none of film 4 and none by person 3."""
    board = likes(checkerboard(people=12, films=8))
    return board.take((board.items != 4) & (board.users != 3))


def dense(model: LightGCN, data: Interactions) -> tuple[list[Tensor], list[Tensor]]:
    """The vectors of people and films in each layer, by the whole adjacency matrix."""
    X = torch.from_numpy(data.matrix().toarray())
    n = len(X)
    A = torch.zeros(sum(X.shape), sum(X.shape))
    A[:n, n:], A[n:, :n] = X, X.T
    degrees = A.sum(1)
    D = torch.diag(torch.where(degrees > 0, degrees**-0.5, 0.0))
    layers = [torch.cat([model.people, model.films])]
    for _ in range(model.config.layers):
        layers.append(D @ A @ D @ layers[-1])
    return [layer[:n] for layer in layers], [layer[n:] for layer in layers]


def ready(data: Interactions, layers: int) -> LightGCN:
    model = build("lightgcn", {"dim": 3, "layers": layers}, Sizes.of(data))
    assert isinstance(model, LightGCN)
    model.prepare(data)
    return model


@pytest.mark.parametrize("layers", [1, 3])
def test_loss_and_gradients_are_those_of_a_dense_twin(data: Interactions, layers: int) -> None:
    model = ready(data, layers)
    batch = model.batches(data, batch_size=5, seed=0).batch(0, 0)
    people, films = (torch.stack(side).mean(0) for side in dense(model, data))
    odds = (people @ films.T).log_softmax(1)
    expected = -odds[batch["people"][batch["wanted_rows"]], batch["wanted"]].mean()
    found = []
    for loss in (model(batch), expected):
        model.zero_grad()
        loss.backward()
        given = [weight.grad for weight in (model.people, model.films)]
        found.append([loss.detach(), *(g.clone() for g in given if g is not None)])
    torch.testing.assert_close(*found)


def test_scores_of_those_known_are_products_of_the_means(data: Interactions) -> None:
    model = ready(data, 2)
    people, films = (torch.stack(side).mean(0) for side in dense(model, data))
    scores = model.eval().score(data.queries())
    torch.testing.assert_close(scores, (people @ films.T).detach())


def test_a_newcomer_is_the_films_layers_and_the_usual_own_vector(data: Interactions) -> None:
    model = ready(data, 1)
    gathered = dense(model, data)[0][1] / 2
    # Where own vectors follow from what is gathered, what they usually are is what they are.
    with torch.no_grad():
        model.people.copy_(gathered @ torch.randn(3, 3, generator=torch.manual_seed(0)))
    queries = data.queries(data.active_users)
    model.eval()
    torch.testing.assert_close(model.score(queries), model.score(queries.forget_users()))


def test_an_empty_history_says_nothing(data: Interactions) -> None:
    assert not ready(data, 2).eval().score(Queries.anonymous([[]])).any()


def test_a_loaded_model_answers_as_the_one_that_was_saved(data: Interactions) -> None:
    """What is needed to answer is in its state, the graph is not."""
    model = fitted("lightgcn", data)
    twin = build("lightgcn", {"dim": 4, "layers": 2}, Sizes.of(data), seed=5)
    twin.load_state_dict(model.state_dict())
    for queries in (data.queries(), data.queries().forget_users()):
        assert torch.equal(model.score(queries), twin.eval().score(queries))


def test_people_asked_as_strangers_get_nearly_their_own_lists() -> None:
    data = simulate(120, 60, 2400)
    model = fitted("lightgcn", data, dim=8)
    shared = [
        len(set(ours) & set(theirs)) / 10
        for ours, theirs in zip(
            *(model.score(q).topk(10).indices.tolist() for q in _both(data)), strict=True
        )
    ]
    assert np.mean(shared) > 0.75


def _both(data: Interactions) -> tuple[Queries, Queries]:
    return data.queries(), data.queries().forget_users()
