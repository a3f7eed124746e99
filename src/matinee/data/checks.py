"""The data doctor: every row of a table is kept, or dropped for a stated reason.

The rules, in the order they are applied; the first that a row breaks is its reason:

- `trailing junk`: rows without content after the last row with any;
- `blank row`: rows without content elsewhere;
- `ragged row`: too few fields, or more than the header has;
- `wrong encoding`: bytes that are no text in the encoding of the rest; `not JSON` likewise;
- `missing field`: no user, no film, or no rating or time in a table that has them;
- `bad number`: a rating that is no finite number;
- `bad time`: a time in no known format;
- `rating off the scale`: outside the given scale, else outside the narrowest usual scale that
  holds 99 % of the ratings (0.5 to 5, 0 to 5, 0 to 10, 0 to 100);
- `time in the future`: more than a day after the check;
- `duplicate pair`: the same person rated the same film later; the last by time stays, the
  last in the file where times are equal or missing.

Films that are rated but not in the film table are kept, with a warning.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.numbering import losers, number
from matinee.data.tables import BLANK, RawTable
from matinee.data.times import Times, parse_times
from matinee.data.vocabulary import BoolArray, FloatArray, IntArray, LongArray

TRAILING = "trailing junk"
MISSING = "missing field"
BAD_NUMBER = "bad number"
BAD_TIME = "bad time"
OFF_SCALE = "rating off the scale"
FUTURE = "time in the future"
DUPLICATE = "duplicate pair"

USUAL_SCALES = ((0.5, 5.0), (0.0, 5.0), (0.0, 10.0), (0.0, 100.0))
SHARE_ON_SCALE = 0.99
LINES_SHOWN = 20
"""Problems of one kind that are told one by one; the rest are counted."""

_DAY = 86_400
_ABSENT = ["", "na", "n/a", "nan", "null", "none", "\\n"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should know about a file.

    Attributes:
        file: The file.
        line: The line it concerns, from 1; None where it concerns the whole file.
        what: What it is.
    """

    file: str
    line: int | None
    what: str


@dataclass(frozen=True)
class Diagnosis:
    """What the data doctor says; `rows_in == rows_kept + sum(dropped.values())`.

    Attributes:
        rows_in: Rows of data in the file, its header not counted.
        rows_kept: Rows that become ratings.
        dropped: How many rows were dropped for each reason.
        warnings: Findings, at most `LINES_SHOWN` of a kind and a count of the rest.
        facts: What the file is like: how it is written, how many people and films, when.
    """

    rows_in: int
    rows_kept: int
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    warnings: tuple[Finding, ...] = ()
    facts: dict[str, str] = field(default_factory=dict[str, str])

    def as_dict(self) -> dict[str, Any]:
        """The outward JSON form."""
        return {
            "rows_in": self.rows_in,
            "rows_kept": self.rows_kept,
            "dropped": dict(self.dropped),
            "warnings": [{"file": w.file, "line": w.line, "what": w.what} for w in self.warnings],
            "facts": dict(self.facts),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Diagnosis:
        """The inverse of `as_dict`."""
        return cls(
            rows_in=values["rows_in"],
            rows_kept=values["rows_kept"],
            dropped=values["dropped"],
            warnings=tuple(Finding(**warning) for warning in values["warnings"]),
            facts=values["facts"],
        )

    def summary(self) -> str:
        """The dropped rows on one line, or '' if there are none."""
        if not self.dropped:
            return ""
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self.dropped.items())
        return f"{self.rows_in - self.rows_kept:,} of {self.rows_in:,} rows dropped ({reasons})"


@dataclass(frozen=True)
class Ratings:
    """The rows that were kept, in the order of the file.

    Attributes:
        users: `[n]` places in `user_ids`.
        items: `[n]` places in `item_ids`.
        ratings: `[n]`, or None where the file has none.
        times: `[n]` Unix seconds, or None where the file has none.
        user_ids: People's ids, sorted.
        item_ids: Rated films' ids, sorted.
        first_lines: The line on which each film of `item_ids` is first rated, if lines are known.
    """

    users: IntArray
    items: IntArray
    ratings: FloatArray | None
    times: LongArray | None
    user_ids: pl.Series
    item_ids: pl.Series
    first_lines: LongArray | None


