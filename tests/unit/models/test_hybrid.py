"""Hybrids: how members are named, joined and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.data.texts import FIELDS, tfidf
from matinee.engine import TrainerConfig, fit
from matinee.errors import ConfigError, UnknownName
from matinee.models import Sizes, build
from matinee.models.hybrid import WeightedConfig, standardised
from matinee.models.ncf import GMF
from support.boards import SMALL, checkerboard, fitted, likes

EASE_TFIDF = {"members": ("ease", "tfidf"), "options": {"ease": SMALL["ease"]}}


@pytest.fixture(scope="module")
def data() -> Interactions:
    """The likes of the checkerboard, with nobody having rated films 14 and 15."""
    board = likes(checkerboard())
    return board.take(board.items < 14)


def test_standardised_by_hand() -> None:
    """Unseen scores 1, 3 have mean 2 and deviation 1; the seen one is brought along."""
    scores = standardised(torch.tensor([[1.0, 5.0, 3.0]]), Queries.anonymous([[1]]))
    assert scores.tolist() == [[-1.0, 3.0, 1.0]]


def test_standardised_scores_that_say_nothing_are_zero() -> None:
    asked = Queries.anonymous([[1], [0, 1, 2]])
    assert not standardised(torch.tensor([[0.1, 9, 0.1], [1, 2, 3]]), asked).any()


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_scale_of_a_member_does_not_matter(scale: float) -> None:
    scores = torch.randn(4, 30, generator=torch.Generator().manual_seed(0))
    asked = Queries.anonymous([[1, 2], [], [3], [29]])
    torch.testing.assert_close(
        standardised(scale * (scores + 1), asked), standardised(scores, asked), atol=1e-3, rtol=1e-3
    )


@pytest.mark.parametrize(("weight", "member"), [(0.0, "ease"), (1.0, "tfidf")])
def test_all_the_weight_on_one_member_is_that_member(
    data: Interactions, weight: float, member: str
) -> None:
    hybrid = fitted("weighted", data, **EASE_TFIDF, weight=weight)
    alone = fitted(member, data, **hybrid.config.options.get(member, {"vocabulary": 4096}))
    queries = data.queries()
    expected = standardised(alone.score(queries), queries)
    torch.testing.assert_close(hybrid.score(queries), expected, atol=1e-4, rtol=1e-4)


def test_people_with_short_histories_are_served_by_the_second(data: Interactions) -> None:
    model = fitted("switching", data, **EASE_TFIDF, person_ratings=2, film_ratings=0)
    queries = Queries.anonymous([[0], [0, 2]])
    first, second = (standardised(part.score(queries), queries) for part in model.parts())
    torch.testing.assert_close(model.score(queries), torch.stack([second[0], first[1]]))


def test_films_with_few_ratings_are_scored_by_the_second(data: Interactions) -> None:
    model = fitted("switching", data, **EASE_TFIDF, person_ratings=0, film_ratings=1)
    queries = Queries.anonymous([[0, 2]], rating=5.0)
    first, second = (standardised(part.score(queries), queries) for part in model.parts())
    torch.testing.assert_close(model.score(queries)[:, :14], first[:, :14])
    torch.testing.assert_close(model.score(queries)[:, 14:], second[:, 14:])
    assert model.score(queries)[0, 14] > model.score(queries)[0, 15]


def test_augmented_is_the_inverse_of_ratings_and_terms_together(data: Interactions) -> None:
    model = fitted("augmented", data, l2=2.0, content=3.0)
    ratings = data.matrix().toarray().astype(np.float64)
    terms = tfidf(data.catalogue, dict.fromkeys(FIELDS, 1.0), vocabulary=99).toarray()
    inverse = np.linalg.inv(ratings.T @ ratings + 3 * terms @ terms.T + 2 * np.eye(16))
    expected = np.eye(16) - inverse / np.diag(inverse)
    np.testing.assert_allclose(model.weights.numpy(), expected, atol=1e-5)


def test_augmented_without_content_is_ease(data: Interactions) -> None:
    ours, theirs = fitted("augmented", data, l2=2.0, content=0.0), fitted("ease", data, l2=2.0)
    torch.testing.assert_close(ours.weights, theirs.weights)


def test_augmented_finds_films_nobody_has_rated(data: Interactions) -> None:
    scores = fitted("augmented", data).score(Queries.anonymous([[0, 2], [1, 3]]))
    assert scores[0, 14] > scores[0, 15]
    assert scores[1, 15] > scores[1, 14]


def test_what_members_know_is_in_the_state(data: Interactions) -> None:
    state = fitted("weighted", data, **EASE_TFIDF).state_dict()
    assert {"members.0.weights", "members.1.terms.columns"} <= set(state)


def test_a_hybrid_may_be_a_member(data: Interactions) -> None:
    inner = {"members": ("popularity", "itemknn")}
    model = fitted(
        "weighted", data, members=("weighted", "tfidf"), options={"weighted": inner}, weight=0.5
    )
    assert torch.isfinite(model.score(data.queries())).all()


def test_likeness_is_that_of_the_first_member_that_can_tell(data: Interactions) -> None:
    model = fitted("weighted", data, **EASE_TFIDF)
    first, second = model.parts()
    rated, unrated = model.alike(0), model.alike(14)
    assert rated is not None
    assert unrated is not None
    assert torch.equal(rated, first.alike(0))
    films = fitted("weighted", data, members=("popularity", "tfidf"), options={}).alike(14)
    assert torch.equal(films, second.alike(14))


@pytest.mark.parametrize(
    ("settings", "error", "told"),
    [
        ({"members": ("eas", "tfidf")}, UnknownName, "members: .*'ease'"),
        ({"options": {"itemknn": {}}}, UnknownName, "itemknn"),
        ({"options": {"ease": {"l3": 1}}}, ConfigError, "l2"),
        ({"members": ("ease",)}, ConfigError, "members"),
        ({"members": ("ease", "ease")}, ConfigError, "members: .*ease is named twice"),
    ],
)
def test_what_cannot_be_is_refused_by_name(settings: dict, error: type, told: str) -> None:
    with pytest.raises(error, match=told):
        build("weighted", settings, Sizes(3, 4, 5))


def test_films_without_any_field_are_scored_by_nobody() -> None:
    """Content without content: the scores say nothing, and the first member decides."""
    films = Catalogue.from_frame(pl.DataFrame({"id": list("abcd")}))
    data = Interactions.build([0, 0, 1, 1], [0, 1, 0, 2], catalogue=films)
    hybrid = fitted("weighted", data, **EASE_TFIDF, weight=0.5)
    scores, (ease, _) = hybrid.score(data.queries()), hybrid.parts()
    expected = standardised(ease.score(data.queries()), data.queries()) / 2
    torch.testing.assert_close(scores, expected)


def test_a_member_is_trained_with_the_settings_of_its_own_loop(
    data: Interactions, tmp_path: Path
) -> None:
    """As it would be alone, its log and checkpoints in a folder of its own."""
    members = {"members": ["gmf", "ease"], "options": {"gmf": {"dim": 4, "epochs": 3}}}
    hybrid = build("weighted", members | {"weight": 0.0}, Sizes.of(data), seed=1)
    fit(hybrid, data, seed=1, folder=tmp_path)
    alone = build("gmf", {"dim": 4}, Sizes.of(data), seed=1)
    fit(alone, data, TrainerConfig(**{**GMF.defaults, "epochs": 3}), seed=1)
    queries = data.queries()
    expected = standardised(alone.score(queries), queries)
    torch.testing.assert_close(hybrid.score(queries), expected, atol=1e-5, rtol=1e-5)
    log = tmp_path / "members" / "1-gmf" / "metrics.jsonl"
    assert len(log.read_text().splitlines()) == 3


@pytest.mark.parametrize("setting", [{"patience": 2}, {"epoch": 3}, {"epochs": 0}])
def test_a_member_refuses_what_its_loop_cannot_do(setting: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        WeightedConfig.parse({"members": ["gmf", "ease"], "options": {"gmf": setting}})
