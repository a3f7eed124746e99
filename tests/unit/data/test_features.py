"""Fields of films and people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matinee.data import features, load
from matinee.data.catalogue import Catalogue
from matinee.data.features import item_fields, user_fields


@pytest.fixture
def films() -> Catalogue:
    return Catalogue.from_frame(
        pl.DataFrame(
            {
                "id": ["a", "b", "c"],
                "year": [1999, None, 1995],
                "genres": [["Drama", "Comedy"], [], ["Drama"]],
                "country": ["fr", None, "us"],
                "budget": [1.5, 2.5, None],
            }
        )
    )


def test_a_row_shares_its_weight_among_its_values(films: Catalogue) -> None:
    fields = item_fields(films)
    assert list(fields) == ["genres", "year", "country"]  # no tags here, and budget is a measure
    assert fields["genres"].tolist() == [[0.5, 0.5], [0, 0], [0, 1]]
    assert fields["year"].tolist() == [[0, 1], [0, 0], [1, 0]]
    assert fields["country"].tolist() == [[1, 0], [0, 0], [0, 1]]


def test_only_the_commonest_values_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "MOST_VALUES", 2)
    tags = pl.Series([["x"], ["y", "z"], ["z", "x"], ["w"]])
    films = Catalogue.from_frame(pl.DataFrame({"id": list("abcd"), "tags": tags}))
    assert item_fields(films)["tags"].tolist() == [[1, 0], [0, 1], [0.5, 0.5], [0, 0]]


def test_without_a_user_table_people_have_no_fields() -> None:
    assert user_fields(None) == {}


def test_movielens_100k_has_its_fields(datasets: Path) -> None:
    data = load(datasets / "ml-100k")
    widths = {name: matrix.shape[1] for name, matrix in data.item_fields.items()}
    assert widths["genres"] == 18
    people = {name: matrix.shape[1] for name, matrix in data.user_fields.items()}
    assert people["occupation"] == 21
    assert people["gender"] == 2
    for matrix in (*data.item_fields.values(), *data.user_fields.values()):
        sums = matrix.sum(1)
        assert np.all(np.isclose(sums, 1) | (sums == 0))
