"""The compiled ridge regression, held against its twin in PyTorch."""

from __future__ import annotations

import pytest
import torch

from matinee import kernels
from matinee.data.queries import Queries
from matinee.models.base import Sizes
from matinee.models.factorisation import BiasedMF, BiasedMFConfig

pytest.importorskip("numba")


@pytest.mark.parametrize("dim", [1, 8, 64])
def test_solves_what_torch_solves(dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(dim)
    model = BiasedMF(BiasedMFConfig(dim=dim), Sizes(users=3, items=40, ratings=9))
    torch.nn.init.normal_(model.items.weight)
    model.mean.fill_(3.4)
    model.usual.fill_(5)
    histories = [[], [7], list(range(40)), [3, 1, 4, 15, 9, 26]]
    stars = [[0.5 + (film % 10) / 2 for film in history] for history in histories]
    queries = Queries.anonymous(histories, stars)
    solved = {}
    for compiled in (True, False):
        monkeypatch.setattr(kernels, "at_hand", lambda compiled=compiled: compiled)
        solved[compiled] = model.people(queries)
    torch.testing.assert_close(solved[True], solved[False], rtol=1e-3, atol=1e-4)
