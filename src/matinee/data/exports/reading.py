"""Reading an export: every row becomes an entry, or is left out for a stated reason."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from matinee.data.checks import BAD_NUMBER, OFF_SCALE
from matinee.data.columns import plain
from matinee.data.exports.files import Table, tables, too_large
from matinee.data.exports.formats import AUTO, FORMATS, NO_FILMS, Format, recognise
from matinee.data.exports.types import Entry, Export, LeftOut, Limits
from matinee.data.tables import BROKEN, RAGGED
from matinee.data.textfiles import is_broken
from matinee.data.times import parse_times
from matinee.data.titles import split_year
from matinee.errors import DataError

NO_TITLE = "no title"
UNRATED = "not rated"
NO_FILM = "not a film"

LIMITS = Limits()

_FIRST_YEAR = re.compile(r"[0-9]{4}")
_WORDY_DATES = ("%b %d %Y, %H:%M", "%a %b %d %H:%M:%S %Y")
"""How Criticker and the older IMDb write dates."""


def read_export(
    source: bytes | Path, kind: str = AUTO, *, name: str = "the export", limits: Limits = LIMITS
) -> Export:
    """Read a person's own export.

    Of Letterboxd's zip file the ratings count, and films that were seen but not rated are
    left out by name. Dates that cannot be read leave a row without a time.

    Args:
        source: The file, or what it holds.
        kind: One of `KINDS`; `auto` knows the format by the columns.
        name: What to call the file in messages, if `source` is not a path.
        limits: How large it may be.

    Raises:
        UnknownName: If there is no such kind.
        DataError: If the file is damaged, too large, not of that kind, or without ratings.
    """
    if isinstance(source, Path):
        name, source = str(source), _content(source, limits)
    rated, *seen = tables(source, name, limits)
    kind = recognise(rated.columns, kind, rated.file)
    known = FORMATS[kind]
    column = known.rating_column(rated.columns)
    assert column is not None  # or it would not have been recognised
    scale = known.ratings[column]
    rows = list(_rows(rated, known, scale))
    entries = [row for row in rows if isinstance(row, Entry)]
    left_out = [row for row in rows if isinstance(row, LeftOut)]
    for table in seen:
        left_out += _unrated(table, known, rows)
    if not entries:
        raise _nothing(rated.file, left_out)
    return Export(kind, tuple(entries), tuple(left_out), scale)


def _content(path: Path, limits: Limits) -> bytes:
    try:
        if path.stat().st_size > limits.file_bytes:
            raise too_large(str(path), limits)
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from None


def _rows(
    table: Table, known: Format, scale: tuple[float, float] | None
) -> Iterator[Entry | LeftOut]:
    for (line, row), time in zip(table.rows, _times(table, known), strict=True):
        if row is None:
            yield LeftOut(table.file, line, "", None, RAGGED)
            continue
        title, year = _title(row, known)
        stars = known.rating(row, scale)
        reason = _fault(row, known, title) or _rating_fault(stars, scale)
        if reason:
            yield LeftOut(table.file, line, title, year, reason)
            continue
        yield Entry(
            file=table.file,
            line=line,
            title=title,
            rating=_number(stars),
            year=year,
            time=time,
            original=known.value(row, "original"),
            imdb_id=_imdb_id(known.value(row, "imdb_id")),
            item_id=known.value(row, "item_id").strip(),
        )


def _title(row: Mapping[str, str], known: Format) -> tuple[str, int | None]:
    """Title and year; a year at the end of the title counts if there is no other."""
    title = known.value(row, "title")
    stated = _FIRST_YEAR.search(known.value(row, "year"))
    return (title, int(stated[0])) if stated else split_year(title)


def _fault(row: Mapping[str, str], known: Format, title: str) -> str | None:
    if any(is_broken(value) for value in row.values()):
        return BROKEN
    if not title.strip():
        return NO_TITLE
    return NO_FILM if plain(known.value(row, "type")) in NO_FILMS else None


def _rating_fault(text: str, scale: tuple[float, float] | None) -> str | None:
    if not text.strip():
        return UNRATED
    rating = _number(text)
    if not math.isfinite(rating):
        return BAD_NUMBER
    return OFF_SCALE if scale and not scale[0] <= rating <= scale[1] else None


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return math.nan


def _imdb_id(text: str) -> str:
    """`tt0133093`, `133093` and `0133093` are one; what is no such id is none."""
    digits = text.strip().casefold().removeprefix("tt")
    return digits.zfill(7) if digits.isascii() and digits.isdigit() else ""


def _times(table: Table, known: Format) -> Iterable[int | None]:
    """Unix seconds of every row; None where there is no time or it cannot be read."""
    texts = [_date(known.value(row or {}, "time").strip()) for _, row in table.rows]
    return parse_times(pl.Series(texts, dtype=pl.String())).seconds


def _date(text: str) -> str:
    """A date, with its month as a number if it is a word."""
    if not text[:1].isalpha():
        return text
    for pattern in _WORDY_DATES:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC).isoformat()
        except ValueError:
            continue
    return text


def _unrated(table: Table, known: Format, rated: Sequence[Entry | LeftOut]) -> Iterator[LeftOut]:
    """The films seen that are not among those rated."""
    named = {(row.title, row.year) for row in rated}
    for line, row in table.rows:
        title, year = _title(row or {}, known)
        if row is None or (title, year) not in named:
            yield LeftOut(table.file, line, title, year, RAGGED if row is None else UNRATED)


def _nothing(where: str, left_out: Sequence[LeftOut]) -> DataError:
    if not left_out:
        return DataError("there are no ratings in the file", where=where)
    first = left_out[0]
    return DataError(
        f"there are no ratings in the file: none of its {len(left_out):,} rows will do",
        where=where,
        expected=f"films with ratings; line {first.line}: {first.what}",
    )
