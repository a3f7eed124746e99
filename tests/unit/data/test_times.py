"""Times in every spelling."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.data.times import parse_times

MOMENT = datetime(2005, 4, 2, 23, 53, 47, tzinfo=UTC)
SECONDS = int(MOMENT.timestamp())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (str(SECONDS), SECONDS),
        (f"{SECONDS}.25", SECONDS),
        (f"{SECONDS}123", SECONDS),
        ("2005-04-02 23:53:47", SECONDS),
        ("2005-04-02T23:53:47Z", SECONDS),
        ("2005-04-02T23:53:47.500", SECONDS),
        ("2005-04-03T01:53:47+02:00", SECONDS),
        ("2005-04-02 18:53:47-0500", SECONDS),
        ("02-04-2005 23:53", SECONDS - 47),
        ("02/04/2005 23:53:47", SECONDS),
        ("02.04.2005", SECONDS - 47 - 53 * 60 - 23 * 3600),
        ("2005/04/02", SECONDS - 47 - 53 * 60 - 23 * 3600),
        ("yesterday", None),
        ("2005-13-02", None),
        (None, None),
    ],
)
def test_one_spelling(text: str | None, seconds: int | None) -> None:
    parsed = parse_times(pl.Series([text], dtype=pl.String))
    assert parsed.seconds.to_list() == [seconds]
    assert (parsed.formats[0] == -1) == (seconds is None)


def test_month_first_is_believed_only_where_the_column_says_so() -> None:
    day = parse_times(pl.Series(["03/04/2005"])).seconds[0]
    month = parse_times(pl.Series(["03/04/2005", "03/25/2005"])).seconds[0]
    assert datetime.fromtimestamp(day, UTC).month == 4
    assert datetime.fromtimestamp(month, UTC).month == 3


def test_numbers_and_polars_dates() -> None:
    numbers = parse_times(pl.Series([SECONDS, SECONDS * 1000, None], dtype=pl.Int64))
    assert numbers.seconds.to_list() == [SECONDS, SECONDS, None]
    assert [numbers.names[i] for i in numbers.formats[:2]] == ["Unix seconds", "Unix milliseconds"]
    dates = parse_times(pl.Series([MOMENT.replace(tzinfo=None)]))
    assert dates.seconds.to_list() == [SECONDS]


@given(st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1)), min_size=1, max_size=8))
def test_iso_times_round_trip(moments: list[datetime]) -> None:
    texts = [m.replace(microsecond=0).isoformat(sep=" ") for m in moments]
    parsed = parse_times(pl.Series(texts))
    assert parsed.seconds.to_list() == [
        int(m.replace(microsecond=0, tzinfo=UTC).timestamp()) for m in moments
    ]
