"""Points in time as people write them: Unix seconds or milliseconds, and dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

FormatArray = NDArray[np.int8]

MILLISECONDS_FROM = 10**11
"""From here on a number is taken for milliseconds: as seconds it would be the year 5138."""

_YEAR_FIRST, _DAY_FIRST, _MONTH_FIRST = "%Y-%m-%d", "%d-%m-%Y", "%m-%d-%Y"
_DAYS = {_YEAR_FIRST: "year first", _DAY_FIRST: "day first", _MONTH_FIRST: "month first"}
_CLOCKS = {" %H:%M:%S": "", " %H:%M": ", without seconds", "": ", without time of day"}
_ZONE = r"[:\d]([+-])(\d\d):?(\d\d)$"


@dataclass(frozen=True)
class Times:
    """A column of times.

    Attributes:
        seconds: Unix seconds, UTC where nothing else was said; null where unreadable.
        formats: `[n]` which of `names` each was written in; -1 where unreadable.
        names: The formats.
    """

    seconds: pl.Series
    formats: FormatArray
    names: list[str]


def parse_times(column: pl.Series) -> Times:
    """Read times, whatever their format; each is read on its own account.

    Dates such as 03/04/2005 are day first unless the column has more that can only be
    month first.

    Args:
        column: Numbers, text or polars dates; nulls stay null.
    """
    if column.dtype.is_temporal():
        seconds = column.cast(pl.Datetime("us")).dt.epoch("s")
        return Times(seconds, np.zeros(len(column), np.int8), ["dates"])
    if column.dtype.is_numeric():
        return _numbers(column)
    return _text(column)


def _numbers(column: pl.Series) -> Times:
    values = column.cast(pl.Int64, strict=False)
    formats = np.zeros(len(values), np.int8)
    names = ["Unix seconds", "Unix milliseconds"]
    if not _reaches(values, MILLISECONDS_FROM):
        return Times(values, _unless_null(formats, values), names[:1])
    milli = values.abs() >= MILLISECONDS_FROM
    formats[milli.fill_null(value=False).to_numpy()] = 1
    return _named(values.zip_with(~milli, values // 1000), formats, names)


def _reaches(values: pl.Series, size: int) -> bool:
    """Whether any value is as large, above or below zero."""
    ends = [values.min(), values.max()]
    return any(isinstance(end, int) and abs(end) >= size for end in ends)


def _text(column: pl.Series) -> Times:
    number = column.cast(pl.Float64, strict=False)
    numbers = _numbers(number.set(~number.is_finite().fill_null(value=True), None))
    seconds, formats, names = numbers.seconds, numbers.formats, list(numbers.names)
    dates = column.str.replace(r"^(\d+)[/.](\d+)[/.](\d+)", "$1-$2-$3")
    shift = _zone_seconds(dates)
    dates = dates.str.replace("T", " ", literal=True).str.replace(
        r"(:\d\d(?:\.\d+)?)(Z|[+-]\d\d:?\d\d)$", "$1"
    )
    dates = dates.str.replace(r"(:\d\d)\.\d+$", "$1").str.strip_chars()
    for name, parsed in _readings(dates):
        fresh = parsed.is_not_null() & seconds.is_null()
        if fresh.any():
            formats[fresh.to_numpy()] = len(names)
            names.append(name)
            seconds = seconds.zip_with(~fresh, parsed - shift)
    return _named(seconds, formats, names)


def _readings(dates: pl.Series) -> Iterator[tuple[str, pl.Series]]:
    """The column read in each format, the likeliest first."""
    readings = {d: [_read(dates, d + clock) for clock in _CLOCKS] for d in _DAYS}
    hits = {d: sum(len(r) - r.null_count() for r in rs) for d, rs in readings.items()}
    for day in sorted(_DAYS, key=lambda d: -hits[d]):
        for clock, parsed in zip(_CLOCKS.values(), readings[day], strict=True):
            yield f"dates, {_DAYS[day]}{clock}", parsed


def _read(dates: pl.Series, pattern: str) -> pl.Series:
    if "%H" in pattern:
        return dates.str.to_datetime(pattern, strict=False, time_unit="us").dt.epoch("s")
    return dates.str.to_date(pattern, strict=False).cast(pl.Datetime("us")).dt.epoch("s")


def _zone_seconds(dates: pl.Series) -> pl.Series:
    """Seconds east of Greenwich, 0 where no zone is written after a time of day."""
    zone = dates.str.contains(r":\d\d(\.\d+)?[+-]\d\d:?\d\d$").fill_null(value=False)
    if not zone.any():
        return pl.zeros(len(dates), dtype=pl.Int64, eager=True)
    parts = [dates.str.extract(_ZONE, i) for i in (1, 2, 3)]
    size = parts[1].cast(pl.Int64) * 3600 + parts[2].cast(pl.Int64) * 60
    signed = size.zip_with(parts[0] == "+", -size)
    return signed.zip_with(zone, pl.zeros(len(dates), dtype=pl.Int64, eager=True))


def _named(seconds: pl.Series, formats: FormatArray, names: list[str]) -> Times:
    """Leave out the names of formats that do not occur."""
    formats = _unless_null(formats, seconds)
    used = [i for i in range(len(names)) if np.any(formats == i)]
    renumber = np.full(len(names) + 1, -1, np.int8)
    renumber[used] = np.arange(len(used))
    return Times(seconds, renumber[formats], [names[i] for i in used])


def _unless_null(formats: FormatArray, seconds: pl.Series) -> FormatArray:
    if seconds.null_count():
        formats[seconds.is_null().to_numpy()] = -1
    return formats
