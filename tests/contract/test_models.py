"""What every model must keep to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.errors import ConfigError, UnknownName
from matinee.models import MODELS, RatingPredictor, Recommender, Sizes, build
from support.boards import ORDERED, SMALL, STARS, fitted, staircase, training

Fitted = Callable[[str], Recommender]

PERSONAL = sorted(set(MODELS) - {"popularity"})
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def test_settings_survive_a_round_trip(name: str) -> None:
    config = MODELS[name].Config.parse(SMALL.get(name, {}))
    assert MODELS[name].Config.parse(config.model_dump(mode="json")) == config


def test_every_setting_is_documented(name: str) -> None:
    for key, field in MODELS[name].Config.model_fields.items():
        assert field.description, f"{name}: {key} has no docstring"


def test_a_misspelt_setting_is_refused_with_the_right_one(name: str) -> None:
    valid = next(iter(MODELS[name].Config.model_fields))
    with pytest.raises(ConfigError, match=valid):
        build(name, {valid + "x": 1}, Sizes(3, 4, 5))


def test_a_misspelt_model_suggests_the_right_one() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'neumf'"):
        build("neunf", {}, Sizes(3, 4, 5))


def test_state_has_its_final_shapes_before_any_data(
    name: str, trained: Fitted, board: Interactions
) -> None:
    data = training(name, board)
    fresh = build(name, SMALL.get(name, {}), Sizes.of(data))
    shapes = {key: value.shape for key, value in fresh.state_dict().items()}
    assert shapes == {key: value.shape for key, value in trained(name).state_dict().items()}


def test_scores_have_the_promised_shape(name: str, trained: Fitted, board: Interactions) -> None:
    scores = trained(name).score(board.queries(np.arange(5)))
    assert scores.shape == (5, board.n_items)
    assert scores.dtype == torch.float32
    assert not scores.requires_grad
    assert torch.isfinite(scores).all()


@pytest.mark.parametrize("strangers", [False, True])
def test_candidates_get_the_scores_they_get_among_all(
    name: str, trained: Fitted, board: Interactions, strangers: bool
) -> None:
    model, queries = trained(name), board.queries(np.arange(6))
    queries = queries.forget_users() if strangers else queries
    everything = model.score(queries)
    for_all = torch.tensor([3, 0, 7])
    torch.testing.assert_close(model.score(queries, for_all), everything[:, for_all], **CLOSE)
    for_each = torch.randint(0, board.n_items, (6, 4), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        model.score(queries, for_each), everything.gather(1, for_each), **CLOSE
    )


@pytest.mark.parametrize("strangers", [False, True])
def test_a_batch_scores_as_one_by_one(
    name: str, trained: Fitted, board: Interactions, strangers: bool
) -> None:
    model, queries = trained(name), board.queries(np.arange(8))
    queries = queries.forget_users() if strangers else queries
    together = model.score(queries)
    alone = torch.cat([model.score(queries.take(torch.tensor([row]))) for row in range(8)])
    torch.testing.assert_close(together, alone, **CLOSE)


def test_saved_and_loaded_it_scores_the_same_bits(
    name: str, trained: Fitted, board: Interactions, tmp_path: Path
) -> None:
    model = trained(name)
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    twin = build(name, SMALL.get(name, {}), model.sizes, seed=99).eval()
    twin.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    queries = board.queries()
    assert torch.equal(model.score(queries), twin.score(queries))
    strangers = queries.forget_users()
    assert torch.equal(model.score(strangers), twin.score(strangers))


def test_an_empty_history_is_answered(name: str, trained: Fitted, board: Interactions) -> None:
    scores = trained(name).score(Queries.anonymous([[], [0, 2], []]))
    assert scores.shape == (3, board.n_items)
    assert torch.isfinite(scores).all()


def test_scoring_draws_nothing_from_the_global_random_state(
    name: str, trained: Fitted, board: Interactions
) -> None:
    model, queries = trained(name), board.queries().forget_users()
    before = torch.random.get_rng_state()
    first = model.score(queries)
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(1)
    assert torch.equal(first, model.score(queries))


def test_fitting_is_a_function_of_the_seed(name: str, board: Interactions) -> None:
    data = training(name, board)
    torch.manual_seed(5)
    first = fitted(name, data).state_dict()
    torch.manual_seed(6)
    second = fitted(name, data).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize(
    "name",
    sorted(
        set(MODELS)
        - {"gmf", "mlp", "neumf", "mf", "bmf", "ratingdnn", "ials", "deepcontent"}
        - {"multdae", "multvae", "recvae", "lightgcn", "twotowers"}
        - {"sasrec", "gru4rec", "bert4rec", "hstu"}
    ),
)
def test_new_numbers_for_the_films_permute_the_scores(name: str, board: Interactions) -> None:
    """For models that start from no random vectors, which would go with the numbers."""
    data = training(name, board)
    to = np.random.default_rng(3).permutation(data.n_items)
    films = Catalogue.from_frame(data.catalogue.frame[np.argsort(to)])
    renamed = Interactions.build(
        data.users, to[data.items], data.ratings, data.times, catalogue=films
    )
    ours, theirs = fitted(name, data), fitted(name, renamed)
    scores, permuted = ours.score(data.queries()), theirs.score(renamed.queries())
    torch.testing.assert_close(scores, permuted[:, torch.from_numpy(to)], **CLOSE)


@pytest.mark.parametrize("name", sorted(set(PERSONAL) - set(ORDERED)))
@pytest.mark.parametrize("strangers", [False, True])
def test_on_a_checkerboard_the_own_colour_comes_first(
    name: str, trained: Fitted, board: Interactions, strangers: bool
) -> None:
    data = training(name, board)
    queries = data.queries()
    queries = queries.forget_users() if strangers else queries
    scores = trained(name).score(queries)
    scores[queries.rows, queries.items] = -torch.inf
    best = scores.topk(2).indices  # exactly two films of the own colour are unseen
    own = best % 2 == torch.arange(data.n_users)[:, None] % 2
    assert own.float().mean() >= 0.95


@pytest.mark.parametrize("name", PERSONAL)
def test_a_known_person_asked_as_a_stranger_gets_nearly_the_same(
    name: str, trained: Fitted, board: Interactions
) -> None:
    data, model = training(name, board), trained(name)
    known, stranger = (model.score(q) for q in (data.queries(), data.queries().forget_users()))
    half = data.n_items // 2
    for ours, theirs in zip(known.topk(half).indices, stranger.topk(half).indices, strict=True):
        shared = len(set(ours.tolist()) & set(theirs.tolist()))
        assert shared >= half - 2


def test_item_vectors_are_alike_within_a_colour(
    name: str, trained: Fitted, board: Interactions
) -> None:
    vectors = trained(name).item_vectors()
    if vectors is None:
        assert name in ("popularity", "userknn", "sessionknn")
        return
    assert vectors.shape[0] == board.n_items
    unit = torch.nn.functional.normalize(vectors.double(), dim=1)
    cosine = unit @ unit.T
    same = torch.arange(board.n_items)[:, None] % 2 == torch.arange(board.n_items) % 2
    itself = torch.eye(board.n_items, dtype=torch.bool)
    assert cosine[same & ~itself].mean() > cosine[~same].mean() + 0.2


def test_predicted_stars_stay_on_the_scale(name: str, trained: Fitted, board: Interactions) -> None:
    model = trained(name)
    if not isinstance(model, RatingPredictor):
        assert name not in STARS
        return
    stars = model.predict(board.queries(), torch.arange(board.n_items))
    assert stars.shape == (board.n_users, board.n_items)
    assert stars.min() >= board.scale.low
    assert stars.max() <= board.scale.high


def test_stars_told_from_scores_are_those_predicted(
    name: str, trained: Fitted, board: Interactions
) -> None:
    model = trained(name)
    told = model.stars(model.score(board.queries()))
    if told is not None:
        assert isinstance(model, RatingPredictor)
        torch.testing.assert_close(
            told, model.predict(board.queries(), torch.arange(board.n_items))
        )


@pytest.mark.parametrize("name", ORDERED)
def test_on_a_staircase_the_next_step_comes_first(name: str) -> None:
    """What follows is told by the last film alone, which no model of sets can know."""
    model = fitted(name, staircase(people=100))
    histories = [[3, 4, 5], [17, 18, 19], [9, 10], [0, 1, 2, 3, 4, 5]]
    best = model.score(Queries.anonymous(histories)).argmax(1)
    assert best.tolist() == [6, 0, 11, 6]