def check(
    table: RawTable, *, scale: tuple[float, float] | None = None, now: float | None = None
) -> tuple[Ratings, Diagnosis]:
    """Judge every row of a table.

    Args:
        table: A table as read.
        scale: The smallest and the largest rating that can be given, where known.
        now: Unix seconds; later times are in the future. By default the present.

    Returns:
        The rows that stay, and what was found.
    """
    sieve = _Sieve(table)
    _drop_faults(sieve)
    _drop_missing(sieve)
    ratings = _rating_column(sieve, scale)
    times = _time_column(sieve, time.time() if now is None else now)
    with ThreadPoolExecutor(2) as threads:
        columns = (sieve.kept("user"), sieve.kept("item"))
        (users, user_ids), (items, item_ids) = threads.map(number, columns)
    ratings = None if ratings is None else sieve.living(ratings)
    times = None if times is None else sieve.living(times)
    again = losers(users, items, times)
    if len(again):
        stays = sieve.drop_kept(again)
        users, items = users[stays], items[stays]
        ratings = None if ratings is None else ratings[stays]
        times = None if times is None else times[stays]
    kept = Ratings(
        users, items, ratings, times, user_ids, item_ids, _first_lines(sieve, items, item_ids)
    )
    sieve.facts |= _facts(kept)
    return kept, sieve.diagnosis()


class _Sieve:
    """Which rows are still alive, and why the others are not."""

    def __init__(self, table: RawTable) -> None:
        self.table, self.frame = table, table.frame
        self.alive: BoolArray = np.ones(table.frame.height, np.bool_)
        self.dropped: dict[str, int] = {}
        self.findings: list[Finding] = []
        self.facts = dict(table.facts)

    def kept(self, column: str) -> pl.Series:
        """A column's rows that are still alive."""
        series = self.frame[column]
        return series.filter(pl.Series(self.alive)) if self.dropped else series

    def living(self, values: NDArray[Any]) -> NDArray[Any]:
        """The entries `[rows]` of rows that are still alive."""
        return values[self.alive] if self.dropped else values

    def drop(
        self, reason: str, broken: BoolArray, tell: Callable[[int], str] | None = None
    ) -> None:
        """Drop those of `broken` `[rows]` that are still alive; `tell` words one row's trouble."""
        if not broken.any() or not len(rows := np.flatnonzero(broken & self.alive)):
            return
        self.alive[rows] = False
        self.dropped[reason] = self.dropped.get(reason, 0) + len(rows)
        self._report(reason, rows, tell)

    def drop_kept(self, places: IntArray) -> BoolArray:
        """Drop duplicates, given as places among the living; returns which of them stay."""
        stays = np.ones(int(self.alive.sum()), np.bool_)
        stays[places] = False
        broken = np.zeros(len(self.alive), np.bool_)
        broken[np.flatnonzero(self.alive)[places]] = True
        self.drop(DUPLICATE, broken, lambda row: f"{self._pair(row)} is rated again later")
        return stays

    def _pair(self, row: int) -> str:
        return f"film {self.frame['item'][row]} by user {self.frame['user'][row]}"

    def _report(
        self, reason: str, rows: LongArray, tell: Callable[[int], str] | None = None
    ) -> None:
        """One finding a run of adjacent lines; if each has its own trouble, one a line."""
        if not self.table.lines:
            return
        lines = self.frame["line"].gather(rows).to_numpy()
        starts = np.arange(len(rows)) if tell else np.flatnonzero(np.diff(lines, prepend=-1) != 1)
        ends = np.append(starts[1:], len(rows))
        for start, end in list(zip(starts, ends, strict=True))[:LINES_SHOWN]:
            what = f"{reason}: {tell(int(rows[start]))}" if tell else reason
            if end - start > 1:
                what += f": {end - start:,} rows, lines {lines[start]} to {lines[end - 1]}"
            self.find(what, int(lines[start]))
        if len(starts) > LINES_SHOWN:
            rest = len(rows) - int(starts[LINES_SHOWN])
            self.find(f"{reason}: {rest:,} more rows", int(lines[starts[LINES_SHOWN]]))

    def find(self, what: str, line: int | None = None) -> None:
        """Note something about the file."""
        self.findings.append(Finding(str(self.table.path), line, what))

    def diagnosis(self) -> Diagnosis:
        """All that was found."""
        kept = int(self.alive.sum())
        warnings = tuple(self.findings)
        return Diagnosis(len(self.alive), kept, self.dropped, warnings, self.facts)


def _drop_faults(sieve: _Sieve) -> None:
    """Rows that the reader could make nothing of."""
    if not sieve.table.lines:
        return
    faults = sieve.frame["fault"]
    blank = (faults == BLANK).fill_null(value=False).to_numpy()
    content = np.flatnonzero(~blank)
    after = np.arange(len(blank)) > (content[-1] if len(content) else -1)
    sieve.drop(TRAILING, blank & after)
    sieve.drop(BLANK, blank)
    for reason in faults.drop_nulls().unique().sort():
        sieve.drop(reason, (faults == reason).fill_null(value=False).to_numpy())


