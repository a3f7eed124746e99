"""Losses against their plain counterparts."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from matinee.models import losses
from matinee.models.losses import (
    calibrated_cross_entropy,
    linear_cross_entropy,
    sampled_cross_entropy,
)


def tensors(scale: float) -> tuple[Tensor, Tensor, Tensor]:
    """States of 30 rows, vectors of 11 films, and which film is right."""
    random = torch.Generator().manual_seed(0)
    states = (scale * torch.randn(30, 5, generator=random)).requires_grad_()
    films = torch.randn(11, 5, generator=random).requires_grad_()
    return states, films, torch.randint(11, (30,), generator=random)


@pytest.mark.parametrize("scale", [1.0, 300.0])
@pytest.mark.parametrize("limit", [1, 40, 1 << 20])
def test_loss_and_gradients_are_those_of_the_plain_cross_entropy(
    monkeypatch: pytest.MonkeyPatch, limit: int, scale: float
) -> None:
    monkeypatch.setitem(losses.LOGITS, "cpu", limit)
    monkeypatch.setattr(losses, "LEAST_ROWS", 1)
    found = []
    for loss in (
        linear_cross_entropy,
        lambda s, f, w: functional.cross_entropy(functional.linear(s, f), w),
    ):
        states, films, wanted = tensors(scale)
        value = loss(states, films, wanted)
        (2 * value).backward()
        found.append((value.detach(), states.grad, films.grad))
    for ours, plain in zip(*found, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("limit", [1, 40, 1 << 20])
def test_several_films_may_be_right_for_a_state_or_none(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setitem(losses.LOGITS, "cpu", limit)
    monkeypatch.setattr(losses, "LEAST_ROWS", 1)
    rows = torch.tensor([0, 0, 0, 2, 5, 5, 28])  # nothing is wanted of the last state
    wanted = torch.tensor([3, 1, 10, 3, 0, 10, 7])
    found = []
    for loss in (
        lambda s, f, b: linear_cross_entropy(s, f, wanted, rows=rows, bias=b),
        lambda s, f, b: functional.cross_entropy(functional.linear(s, f, b)[rows], wanted),
    ):
        states, films, _ = tensors(1.0)
        bias = torch.linspace(-1, 1, 11, requires_grad=True)
        value = loss(states, films, bias)
        (2 * value).backward()
        found.append((value.detach(), states.grad, films.grad, bias.grad))
    for ours, plain in zip(*found, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("limit", [40, 1 << 20])
def test_in_low_precision_products_are_nearly_those_of_the_plain_cross_entropy(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setitem(losses.LOGITS, "cpu", limit)
    monkeypatch.setattr(losses, "LEAST_ROWS", 1)
    monkeypatch.setattr(losses, "CONVERTED", 12)  # gradients of films are converted in parts
    found = []
    for low in (True, False):
        states, films, wanted = tensors(1.0)
        bias = torch.linspace(-1, 1, 11, requires_grad=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            value = linear_cross_entropy(states, films, wanted, bias=bias)
        value.backward()
        found.append((value.detach(), states.grad, films.grad, bias.grad))
    for ours, plain in zip(*found, strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, plain, rtol=0.02, atol=2e-3)
        assert (ours - plain).abs().max() > 0  # it was not computed in full


def test_without_anything_wanted_there_is_no_loss() -> None:
    states, films, _ = tensors(1.0)
    none = torch.empty(0, dtype=torch.int64)
    assert linear_cross_entropy(states[:0], films, none).isnan()
    assert linear_cross_entropy(states, films, none, rows=none).isnan()


def test_rows_are_shared_out_to_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(losses.LOGITS, "cpu", 40)
    monkeypatch.setattr(losses, "LEAST_ROWS", 1)
    before = torch.get_num_threads()
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        states, films, wanted = tensors(1.0)
        value = linear_cross_entropy(states, films, wanted)
        value.backward()
        found.append((value.detach(), states.grad, films.grad))
    torch.set_num_threads(before)
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two)


NEGATIVES = torch.tensor([2, 5, 9, 0])


def logits_by_row() -> list[tuple[float, list[float]]]:
    """The logit of each state's right film, and of the negatives that it is not."""
    states, films, wanted = tensors(1.0)
    logits = (states @ films.T).double().tolist()
    right = wanted.tolist()
    return [
        (row[film], [row[n] for n in NEGATIVES.tolist() if n != film])
        for row, film in zip(logits, right, strict=True)
    ]


def test_sampled_cross_entropy_is_that_among_the_right_film_and_the_drawn_ones() -> None:
    expected = [math.log(sum(math.exp(n - r) for n in [r, *ns])) for r, ns in logits_by_row()]
    ours = sampled_cross_entropy(*tensors(1.0), NEGATIVES)
    assert ours.item() == pytest.approx(sum(expected) / 30, rel=1e-5)


def test_of_all_films_the_sampled_cross_entropy_is_the_full_one() -> None:
    found = []
    for loss in (lambda *t: sampled_cross_entropy(*t, torch.arange(11)), linear_cross_entropy):
        states, films, wanted = tensors(1.0)
        value = loss(states, films, wanted)
        value.backward()
        found.append((value.detach(), states.grad, films.grad))
    for sampled, full in zip(*found, strict=True):
        torch.testing.assert_close(sampled, full, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("calibration", [0.0, 0.75, 1.0])
def test_calibrated_cross_entropy_is_the_published_one(calibration: float) -> None:
    share = 4 / 10
    exponent = share * (calibration * (1 - 1 / share) + 1 / share)
    assert calibration or exponent == pytest.approx(1)  # plain binary cross-entropy
    expected = [  # of eleven films one is right: odds of 1 to 10 before anything is known
        exponent * math.log1p(10 * math.exp(-right))
        + sum(math.log1p(math.exp(n) / 10) for n in others)
        for right, others in logits_by_row()
    ]
    ours = calibrated_cross_entropy(*tensors(1.0), NEGATIVES, calibration=calibration)
    assert ours.item() == pytest.approx(sum(expected) / 30, rel=1e-5)


def test_with_the_right_film_alone_drawn_there_is_nothing_to_tell_apart() -> None:
    states, films, _ = tensors(1.0)
    wanted = torch.full((30,), 3)
    loss = sampled_cross_entropy(states, films, wanted, torch.tensor([3]))
    loss.backward()
    assert loss.item() == 0
    assert states.grad is not None
    assert not states.grad.any()
