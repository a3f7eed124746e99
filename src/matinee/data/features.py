"""What is known of films and people, as matrices that models can learn from.

A field (genres, year, occupation, ...) is a matrix with a row for each film or person and a
column for each value. A row says how much of each value there is and sums to 1, or to 0
where nothing is known, so that a matrix product with one vector a value is mean pooling.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from matinee.data.catalogue import Catalogue
from matinee.data.vocabulary import FloatArray

Fields = Mapping[str, FloatArray]

MOST_VALUES = 512
"""Values a field may have; the most frequent are kept, the others count as unknown."""


def item_fields(catalogue: Catalogue) -> Fields:
    """The fields of the films that have any: genres, year, tags, and free text columns.

    Returns:
        Matrices `[n_items, n_values]` by field name.
    """
    frame = catalogue.frame
    free = [
        name
        for name in frame.columns
        if name not in ("id", "title", "year", "genres", "tags") and _is_category(frame[name])
    ]
    columns = {name: frame[name] for name in ("genres", "year", "tags", *free)}
    return _fields(columns)


def user_fields(people: pl.DataFrame | None) -> Fields:
    """The fields of the people: every column of the user table with few enough values.

    Returns:
        Matrices `[n_users, n_values]` by field name; none without a user table.
    """
    if people is None:
        return {}
    names = [name for name in people.columns if name != "id" and _is_category(people[name])]
    return _fields({name: people[name] for name in names})


def _is_category(column: pl.Series) -> bool:
    """Whether values come back often enough to tell something of the next film or person."""
    if column.dtype.is_nested():
        return column.dtype == pl.List(pl.String)
    return not column.dtype.is_float() and column.n_unique() <= MOST_VALUES


def _fields(columns: Mapping[str, pl.Series]) -> dict[str, FloatArray]:
    made = {name: _matrix(column) for name, column in columns.items()}
    return {name: matrix for name, matrix in made.items() if matrix.shape[1]}


def _matrix(column: pl.Series) -> FloatArray:
    """Rows that share their weight among their values, the commonest values as columns."""
    rows = pl.DataFrame({"row": np.arange(len(column)), "value": column})
    if column.dtype.is_nested():
        rows = rows.explode("value")
    rows = rows.drop_nulls().unique(maintain_order=True).cast({"value": pl.String})
    values = _commonest(rows["value"])
    matrix = np.zeros((len(column), len(values)), np.float32)
    places = {value: place for place, value in enumerate(values)}
    kept = rows.filter(pl.col("value").is_in(list(places)))
    columns = [places[value] for value in kept["value"]]
    matrix[kept["row"].to_numpy(), columns] = 1.0
    return matrix / np.maximum(matrix.sum(1, keepdims=True), 1.0)


def _commonest(values: Iterable[str]) -> list[str]:
    """At most `MOST_VALUES` of the values, the most frequent, in alphabetical order."""
    counts = pl.Series("value", list(values), pl.String).value_counts()
    counts = counts.sort(["count", "value"], descending=[True, False]).head(MOST_VALUES)
    return sorted(counts["value"])
