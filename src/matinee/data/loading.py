"""From a name, a folder or a file to `Interactions`: one path for loading and checking."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from matinee.data import movielens
from matinee.data.cache import cache_folder, load_cache, save_cache
from matinee.data.catalogue import Catalogue
from matinee.data.checks import LINES_SHOWN, Diagnosis, Finding, Ratings, check
from matinee.data.interactions import Interactions
from matinee.data.numbering import sort_ids
from matinee.data.sidetables import titles_from_ids
from matinee.data.sources import SAMPLE, Source, find_source
from matinee.data.tables import RawTable, number_lines, read_by_line, read_swiftly
from matinee.data.vocabulary import IntArray, Vocabulary
from matinee.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """A data set and what the data doctor says of it.

    Attributes:
        data: The ratings that were kept.
        diagnosis: What was dropped and why.
    """

    data: Interactions
    diagnosis: Diagnosis


def load(
    data: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    items: str | Path | None = None,
    people: str | Path | None = None,
    scale: tuple[float, float] | None = None,
) -> Interactions:
    """Read ratings from anywhere; dropped rows are counted in one logged warning.

    People and films are numbered in the order of their ids (numerically where all ids are
    whole numbers, else alphabetically), whatever the order of the file. Films that are
    listed but not rated, and people likewise, are part of the result.

    Args:
        data: A data set's name (`ml-100k`), `sample`, a folder, a zip file or a table.
        columns: Where guessing fails: role (`user`, `item`, `rating`, `time`) to column name.
        items: The film table, if it is not found beside the ratings.
        people: The table of people, likewise.
        scale: Smallest and largest rating; guessed by default.

    Raises:
        DataError: If there is nothing there, or it cannot be understood.
        UnknownName: If `data` is neither a path nor a known name.
    """
    loaded = load_checked(data, columns=columns, items=items, people=people, scale=scale)
    if summary := loaded.diagnosis.summary():
        log.warning("%s: %s; `matinee data check %s` names the lines", data, summary, data)
    return loaded.data


def diagnose(
    data: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    items: str | Path | None = None,
    people: str | Path | None = None,
    scale: tuple[float, float] | None = None,
) -> Diagnosis:
    """What loading does to each row, as the data doctor tells it; arguments as in `load`."""
    return load_checked(data, columns=columns, items=items, people=people, scale=scale).diagnosis


def load_checked(
    data: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    items: str | Path | None = None,
    people: str | Path | None = None,
    scale: tuple[float, float] | None = None,
) -> Loaded:
    """Both the data and their diagnosis; arguments as in `load`."""
    if data == SAMPLE and not Path(SAMPLE).exists():
        return _sample()
    source = find_source(data, items=items, people=people)
    try:
        return _cached(source, dict(columns or {}), scale)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=error.filename) from None


def _cached(
    source: Source, overrides: Mapping[str, str], scale: tuple[float, float] | None
) -> Loaded:
    """From the cache if it is there, else read and put there."""
    folder = cache_folder(source.files, {"columns": overrides, "scale": scale})
    cached = load_cache(folder)
    if cached is not None:
        return Loaded(cached[0], Diagnosis.from_dict(cached[1]))
    loaded = _read(source, overrides, scale)
    save_cache(loaded.data, folder, loaded.diagnosis.as_dict())
    return loaded


def _sample() -> Loaded:
    from matinee.data.sample import sample  # noqa: PLC0415  # simulated only when asked for

    data = sample()
    return Loaded(data, Diagnosis(len(data), len(data)))


def _read(
    source: Source, overrides: Mapping[str, str], scale: tuple[float, float] | None
) -> Loaded:
    films = _film_table(source)
    table = read_swiftly(source.ratings, overrides)
    if table is not None:
        loaded = _assemble(source, films, table, scale)
        if not loaded.diagnosis.dropped and not loaded.diagnosis.warnings:
            return loaded
        table = number_lines(table, overrides)
    table = table or read_by_line(source.ratings, overrides)
    return _assemble(source, films, table, scale)


def _assemble(
    source: Source, films: pl.DataFrame | None, table: RawTable, scale: tuple[float, float] | None
) -> Loaded:
    """Check a table and put it together with those of films and people."""
    kept, diagnosis = check(table, scale=scale)
    if films is not None:
        diagnosis = _tell_of_films(diagnosis, kept, films, source.ratings)
    item_ids, item_places = _join(kept.item_ids, films)
    catalogue = _catalogue(item_ids, films)
    persons = None if source.people is None else movielens.read_people(source.people)
    user_ids, user_places = _join(kept.user_ids, persons)
    data = Interactions.build(
        _renumber(kept.users, user_places),
        _renumber(kept.items, item_places),
        kept.ratings,
        kept.times,
        user_ids=Vocabulary(user_ids, sort="person"),
        catalogue=catalogue,
        people=None if persons is None else _in_order(user_ids, persons),
    )
    return Loaded(data, diagnosis)


def _film_table(source: Source) -> pl.DataFrame | None:
    """The film table with tags and links joined to it."""
    if source.items is None:
        return None
    films = movielens.read_items(source.items)
    if source.tags is not None and "tags" not in films.columns:
        films = films.join(movielens.read_tags(source.tags), on="id", how="left")
    if source.links is not None:
        films = films.join(movielens.read_links(source.links), on="id", how="left")
    return films


def _join(rated: pl.Series, table: pl.DataFrame | None) -> tuple[pl.Series, IntArray | None]:
    """All ids, rated or listed, in order; and the new place of each rated one."""
    if table is None:
        return rated, None
    ids = sort_ids(pl.concat([rated.alias("id"), table["id"]]))
    if ids.len() == rated.len():
        return rated, None
    places = {outside: place for place, outside in enumerate(ids)}
    return ids, np.asarray([places[outside] for outside in rated], dtype=np.int32)


def _renumber(numbers: IntArray, places: IntArray | None) -> IntArray:
    return numbers if places is None else places[numbers]


def _in_order(ids: pl.Series, table: pl.DataFrame) -> pl.DataFrame:
    """The table with one row for each id, in the order of the ids."""
    return pl.DataFrame({"id": ids}).join(table, on="id", how="left", maintain_order="left")


def _catalogue(ids: pl.Series, films: pl.DataFrame | None) -> Catalogue:
    if films is None:
        return Catalogue.from_frame(titles_from_ids(ids))
    return Catalogue.from_frame(_in_order(ids, films))


def _tell_of_films(
    diagnosis: Diagnosis, kept: Ratings, films: pl.DataFrame, path: Path
) -> Diagnosis:
    """Name the rated films that the film table lacks, and count the unrated ones."""
    missing = np.flatnonzero(~kept.item_ids.is_in(films["id"].implode()).to_numpy())
    unrated = films.height - (len(kept.item_ids) - len(missing))
    facts = diagnosis.facts | {"films listed": f"{films.height:,}", "films unrated": f"{unrated:,}"}
    lines = kept.first_lines
    told = [
        Finding(
            str(path),
            None if lines is None else int(lines[i]),
            f"unknown film: {kept.item_ids[int(i)]} is not in the film table; kept without a title",
        )
        for i in missing[:LINES_SHOWN]
    ]
    if len(missing) > LINES_SHOWN:
        rest = len(missing) - LINES_SHOWN
        told.append(Finding(str(path), None, f"unknown film: {rest:,} more films"))
    return replace(diagnosis, facts=facts, warnings=(*diagnosis.warnings, *told))
