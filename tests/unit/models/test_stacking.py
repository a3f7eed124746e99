"""Weights of a blend that are learned on films held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor

from matinee.data.interactions import Interactions
from matinee.engine import fit
from matinee.errors import ConfigError
from matinee.models import Sizes, build
from matinee.models.hybrid import standardised
from matinee.models.stacking import Stacked, likeliest
from support.boards import SMALL, checkerboard, fitted, likes, staircase

BOTH = {"members": ("popularity", "slit"), "options": {"slit": SMALL["slit"]}}


def simulated(people: int = 40, members: int = 3, films: int = 12) -> tuple[Tensor, Tensor, Tensor]:
    """Scores of members, films seen, and films drawn from a softmax over the first two."""
    random = torch.Generator().manual_seed(3)
    scores = torch.randn(people, members, films, generator=random)
    seen = torch.rand(people, films, generator=random) < 0.2
    logits = (1.5 * scores[:, 0] + 0.5 * scores[:, 1]).masked_fill(seen, -torch.inf)
    wanted = torch.multinomial(logits.softmax(1), 1, generator=random).squeeze(1)
    return scores, seen, wanted


def test_weights_are_those_that_another_method_finds() -> None:
    scores, seen, wanted = simulated()

    def loss(weights: np.ndarray) -> float:
        logits = torch.einsum("m,bmn->bn", torch.from_numpy(weights), scores.double())
        odds = logits.masked_fill(seen, -torch.inf).log_softmax(1)
        return float(-odds.gather(1, wanted[:, None]).mean())

    found = minimize(loss, np.ones(3), method="L-BFGS-B", bounds=[(0, None)] * 3)
    torch.testing.assert_close(
        likeliest(scores, seen, wanted), torch.from_numpy(found.x).float(), rtol=0.02, atol=0.01
    )


def test_a_member_that_says_the_opposite_gets_no_weight() -> None:
    scores, seen, wanted = simulated()
    scores[:, 2] = -scores[:, 0]
    weights = likeliest(scores[:, 1:], seen, wanted)
    assert weights[1] == 0
    assert weights[0] > 0


def test_members_that_say_the_same_share_a_weight() -> None:
    scores, seen, wanted = simulated()
    twice = torch.stack([scores[:, 0], scores[:, 0]], 1)
    both, one = likeliest(twice, seen, wanted), likeliest(scores[:, :1], seen, wanted)
    torch.testing.assert_close(both.sum(), one.sum(), rtol=0.01, atol=0.0)


def test_the_member_that_foretells_gets_the_weight() -> None:
    """On stairs what comes next is told by the order alone."""
    model = fitted("stacked", staircase(), **BOTH)
    assert isinstance(model, Stacked)
    popularity, order = model.weights.tolist()
    assert order > 0.5
    assert popularity < 0.1 * order


def test_scores_are_the_weighted_sum_of_members_fitted_to_all() -> None:
    data = staircase()
    model = fitted("stacked", data, **BOTH)
    alone = [fitted(name, data) for name in BOTH["members"]]
    queries = data.queries()
    parts = [standardised(member.score(queries), queries) for member in alone]
    expected = torch.einsum("m,mbn->bn", model.weights, torch.stack(parts))
    torch.testing.assert_close(model.score(queries), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("held_out", ["last", "any"])
def test_one_film_of_each_person_is_held_out(held_out: str) -> None:
    data = staircase()
    model = build("stacked", {**BOTH, "held_out": held_out}, Sizes.of(data))
    assert isinstance(model, Stacked)
    members, train = model.rehearsal(data)
    assert [member.name for member in members] == ["popularity", "slit"]
    assert (np.diff(data.offsets) - np.diff(train.offsets) == 1).all()
    latest = train.times[train.offsets[1:] - 1] < data.times[data.offsets[1:] - 1]
    assert latest.all() == (held_out == "last")


def test_people_of_one_rating_keep_it() -> None:
    data = staircase(people=3, steps=1)
    model = build("stacked", BOTH, Sizes.of(data))
    fit(model, data)
    assert isinstance(model, Stacked)
    assert model.weights.tolist() == [0.5, 0.5]


def test_what_rehearses_keeps_its_log_apart(tmp_path: Path) -> None:
    data: Interactions = likes(checkerboard())
    options = {"gmf": {"dim": 2, "epochs": 2, "batch_size": 64}}
    model = build("stacked", {"members": ("gmf", "popularity"), "options": options}, Sizes.of(data))
    fit(model, data, folder=tmp_path)
    logs = sorted(path.relative_to(tmp_path).parts[:2] for path in tmp_path.rglob("metrics.jsonl"))
    assert logs == [("members", "1-gmf"), ("rehearsal", "1-gmf")]


def test_members_of_one_name_begin_elsewhere(tmp_path: Path) -> None:
    data: Interactions = likes(checkerboard())
    options = {"gmf": {"dim": 2, "epochs": 2, "batch_size": 64}}
    model = build("stacked", {"members": ("gmf", "gmf"), "options": options}, Sizes.of(data))
    first, second = model.parts()
    assert first.config == second.config
    assert not torch.equal(first.item_vectors(), second.item_vectors())
    second.load_state_dict(first.state_dict())
    fit(model, data, folder=tmp_path)  # what they draw in training differs as well
    assert not torch.allclose(first.item_vectors(), second.item_vectors())
    assert {path.name for path in (tmp_path / "members").iterdir()} == {"1-gmf", "2-gmf"}


def test_one_member_is_no_blend() -> None:
    with pytest.raises(ConfigError, match="members"):
        build("stacked", {"members": ("ease",)}, Sizes(3, 4, 5))
