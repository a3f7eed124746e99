"""Which films may be listed: by genre, year and tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from matinee.data.catalogue import Catalogue
from matinee.data.vocabulary import BoolArray, LongArray
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
        mask &= _any_of(catalogue, "genre", catalogue.by_genre, genres)
    if tags:
        mask &= _any_of(catalogue, "tag", catalogue.by_tag, tags)
    if years is not None:
        mask &= _within(catalogue, years)
    return mask


def _any_of(
    catalogue: Catalogue, sort: str, index: Mapping[str, LongArray], names: Sequence[str]
) -> BoolArray:
    wanted = {name.casefold() for name in names}
    spelled = {name.casefold() for name in index}
    for name in names:
        if name.casefold() not in spelled:
            raise unknown(sort, name, index, where=f"--{sort}")
    mask = np.zeros(len(catalogue), np.bool_)
    for name, films in index.items():
        if name.casefold() in wanted:
            mask[films] = True
    return mask


def _within(catalogue: Catalogue, years: Years) -> BoolArray:
    first, last = years
    if first is not None and last is not None and first > last:
        raise ConfigError(
            f"the years {first}..{last} run backwards", where="--year", expected=f"{last}..{first}"
        )
    passes = ~np.isnan(catalogue.years)
    if first is not None:
        passes &= catalogue.years >= first
    if last is not None:
        passes &= catalogue.years <= last
    return passes
