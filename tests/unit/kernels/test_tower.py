"""A tower over all films: the compiled loop and its twin agree."""

from __future__ import annotations

import pytest
import torch

from matinee import kernels
from matinee.models import layers
from matinee.models.layers import NARROW, PairTower

pytest.importorskip("numba")

SIDES = (5, 7)
"""Widths of a person's and a film's side."""


def asked(
    people: int, films: int, widths: tuple[int, ...]
) -> tuple[PairTower, tuple[torch.Tensor, ...]]:
    """A tower with biases, and two sides and weights for it."""
    torch.manual_seed(films)
    tower = PairTower(*SIDES, widths).eval()
    for name, weights in tower.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(weights)
    sides = torch.randn(people, SIDES[0]), torch.randn(films, SIDES[1])
    return tower, (*sides, torch.randn(widths[-1]))


def weighed(
    monkeypatch: pytest.MonkeyPatch,
    tower: PairTower,
    sides: tuple[torch.Tensor, ...],
    *,
    fast: bool,
) -> torch.Tensor:
    monkeypatch.setattr(layers, "PAIRS", 0)
    monkeypatch.setattr(kernels, "available", lambda: fast)
    with torch.no_grad():
        return tower.weighed(*sides)


@pytest.mark.parametrize("widths", [(3,), (32, 16, 8), (6, 5, 9, 1)])
@pytest.mark.parametrize("films", [1, 256, 300])
def test_the_loop_and_its_twin_agree(
    widths: tuple[int, ...], films: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower, sides = asked(9, films, widths)
    ours = weighed(monkeypatch, tower, sides, fast=True)
    twin = weighed(monkeypatch, tower, sides, fast=False)
    assert ours.shape == (9, films)
    torch.testing.assert_close(ours, twin, rtol=1e-5, atol=1e-5)


def test_nobody_is_a_table_without_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    tower, sides = asked(0, 12, (8, 4))
    for fast in (True, False):
        assert weighed(monkeypatch, tower, sides, fast=fast).shape == (0, 12)


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tower, sides = asked(7, 300, (32, 16))
    before = torch.get_num_threads()
    found: list[torch.Tensor] = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(weighed(monkeypatch, tower, sides, fast=True))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_what_is_not_a_number_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    tower, sides = asked(3, 20, (8, 4))
    sides[0][1, 0] = torch.nan
    ours = weighed(monkeypatch, tower, sides, fast=True)
    assert ours.isnan().all(1).tolist() == [False, True, False]


def test_wide_layers_are_left_to_products(monkeypatch: pytest.MonkeyPatch) -> None:
    tower, sides = asked(2, 4, (NARROW, 2))
    monkeypatch.setattr(tower, "_weighed_compiled", None)
    assert weighed(monkeypatch, tower, sides, fast=True).shape == (2, 4)


def test_few_pairs_are_not_worth_loading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tower, sides = asked(2, 4, (8, 4))
    monkeypatch.setattr(tower, "_weighed_compiled", None)
    with torch.no_grad():
        assert tower.weighed(*sides).shape == (2, 4)
