"""One pass over the vectors finds exactly what scores of all films find."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from matinee.data.queries import Queries
from matinee.models import Recommender, Sizes, build
from matinee.recommendation import scan
from matinee.recommendation.scan import FilmScan

DIM = 6


def model(films: int) -> Recommender:
    made = build("mf", {"dim": DIM}, Sizes(users=9, items=films, ratings=10))
    with torch.no_grad():
        for table in (made.users, made.items):  # type: ignore[union-attr]
            table.weight.normal_(generator=torch.Generator().manual_seed(films))  # type: ignore[union-attr]
    return made


def people() -> Queries:
    none = torch.zeros(0, dtype=torch.int64)
    return Queries(torch.arange(9), torch.zeros(10, dtype=torch.int64), none, none.float(), none)


@pytest.mark.parametrize("films", [1, 3, 7, 8, 9, 24, 25, 100, 1000])
@pytest.mark.parametrize("count", [1, 10, 40])
def test_the_best_are_found_whatever_the_number_of_films(
    films: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "GROUP", 3)
    monkeypatch.setattr(scan, "GROUPS", 8)
    monkeypatch.setattr(scan, "SPARE", 0)
    made = model(films)
    items, scores = FilmScan(made, np.arange(films)).search(people(), count)
    exact = made.score(people()).topk(min(count, films))
    real = scores > -torch.inf
    for row in range(9):
        assert sorted(items[row][real[row]].tolist()) == sorted(exact.indices[row].tolist())
    torch.testing.assert_close(
        scores.sort(1, descending=True).values[:, : exact.values.shape[1]], exact.values
    )


def test_the_most_favoured_stand_first() -> None:
    favour = np.arange(500)[::-1].copy()
    items, _ = FilmScan(model(500), favour).search(people(), 20)
    assert items.tolist() == [sorted(row, reverse=True) for row in items.tolist()]