def _drop_missing(sieve: _Sieve) -> None:
    for role in ("user", "item", "rating", "time"):
        if role not in sieve.frame.columns:
            continue
        column = sieve.frame[role]
        absent = column.is_null()
        if column.dtype == pl.String:
            absent |= column.str.to_lowercase().is_in(_ABSENT).fill_null(value=True)
        if absent.any():
            sieve.drop(MISSING, absent.to_numpy(), lambda _, role=role: f"no {role}")


def _rating_column(sieve: _Sieve, scale: tuple[float, float] | None) -> FloatArray | None:
    if "rating" not in sieve.frame.columns:
        return None
    column = sieve.frame["rating"]
    if column.dtype == pl.String:
        column = column.str.replace(",", ".", literal=True)
    values = column.cast(pl.Float32, strict=False).to_numpy()  # nulls become NaN
    sieve.drop(BAD_NUMBER, ~np.isfinite(values), _quoting(sieve, "rating"))
    scale = scale or _find_scale(sieve.living(values))
    if scale is not None:
        low, high = scale
        sieve.facts["ratings accepted"] = f"{low:g} to {high:g}"
        living = sieve.living(values)  # without the NaNs, with which nothing compares
        if living.min(initial=low) < low or living.max(initial=high) > high:
            off = (values < low) | (values > high)
            sieve.drop(OFF_SCALE, off, lambda row: f"{values[row]:g}")
    return values


def _find_scale(values: FloatArray) -> tuple[float, float] | None:
    """The narrowest usual scale that holds nearly all ratings, or None."""
    least, most = values.min(initial=np.inf), values.max(initial=-np.inf)
    for low, high in USUAL_SCALES:
        inside = low <= least and most <= high
        if inside or np.mean((values >= low) & (values <= high)) >= SHARE_ON_SCALE:
            return low, high
    return None


def _time_column(sieve: _Sieve, now: float) -> LongArray | None:
    if "time" not in sieve.frame.columns:
        return None
    parsed = parse_times(sieve.frame["time"])
    if parsed.seconds.null_count():
        sieve.drop(BAD_TIME, parsed.seconds.is_null().to_numpy(), _quoting(sieve, "time"))
    known = parsed.seconds.fill_null(0) if parsed.seconds.null_count() else parsed.seconds
    seconds = known.to_numpy()
    if seconds.max(initial=0) > now + _DAY:
        sieve.drop(FUTURE, seconds > now + _DAY, lambda row: _moment(int(seconds[row])))
    living = sieve.living(parsed.formats)
    counts = {name: int((living == i).sum()) for i, name in enumerate(parsed.names)}
    counts = {name: count for name, count in counts.items() if count}
    sieve.facts["times"] = ", ".join(f"{name} ({count:,})" for name, count in counts.items())
    if len(counts) > 1:
        _tell_mixed(sieve, counts, parsed)
    if any("without" in name for name in counts):
        sieve.find("times without seconds: ratings of one moment keep the order of the file")
    return seconds


def _tell_mixed(sieve: _Sieve, counts: dict[str, int], parsed: Times) -> None:
    usual = max(counts, key=counts.__getitem__)
    for name, count in counts.items():
        if name != usual:
            rows = (parsed.formats == parsed.names.index(name)) & sieve.alive
            line = int(sieve.frame["line"][int(np.argmax(rows))]) if sieve.table.lines else None
            sieve.find(f"mixed date formats: {count:,} rows are {name}, most are {usual}", line)


def _quoting(sieve: _Sieve, role: str) -> Callable[[int], str]:
    return lambda row: f"{role} {sieve.frame[role][row]!r}"


def _moment(seconds: int) -> str:
    return str(np.datetime64(seconds, "s")).replace("T", " ")


def _first_lines(sieve: _Sieve, items: IntArray, item_ids: pl.Series) -> LongArray | None:
    if not sieve.table.lines:
        return None
    lines = sieve.kept("line").to_numpy()
    first = np.zeros(len(item_ids), np.int64)
    first[items[::-1]] = lines[::-1]
    return first


def _facts(kept: Ratings) -> dict[str, str]:
    facts = {"people": f"{len(kept.user_ids):,}", "films rated": f"{len(kept.item_ids):,}"}
    if kept.times is not None and len(kept.times):
        facts["first rating"] = _moment(int(kept.times.min()))
        facts["last rating"] = _moment(int(kept.times.max()))
    return facts
