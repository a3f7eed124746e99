"""Ratings taken along as a table come back exactly, and no cell of it is a formula."""

from __future__ import annotations

import csv
import io

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.data.catalogue import Catalogue
from matinee.data.exports import match, read_export
from matinee.data.exports.cells import guarded, unguarded
from matinee.data.interactions import Scale
from matinee.data.titles import TitleIndex
from matinee.service.ledger import take_along
from matinee.service.store import Rating

SIGNS = "=+-@\t\r\n＝＋－＠"
TITLES = [
    "=1+1", "-30-", "+1", "@Home", "'=1+1", "''-30-", "'Round Midnight", "\tTab", "－wide", "$",
    'a "quoted", title', "two\nlines", "=1+1", "Heat (1995)", " ",
]  # fmt: skip
STARS = [0.5, 5.0, 3.0, 1 / 3 + 0.5, 0.1 + 0.5, 4.123456789]


@given(st.text(st.sampled_from(SIGNS + "'a ")) | st.text())
def test_a_guard_is_taken_off_again_and_leaves_no_formula(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert guarded(text)[:1] not in set(SIGNS)


@pytest.mark.parametrize("text", ["Heat", "'Round Midnight", "", "'", "3-2-1"])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert guarded(text) == unguarded(text) == text


@pytest.mark.parametrize("prefix", ["", "-", "=", "'+"])
def test_what_is_taken_along_comes_back_exactly(prefix: str) -> None:
    """Titles that twice are the same are told apart by their ids."""
    ids = [f"{prefix}{n}" for n in range(len(TITLES))]
    frame = {
        "id": ids,
        "title": TITLES,
        "year": [1990] * len(ids),
        "genres": [["Drama"]] * len(ids),
    }
    catalogue = Catalogue.from_frame(pl.DataFrame(frame))
    taken = [Rating(item, STARS[n % len(STARS)], 1_000_000_000 + n) for n, item in enumerate(ids)]
    text = take_along(catalogue, [*taken, Rating("gone since", 3.0, 5)])
    for row in csv.reader(io.StringIO(text)):
        assert not {cell[:1] for cell in row} & set(SIGNS)
    back = match(read_export(text.encode()), TitleIndex(catalogue), Scale(0.5, 5.0, 0.5))
    assert [
        Rating(item, stars, time or 0)
        for item, stars, time in zip(back.items, back.ratings, back.times, strict=True)
    ] == taken
    assert [row.title for row in back.left_out] == ["gone since"]
