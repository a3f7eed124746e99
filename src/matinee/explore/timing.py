"""When people rated: over the calendar, and each person for how long."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matinee.data.interactions import Interactions
from matinee.exhibits.types import Bars, Cell, Column, Exhibit, Lines, Section, Table
from matinee.exhibits.words import NBSP, lasting, percent
from matinee.explore.totals import Totals

MOST_BINS = 60
DAY = 86_400

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

SPANS = (
    ("1 minute", 60),
    ("10 minutes", 600),
    ("1 hour", 3600),
    ("1 day", DAY),
    ("1 week", 7 * DAY),
    ("1 month", 30 * DAY),
    ("1 year", 365 * DAY),
)


def timing(totals: Totals) -> Section:
    """Ratings over time, and how long people's own histories are."""
    title, data = "Ratings over time", totals.data
    if not data.timed:
        missing = "The data hold no times: what came first is unknown, and so is what is next."
        return Section("time", title, missing=(missing,))
    firsts, lasts = data.offsets[data.active_users], data.offsets[data.active_users + 1] - 1
    spans = np.asarray(data.times[lasts] - data.times[firsts])
    same = (np.diff(data.times) == 0) & (np.diff(data.users) == 0)
    tied = float(same.sum() / max(len(data) - len(spans), 1))
    figures = {"median_span": float(np.median(spans)), "tied": tied}
    return Section("time", title, (*_calendar(data), _lengths(spans, tied)), figures=figures)


def _calendar(data: Interactions) -> tuple[Exhibit, ...]:
    days = data.times // DAY
    first = int(days.min())
    in_days = np.bincount(days - first)
    moments = (first + np.flatnonzero(in_days)).astype("datetime64[D]")
    unit, names, bins = _periods(moments)
    counts = np.bincount(bins, in_days[in_days > 0], len(names)).astype(np.int64)
    columns = [Column(f"{unit} from"), Column("ratings", "count")]
    cells: list[list[Cell]] = [list(names), counts.tolist()]
    busiest = int(counts.argmax())
    said = (
        f"Ratings come from {_date(str(moments[0]))} to {_date(str(moments[-1]))}; the busiest "
        f"{unit}, from {_date(names[busiest])}, holds {percent(counts[busiest] / len(data))}"
    )
    chart = Lines((1,), "time", f"ratings a {unit}", zero=True)
    if not data.explicit:
        return (Exhibit("times", said, _upright(columns, cells), chart),)
    sums = np.bincount(bins, np.bincount(days - first, data.ratings)[in_days > 0], len(names))
    averages = [float(s / n) if n else None for s, n in zip(sums, counts, strict=True)]
    table = _upright([*columns, Column("mean rating", "number")], [*cells, averages])
    told = Exhibit("mean_over_time", _drift(averages, counts, unit), table, _mean_chart())
    return (Exhibit("times", said, _upright(columns, cells), chart), told)


def _mean_chart() -> Lines:
    return Lines((2,), "time", "mean rating")


def _upright(columns: list[Column], cells: Sequence[Sequence[Cell]]) -> Table:
    return Table(tuple(columns), tuple(zip(*cells, strict=True)))


def _drift(averages: list[float | None], counts: NDArray[np.int64], unit: str) -> str:
    """How far the mean moves among periods with many ratings, and among all."""
    known = np.array([np.nan if average is None else average for average in averages])
    many = known[counts >= 0.5 * counts.mean()]
    low, high = float(np.nanmin(many)), float(np.nanmax(many))
    steady = "stays" if high - low < 0.15 else "wanders"
    said = f"The mean rating of a {unit} {steady} between {low:.2f} and {high:.2f}"
    least, most = float(np.nanmin(known)), float(np.nanmax(known))
    if max(low - least, most - high) < 0.05:
        return said
    stray = least if low - least > most - high else most
    return f"{said} where ratings are many, and strays to {stray:.2f} where they are few"


def _periods(days: NDArray[np.datetime64]) -> tuple[str, list[str], NDArray[np.int64]]:
    """The shortest period that makes few enough bins: its name, the bins' starts, each day's."""
    length = int((days[-1] - days[0]).astype(np.int64)) + 1
    months = days.astype("datetime64[M]").astype(np.int64)
    weeks = (days.astype(np.int64) + 3) // 7  # 1 January 1970 was a Thursday
    for unit, size, numbers in (
        ("day", 1, days.astype(np.int64)),
        ("week", 7, weeks),
        ("month", 30, months),
        ("quarter", 91, months // 3),
        ("year", 365, months // 12),
        ("decade", 3650, months // 120),
    ):
        if length / size <= MOST_BINS or unit == "decade":
            bins = numbers - numbers[0]
            starts = numbers[0] + np.arange(int(bins[-1]) + 1)
            return unit, [_start(unit, int(start)) for start in starts], bins
    raise AssertionError("the last period takes everything")


def _start(unit: str, number: int) -> str:
    """A period's first day, month or year."""
    months = {"month": 1, "quarter": 3, "year": 12, "decade": 120}
    if unit in months:
        month = str(np.datetime64(number * months[unit], "M"))
        return month if unit in ("month", "quarter") else month[:4]
    return str(np.datetime64(number if unit == "day" else 7 * number - 3, "D"))


def _date(text: str) -> str:
    """'1997-09-20' as '20 September 1997', '1997-09' as 'September 1997'."""
    year, *rest = text.split("-")
    words = [MONTHS[int(rest[0]) - 1], year] if rest else [year]
    return NBSP.join([str(int(rest[1])), *words] if len(rest) > 1 else words)


def _lengths(spans: NDArray[np.int64], tied: float) -> Exhibit:
    """How long people's histories are, from their first rating to their last."""
    edges = [size for _, size in SPANS]
    counts = np.bincount(np.searchsorted(edges, spans, side="left"), minlength=len(SPANS) + 1)
    names = [f"up to {name}" for name, _ in SPANS] + ["longer"]
    rows = zip(names, counts.tolist(), (counts / len(spans)).tolist(), strict=True)
    said = (
        f"Half of the people gave all their ratings within {lasting(float(np.median(spans)))}; "
        f"{percent(tied)} of ratings fall in the same second as the person's one before"
    )
    columns = (Column("first to last rating"), Column("people", "count"))
    table = Table((*columns, Column("share of people, %", "share")), tuple(rows))
    return Exhibit("spans", said, table, Bars(2))
