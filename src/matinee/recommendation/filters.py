"""Which films may be listed: by genre, year and tag."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from matinee.data.catalogue import Catalogue
from matinee.data.vocabulary import BoolArray
from matinee.errors import ConfigError, unknown

Years = tuple[int | None, int | None]
"""First and last year, both included; None leaves an end open."""


def allowed(
    catalogue: Catalogue,
    *,
    genres: Sequence[str] = (),
    years: Years | None = None,
    tags: Sequence[str] = (),
) -> BoolArray:
    """Which films pass all filters given: `[n_items]`, writable.

    Args:
        catalogue: The films.
        genres: A film passes if it has any of them; case does not matter.
        years: A film of unknown year does not pass.
        tags: A film passes if it has any of them; case does not matter.

    Raises:
        UnknownName: On a genre or tag no film has, with the nearest that there is.
        ConfigError: If the years are in the wrong order.
    """
    mask = np.ones(len(catalogue), np.bool_)
    if genres:
        mask &= _any_of(catalogue, "genres", genres)
    if tags:
        mask &= _any_of(catalogue, "tags", tags)
    if years is not None:
        mask &= _within(catalogue, years)
    return mask


def _any_of(catalogue: Catalogue, column: str, names: Sequence[str]) -> BoolArray:
    pairs = catalogue.frame.select(pl.int_range(pl.len()).alias("film"), pl.col(column))
    pairs = pairs.explode(column).drop_nulls()
    known = {name.casefold(): name for name in pairs[column].unique()}
    wanted: list[str] = []
    for name in names:
        if name.casefold() not in known:
            raise unknown(column.removesuffix("s"), name, known.values(), where=f"--{column[:-1]}")
        wanted.append(name.casefold())
    spellings = [name for name in pairs[column].unique() if name.casefold() in wanted]
    mask = np.zeros(len(catalogue), np.bool_)
    mask[pairs.filter(pl.col(column).is_in(spellings))["film"].to_numpy()] = True
    return mask


def _within(catalogue: Catalogue, years: Years) -> BoolArray:
    first, last = years
    if first is not None and last is not None and first > last:
        raise ConfigError(
            f"the years {first}..{last} run backwards", where="--year", expected=f"{last}..{first}"
        )
    year = catalogue.frame["year"]
    passes = year.is_not_null()
    if first is not None:
        passes &= year >= first
    if last is not None:
        passes &= year <= last
    return passes.fill_null(value=False).to_numpy()
