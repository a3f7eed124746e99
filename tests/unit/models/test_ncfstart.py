"""Neural collaborative filtering that starts from the factors of another model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from matinee.data.interactions import Interactions
from matinee.engine import fit
from matinee.errors import ConfigError
from matinee.models import NeuMF, Sizes, build
from matinee.models.ncf import GMF, NCF
from matinee.models.ncfstart import logistic_curve
from matinee.training import TrainerConfig
from support.boards import checkerboard, likes

IALS = {"start": "ials", "unobserved": 0.1, "dim": 4}


@pytest.fixture
def data() -> Interactions:
    return likes(checkerboard())


def started(name: str, data: Interactions, **settings: object) -> tuple[NCF, torch.Tensor]:
    """A model as it is before its first step, and the scores of what it started from."""
    model = build(name, {**IALS, **settings}, Sizes.of(data))
    assert isinstance(model, NCF)
    parts = model.pretraining()
    for part in parts.values():
        fit(part, data)
    return model.adopt(parts, data), parts["ials"].score(data.queries())


def test_the_curve_is_the_likeliest_that_another_method_finds() -> None:
    random = torch.Generator().manual_seed(2)
    rated = 0.6 + 0.3 * torch.randn(300, generator=random)
    unrated = 0.1 + 0.2 * torch.randn(900, generator=random)

    def loss(line: np.ndarray) -> float:
        odds = [line[0] * part.double().numpy() + line[1] for part in (rated, unrated)]
        return np.logaddexp(0, -odds[0]).sum() + np.logaddexp(0, odds[1]).sum()

    found = minimize(loss, [0.0, 0.0])
    slope, bias = logistic_curve(rated, unrated)
    assert [float(slope), float(bias)] == pytest.approx(found.x, rel=1e-2)


def test_what_speaks_against_a_film_is_not_turned_around() -> None:
    slope, _ = logistic_curve(torch.zeros(8), torch.ones(8))
    assert slope == 0


def test_gmf_starts_with_the_order_of_the_factorisation_in_log_odds(data: Interactions) -> None:
    model, others = started("gmf", data)
    scores = model.score(data.queries())
    line = np.polyfit(others.flatten(), scores.flatten().detach(), 1)
    assert line[0] > 0
    torch.testing.assert_close(scores, line[0] * others + line[1], rtol=1e-3, atol=1e-3)
    chance = scores.sigmoid()
    rated = torch.from_numpy(data.matrix().toarray() > 0)
    assert chance[rated].mean() > 0.7
    assert chance[~rated].mean() < 0.4


def test_people_and_films_start_equally_long(data: Interactions) -> None:
    model, _ = started("gmf", data)
    users, items = (float(t.weight.detach().square().mean()) for t in (model.users, model.items))
    assert users == pytest.approx(items, rel=1e-4)


def test_factors_that_a_great_penalty_makes_0_are_numbers(data: Interactions) -> None:
    model, _ = started("gmf", data, ridge=1e6)
    assert model.users.weight.isfinite().all()
    assert model.items.weight.isfinite().all()


@pytest.mark.parametrize("name", ["gmf", "neumf"])
@pytest.mark.parametrize("setting", ["unobserved", "ridge"])
def test_settings_of_a_start_that_is_not_asked_for_are_refused(
    name: str, setting: str, data: Interactions
) -> None:
    with pytest.raises(ConfigError, match=rf"{setting}.*start = ials"):
        build(name, {setting: 0.1}, Sizes.of(data))


def test_the_tower_of_neumf_starts_as_it_would_anyway(data: Interactions) -> None:
    tower = {"tower": (8, 4)}
    torch.manual_seed(0)
    model, _ = started("neumf", data, **tower)
    torch.manual_seed(0)
    plain = build("neumf", {"dim": 4, **tower}, Sizes.of(data))
    assert isinstance(plain, NeuMF)
    assert torch.equal(model.users.weight[:, 4:], plain.users.weight[:, 4:])
    assert torch.equal(model.out.weight[:, 4:], plain.out.weight[:, 4:])
    assert not torch.equal(model.users.weight[:, :4], plain.users.weight[:, :4])


def test_a_branch_that_is_pretrained_starts_the_same_way(data: Interactions) -> None:
    model = build("neumf", {**IALS, "pretrain": True, "tower": (8, 4)}, Sizes.of(data))
    assert isinstance(model, NeuMF)
    branches = model.pretraining()
    gmf = branches["gmf"]
    assert isinstance(gmf, GMF)
    assert (gmf.config.start, gmf.config.unobserved) == ("ials", 0.1)
    assert list(gmf.pretraining()) == ["ials"]


def test_training_takes_it_from_there(data: Interactions) -> None:
    loop = TrainerConfig(epochs=1, batch_size=256)
    losses = [
        fit(build("gmf", {"dim": 4, **start}, Sizes.of(data)), data, loop).records[-1].loss
        for start in (IALS, {})
    ]
    assert losses[0] < 0.8 * losses[1]


def test_a_weight_of_branches_that_are_not_pretrained_is_refused(data: Interactions) -> None:
    with pytest.raises(ConfigError, match=r"alpha.*pretrain = true"):
        build("neumf", {"alpha": 0.3}, Sizes.of(data))
