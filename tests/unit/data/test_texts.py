"""Films as weighted terms, against scikit-learn and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer

from matinee.data.catalogue import Catalogue
from matinee.data.texts import heaviest, tfidf

TITLES = ["War and Peace", "The War Room", "Peace, Peace, Room!", "Émile's room", "Lonely"]


def catalogue(**columns: Any) -> Catalogue:
    count = len(next(iter(columns.values())))
    return Catalogue.from_frame(pl.DataFrame({"id": [str(i) for i in range(count)], **columns}))


def weights(films: Catalogue, vocabulary: int = 100, **emphasis: float) -> NDArray[np.float32]:
    return tfidf(films, emphasis, vocabulary=vocabulary).toarray()


def likenesses(films: Catalogue, **emphasis: float) -> NDArray[np.float32]:
    ours = weights(films, **emphasis)
    return ours @ ours.T


def test_words_of_titles_weigh_as_scikit_learn_weighs_them() -> None:
    ours = weights(catalogue(title=TITLES), title=1)
    oracle = TfidfVectorizer(sublinear_tf=True, min_df=2, token_pattern=r"\w+")
    theirs = oracle.fit_transform(TITLES).toarray()
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=1e-6)


def test_a_term_of_one_film_alone_is_left_out() -> None:
    ours = weights(catalogue(title=TITLES), title=1)
    assert ours.shape == (5, 3)  # peace, room, war
    assert not ours[4].any()


def test_emphasis_weighs_whole_fields() -> None:
    """The genre in common is one of two unit parts: 1² / (1² + 2²), or 2² / (1² + 2²)."""
    films = catalogue(
        title=["Rain", "Snow", "Rain", "Snow"], genres=[["War"], ["War"], ["Comedy"], ["Comedy"]]
    )
    by_title, by_genre = weights(films, genres=1, title=2), weights(films, genres=2, title=1)
    assert (by_title @ by_title.T)[0].tolist() == pytest.approx([1, 0.2, 0.8, 0])
    assert (by_genre @ by_genre.T)[0].tolist() == pytest.approx([1, 0.8, 0.2, 0])


def test_a_tag_and_a_genre_of_one_name_are_two_terms() -> None:
    films = catalogue(genres=[["War"], ["War"], [], []], tags=[[], [], ["War"], ["war"]])
    ours = weights(films, genres=1, tags=1)
    assert (ours @ ours.T)[0].tolist() == pytest.approx([1, 1, 0, 0])
    assert (ours @ ours.T)[2].tolist() == pytest.approx([0, 0, 1, 1])


def test_free_text_columns_count_as_one_field() -> None:
    films = catalogue(
        title=["a", "b", "c"],
        plot=["a heist in Paris", "a wedding in Paris", None],
        cast=[["Ada Low"], ["Bo High"], ["Ada Low"]],
        runtime=[90, 100, 110],
    )
    likeness = likenesses(films, text=1)
    assert likeness[0, 1] > 0
    assert likeness[0, 2] > 0
    assert likeness[1, 2] == 0


def test_near_years_are_alike_and_far_ones_are_not() -> None:
    films = catalogue(year=[1990, 1991, 1993, 2010, 2010, None])
    likeness = likenesses(films, year=1)
    assert likeness[0, 1] > likeness[0, 2] > likeness[0, 3] == 0
    assert not likeness[5].any()


def test_the_vocabulary_keeps_the_terms_of_most_films() -> None:
    films = catalogue(genres=[["A", "B"], ["A", "B"], ["A"]])
    assert weights(films, vocabulary=1, genres=1).tolist() == [[1], [1], [1]]


def test_films_of_which_nothing_is_known_have_no_terms() -> None:
    films = catalogue(title=["One", "Two"])
    assert weights(films, title=1).shape == (2, 0)
    columns, values = heaviest(tfidf(films, {"title": 1}, vocabulary=9), 3)
    assert columns.shape == values.shape == (2, 3)
    assert not values.any()


SMALL = arrays(np.float32, (4, 6), elements=st.integers(0, 5).map(float))


@settings(deadline=None)
@given(dense=SMALL, width=st.integers(1, 7))
def test_the_heaviest_entries_of_each_row_stay(dense: NDArray[np.float32], width: int) -> None:
    columns, values = heaviest(csr_array(dense), width)
    for row, film, found in zip(dense, columns, values, strict=True):
        expected = np.sort(row)[::-1][:width]
        assert found[: len(expected)].tolist() == expected.tolist()
        assert row[film][found > 0].tolist() == found[found > 0].tolist()
        assert not found[len(expected) :].any()
