"""What is said of films, as weighted terms: genres, years, tags, words of titles and texts.

A term is a pair of field and value, so that a tag 'war' and the genre 'War' are two. A term
that only one film has likens it to no other and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from matinee.data.catalogue import SCHEMA, Catalogue
from matinee.data.vocabulary import FloatArray, LongArray

TEXT = "text"
"""The field of all free text columns together."""

FIELDS = ("genres", "year", "tags", "title", TEXT)
"""Where terms come from."""

YEARS_ABOUT = 5
"""A year is told by the years within half this distance of it, so that near ones share some."""


def tfidf(catalogue: Catalogue, emphasis: Mapping[str, float], *, vocabulary: int) -> csr_array:
    """Films as unit vectors over their terms.

    Within a field the weight of a term is (1 + ln tf) (1 + ln((1 + n) / (1 + df))), for the
    term tf times in the film and in df of n films (Salton and Buckley, 'Term-weighting
    approaches in automatic text retrieval', 1988, with smoothed idf). A film's terms of one
    field are brought to length 1 and multiplied by the emphasis of the field, and all its
    terms together are brought to length 1 again: without that, the rare words of titles
    would outweigh the few genres.

    Args:
        catalogue: The films.
        emphasis: The weight of each of `FIELDS`; one that is not named counts nothing.
        vocabulary: At most so many terms are kept, those of most films.

    Returns:
        `[n_films, n_terms]`; a film of which nothing is said has an empty row.
    """
    terms = _known(_terms(catalogue), emphasis, vocabulary)
    idf = 1 + ((1 + len(catalogue)) / (1 + pl.col("films"))).log()
    weighted = terms.with_columns(weight=(1 + pl.col("count").log()) * idf)
    weighted = weighted.with_columns(weight=_unit("film", "field") * pl.col("emphasis"))
    weighted = weighted.with_columns(weight=_unit("film"))
    values = weighted["weight"].cast(pl.Float32).to_numpy()
    places = (weighted["film"].to_numpy(), weighted["column"].to_numpy())
    shape = (len(catalogue), terms["column"].n_unique())
    return csr_array((values, places), shape=shape)


def heaviest(matrix: csr_array, width: int) -> tuple[LongArray, FloatArray]:
    """The heaviest entries of each row, as a table of fixed width.

    Args:
        matrix: Positive entries, `[n, m]`.
        width: At most so many entries of a row are kept.

    Returns:
        Columns `[n, width]` and values `[n, width]`, heaviest first; column 0 with value 0
        where a row has fewer entries.
    """
    starts: LongArray = np.asarray(matrix.indptr, np.int64)
    indices: LongArray = np.asarray(matrix.indices, np.int64)
    weights: FloatArray = np.asarray(matrix.data, np.float32)
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    order = np.lexsort((indices, -weights, rows))
    place = np.arange(len(rows)) - starts[rows]
    kept = place < width
    columns = np.zeros((len(starts) - 1, width), np.int64)
    values = np.zeros((len(starts) - 1, width), np.float32)
    columns[rows[kept], place[kept]] = indices[order][kept]
    values[rows[kept], place[kept]] = weights[order][kept]
    return columns, values


def _terms(catalogue: Catalogue) -> pl.DataFrame:
    """Each term of each film: `film`, `field`, `term`, `count`."""
    frame = catalogue.frame.with_columns(film=pl.int_range(pl.len(), dtype=pl.Int64))
    half = YEARS_ABOUT // 2
    near = pl.concat_list(pl.col("year") + step for step in range(-half, half + 1))
    lists = {
        "genres": [pl.col("genres")],
        "year": [near.cast(pl.List(pl.String))],
        "tags": [pl.col("tags").list.eval(pl.element().str.to_lowercase())],
        "title": [_words("title")],
        TEXT: [_free(name, dtype) for name, dtype in frame.schema.items() if _says(name, dtype)],
    }
    parts = [
        frame.select("film", field=pl.lit(field), term=terms).explode("term")
        for field, columns in lists.items()
        for terms in columns
    ]
    counted = pl.concat(parts).drop_nulls().group_by("film", "field", "term")
    return counted.len("count")


def _says(name: str, dtype: pl.DataType) -> bool:
    return name not in SCHEMA and dtype in (pl.String(), pl.List(pl.String))


def _free(name: str, dtype: pl.DataType) -> pl.Expr:
    return _words(name) if dtype == pl.String() else pl.col(name)


def _words(name: str) -> pl.Expr:
    return pl.col(name).str.to_lowercase().str.extract_all(r"\w+")


def _known(terms: pl.DataFrame, emphasis: Mapping[str, float], vocabulary: int) -> pl.DataFrame:
    """The terms that count, with `films` that have them, `emphasis` and `column`."""
    fields = {"field": list(emphasis), "emphasis": [float(value) for value in emphasis.values()]}
    terms = terms.join(pl.DataFrame(fields), on="field").filter(pl.col("emphasis") > 0)
    spread = terms.group_by("field", "term").agg(films=pl.len()).filter(pl.col("films") > 1)
    spread = spread.sort("films", "field", "term", descending=[True, False, False])
    spread = spread.head(vocabulary).with_row_index("column")
    return terms.join(spread, on=["field", "term"]).sort("film", "column")


def _unit(*by: str) -> pl.Expr:
    """The weights of each group brought to length 1."""
    return pl.col("weight") / pl.col("weight").pow(2).sum().over(*by).sqrt()
