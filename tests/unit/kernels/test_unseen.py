"""The best films nobody has seen: the compiled loop and its twin give the same lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from matinee import kernels
from matinee.data.queries import Queries
from matinee.errors import EvaluationError
from matinee.models import Sizes, build
from matinee.recommendation.topk import unseen_top

pytest.importorskip("numba")
FILMS = 150


def both(
    monkeypatch: pytest.MonkeyPatch, scores: torch.Tensor, people: Queries, *arguments: Any
) -> list[tuple[torch.Tensor, ...]]:
    model = build("popularity", {}, Sizes(users=1, items=FILMS, ratings=0))
    found: list[tuple[torch.Tensor, ...]] = []
    for compiled in (True, False):
        monkeypatch.setattr(kernels, "at_hand", lambda yes=compiled: yes)
        found.append(unseen_top(model, scores, people.offsets, people.items, *arguments))
    return found


def asked(people: int) -> Queries:
    rng = np.random.default_rng(people)
    return Queries.anonymous(
        [rng.integers(0, FILMS, rng.integers(0, 40)).tolist() for _ in range(people)]
    )


@pytest.mark.parametrize("k", [1, 10, FILMS + 3])
@pytest.mark.parametrize("levels", [1, 3, 10**6])
def test_the_loop_and_its_twin_list_alike(
    k: int, levels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(k)
    scores = torch.from_numpy(rng.integers(-levels, levels, (9, FILMS)).astype(np.float32))
    scores[torch.rand(scores.shape) < 0.2] = -torch.inf
    scores[0] = -0.0
    given = scores.clone()
    ours, twin = both(monkeypatch, scores, asked(9), k, rng.permutation(FILMS))
    assert_array_equal(ours[0], twin[0])
    assert_array_equal(ours[1], twin[1])
    assert_array_equal(scores, given)


def test_scores_in_a_view_are_read_right(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = torch.rand(FILMS).expand(5, -1)
    ours, twin = both(monkeypatch, shared, asked(5), 4)
    assert_array_equal(ours[0], twin[0])


def test_scores_that_are_no_numbers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = torch.zeros(3, FILMS)
    scores[2, 149] = torch.nan
    with pytest.raises(EvaluationError, match="not numbers"):
        both(monkeypatch, scores, asked(3), 4)
