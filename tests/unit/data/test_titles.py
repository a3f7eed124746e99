"""Titles: every way people write them leads to the film, and doubt is said."""

from __future__ import annotations

import time
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.data.catalogue import Catalogue
from matinee.data.titles import TitleIndex, key
from matinee.errors import AmbiguousTitle, UnknownName

FILMS: list[tuple[str, int | None]] = [
    ("Toy Story", 1995),
    ("Toy Story 2", 1999),
    ("Matrix, The", 1999),
    ("Heat", 1995),
    ("Heat", 1972),
    ("City of Lost Children, The (Cité des enfants perdus, La)", 1995),
    ("Seven (a.k.a. Se7en)", 1995),
    ("Rocky II", 1979),
    ("Avventura, L' (Adventure, The)", 1960),
    ("Thelma & Louise", 1991),
    ("(500) Days of Summer", 2009),
    ("Amélie", 2001),
    ("WALL·E", 2008),
    ("Schindler's List", 1993),
    ("Blade Runner 2049", 2017),
    ("1984", 1956),
    ("Die Hard", 1988),
    ("$", 1971),
    ("Thing, The", 1982),
    ("Thing", 1999),
    ("Spider-Man 2", 2004),
    ("Seven Samurai (Shichinin no samurai)", 1954),
    ("Untitled", None),
    ("X", 2022),
]


@pytest.fixture(scope="module")
def index() -> TitleIndex:
    titles, years = zip(*FILMS, strict=True)
    ids = [str(100 + i) for i in range(len(FILMS))]
    return TitleIndex(
        Catalogue.from_frame(pl.DataFrame({"id": ids, "title": titles, "year": years}))
    )


@pytest.mark.parametrize(
    ("text", "film"),
    [
        ("Toy Story", 0),
        ("  toy   STORY ", 0),
        ("Toy Story (1995)", 0),
        ("toy story ii", 1),
        ("The Matrix", 2),
        ("matrix", 2),
        ("Matrix, The (1999)", 2),
        ("heat (1972)", 4),
        ("City of Lost Children", 5),
        ("cite des enfants perdus", 5),
        ("La Cité des Enfants Perdus", 5),
        ("City of Lost Children, The (Cité des enfants perdus, La) (1995)", 5),
        ("Seven", 6),
        ("SE7EN", 6),
        ("Seven (a.k.a. Se7en) (1995)", 6),
        ("Rocky 2", 7),
        ("L'Avventura", 8),
        ("L’avventura", 8),
        ("the adventure", 8),
        ("Thelma and Louise", 9),
        ("500 days of summer", 10),
        ("(500) Days of Summer (2009)", 10),
        ("Amelie", 11),
        ("AME\u0301LIE", 11),
        ("wall-e", 12),
        ("walle", 12),
        ("Schindlers List", 13),
        ("blade runner 2049", 14),
        ("1984", 15),
        ("die hard", 16),
        ("$", 17),
        ("the thing", 18),
        ("thing", 19),
        ("Spiderman II", 20),
        ("untitled", 22),
        ("x", 23),
        ("id:103", 3),
        ("ID: 104", 4),
    ],
)
def test_find(text: str, film: int, index: TitleIndex) -> None:
    assert index.find(text) == film


def test_several_are_listed_with_years_and_ids(index: TitleIndex) -> None:
    with pytest.raises(AmbiguousTitle) as caught:
        index.find("heat")
    message = str(caught.value)
    assert "Heat (1995) [id:103]" in message
    assert "Heat (1972) [id:104]" in message
    assert message.endswith("Give the year, as in 'Heat (1995)'.")


def test_films_of_one_title_and_year_are_told_apart_by_id() -> None:
    frame = pl.DataFrame({"id": ["7", "8"], "title": ["Blackout"] * 2, "year": [2007] * 2})
    with pytest.raises(AmbiguousTitle, match="Give the id, as in 'id:7'"):
        TitleIndex(Catalogue.from_frame(frame)).find("Blackout (2007)")


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("Toy Storie", "Did you mean 'Toy Story (1995)'"),
        ("Heat (1990)", "'Heat (1995)' or 'Heat (1972)'"),
        ("Schindlr's list", "Schindler's List (1993)"),
        ("blade runner", "Blade Runner 2049 (2017)"),
    ],
)
def test_none_is_said_with_the_nearest(text: str, suggestion: str, index: TitleIndex) -> None:
    with pytest.raises(UnknownName) as caught:
        index.find(text)
    assert suggestion in str(caught.value)


@pytest.mark.parametrize("text", ["", "   ", "hard", "id:", "id:999", "zzzz qqqq", "10"])
def test_what_is_not_there_is_not_found(text: str, index: TitleIndex) -> None:
    with pytest.raises(UnknownName):
        index.find(text)


def test_search_ranks_equal_then_beginning_then_words_then_alike(index: TitleIndex) -> None:
    assert index.search("toy story", 2) == [0, 1]
    assert index.search("seven", 2) == [6, 21]
    assert index.search("lost chil", 1) == [5]
    assert index.search("samurai", 1) == [21]
    assert index.search("schindlr", 1) == [13]
    assert index.search("heat (1972)") == [4]
    assert len(index.search("the", 3)) <= 3
    assert index.search("", 5) == []
    assert index.search("toy", 0) == []


@given(text=st.text(max_size=30))
def test_any_text_is_answered(text: str, index: TitleIndex) -> None:
    try:
        found = index.find(text)
    except (UnknownName, AmbiguousTitle):
        return
    assert 0 <= found < len(FILMS)


@given(text=st.text(max_size=30))
def test_keys_are_stable(text: str) -> None:
    assert key(key(text)) == key(text)


def test_every_film_is_found_by_its_own_label(index: TitleIndex) -> None:
    assert [index.find(index.label(film)) for film in range(len(FILMS))] == list(range(len(FILMS)))


def test_the_films_of_movielens(datasets: Path) -> None:
    """All 27,278 by title and year, but for a few that share both; fast."""
    frame = pl.read_csv(datasets / "ml-20m-head" / "movie.csv", infer_schema=False)
    catalogue = Catalogue.from_frame(
        frame.select(
            id="movieId",
            title=pl.col("title").str.replace(r"\s*\(\d{4}\)\s*$", ""),
            year=pl.col("title").str.extract(r"\((\d{4})\)\s*$").cast(pl.Int32),
        )
    )
    start = time.process_time()
    index = TitleIndex(catalogue)
    built = time.process_time() - start
    doubtful = 0
    start = time.process_time()
    for film in range(len(catalogue)):
        try:
            assert index.find(index.label(film)) == film
        except AmbiguousTitle:
            doubtful += 1
    found = (time.process_time() - start) / len(catalogue)
    assert doubtful < 55
    assert built < 2
    assert found < 0.005


def test_a_title_may_begin_like_an_id() -> None:
    frame = pl.DataFrame({"id": ["7", "8"], "title": ["ID:A", "Heat"], "year": [2011, 1995]})
    index = TitleIndex(Catalogue.from_frame(frame))
    assert index.find("ID:A (2011)") == 0
    assert index.find("id:8") == 1
