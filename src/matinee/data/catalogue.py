"""The films: ids, titles, years, genres, tags and whatever else a table says of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.vocabulary import BoolArray, LongArray, Vocabulary
from matinee.errors import DataError

Row = tuple[str, str, int | None, tuple[str, ...]]
"""Id, title, year and genres of a film."""

SCHEMA: dict[str, pl.DataType] = {
    "id": pl.String(),
    "title": pl.String(),
    "year": pl.Int32(),
    "genres": pl.List(pl.String()),
    "tags": pl.List(pl.String()),
}
"""The columns every catalogue has, in this order; further columns are free."""


@dataclass(frozen=True)
class Catalogue:
    """Films in the order of their integers: row `i` of the frame is film `i`.

    Attributes:
        frame: The columns of `SCHEMA` and any free ones. A missing year is null; a missing
            title is the id; missing genres and tags are empty lists.
    """

    frame: pl.DataFrame

    def __post_init__(self) -> None:
        """Check the columns that everything else relies on."""
        for name, dtype in SCHEMA.items():
            if self.frame.schema.get(name) != dtype:
                raise DataError(
                    f"the film table's column {name!r} is {self.frame.schema.get(name)}",
                    expected=str(dtype),
                )

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> Self:
        """Complete a frame that has at least `id`: absent columns are filled, types cast."""
        columns = [frame["id"].cast(SCHEMA["id"])]
        for name in list(SCHEMA)[1:]:
            absent = columns[0].alias(name) if name == "title" else _nothing(name, frame.height)
            given = frame[name].cast(SCHEMA[name]) if name in frame.columns else absent
            known = given.is_not_null()
            columns.append(given if known.all() else given.zip_with(known, absent))
        free = [name for name in frame.columns if name not in SCHEMA]
        return cls(pl.DataFrame([*columns, *(frame[name] for name in free)]))

    @classmethod
    def bare(cls, ids: Vocabulary) -> Self:
        """A catalogue of which nothing but the ids is known."""
        return cls.from_frame(pl.DataFrame({"id": list(ids)}, schema={"id": pl.String()}))

    @classmethod
    def numbered(cls, count: int) -> Self:
        """A bare catalogue whose ids are the films' integers."""
        ids = pl.int_range(count, eager=True).cast(SCHEMA["id"])
        return cls.from_frame(pl.DataFrame({"id": ids}))

    def __len__(self) -> int:
        return self.frame.height

    @cached_property
    def ids(self) -> Vocabulary:
        """The films' outside ids."""
        return Vocabulary(self.frame["id"], sort="film")

    @cached_property
    def titles(self) -> list[str]:
        """The films' titles, without the year."""
        return self.frame["title"].to_list()

    @cached_property
    def years(self) -> NDArray[np.float64]:
        """The films' years `[n_films]`, NaN where unknown."""
        return self.frame["year"].cast(pl.Float64).fill_null(np.nan).to_numpy()

    @cached_property
    def rows(self) -> list[Row]:
        """Id, title, year and genres of every film, for those who show many lists."""
        columns = (self.frame[name].to_list() for name in ("id", "title", "year", "genres"))
        return [(i, t, y, tuple(genres)) for i, t, y, genres in zip(*columns, strict=True)]

    @cached_property
    def by_genre(self) -> dict[str, LongArray]:
        """The films of each genre, ascending."""
        return self._by("genres")

    @cached_property
    def by_tag(self) -> dict[str, LongArray]:
        """The films of each tag, ascending."""
        return self._by("tags")

    def _by(self, column: str) -> dict[str, LongArray]:
        pairs = self.frame.select(pl.int_range(pl.len()).alias("film"), column).explode(column)
        grouped = pairs.drop_nulls().group_by(column, maintain_order=True).agg("film")
        return {name: np.asarray(films, dtype=np.int64) for name, films in grouped.iter_rows()}

    @cached_property
    def genres(self) -> Vocabulary:
        """All genres that occur, in alphabetical order."""
        names = self.frame["genres"].explode().drop_nulls().unique().sort()
        return Vocabulary(names, sort="genre")

    @cached_property
    def genre_matrix(self) -> BoolArray:
        """Which film has which genre: `[n_films, n_genres]`."""
        matrix = np.zeros((len(self), len(self.genres)), dtype=np.bool_)
        pairs = self.frame.select(pl.int_range(pl.len()).alias("film"), "genres").explode("genres")
        pairs = pairs.drop_nulls()
        matrix[pairs["film"].to_numpy(), self.genres.encode(pairs["genres"])] = True
        return matrix


def _nothing(column: str, height: int) -> pl.Series:
    """A column of which nothing is known; making one row and repeating it is many times as fast."""
    value = [] if SCHEMA[column] == pl.List else None
    return pl.Series(column, [value], SCHEMA[column]).new_from_index(0, height)
