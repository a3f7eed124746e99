"""The data doctor: conservation, reasons, lines, and independence of the order of rows."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matinee.data.checks import Diagnosis, Ratings, check
from matinee.data.loading import diagnose
from matinee.data.tables import number_lines, read_by_line, read_swiftly

NOW = 2_000_000_000

DIRT = {
    "bad number": lambda i: f"{i},{i},lots,1000",
    "missing field": lambda i: f"{i},,4,1000",
    "bad time": lambda i: f"{i},{i},4,soon",
    "rating off the scale": lambda i: f"{i},{i},77,1000",
    "time in the future": lambda i: f"{i},{i},4,{NOW * 2}",
    "wrong encoding": lambda i: f"{i},\udcff{i},4,1000",
    "ragged row": lambda i: f"{i},{i},4,1000,5",
    "blank row": lambda i: ",,,",
}


def clean_rows(count: int) -> list[str]:
    return [f"{1 + i % 40},{1 + i // 40},{1 + i % 5},{1000 + i}" for i in range(count)]


def write(path: Path, rows: list[str], header: str = "userId,movieId,rating,timestamp") -> Path:
    text = "\n".join([header, *rows, ""])
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def examine(path: Path, **options) -> tuple[Ratings, Diagnosis]:
    return check(read_by_line(path, {}), now=NOW, **options)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    dirt=st.lists(st.sampled_from(sorted(DIRT)), max_size=8),
    repeats=st.integers(0, 5),
    trailing=st.integers(0, 4),
    seed=st.integers(0, 10**6),
)
def test_every_row_is_kept_or_counted_under_its_reason(
    tmp_path: Path, dirt: list[str], repeats: int, trailing: int, seed: int
) -> None:
    rng = random.Random(seed)
    # Many clean rows: a scale is believed only where 99 % of the ratings lie on it.
    clean = clean_rows(1000)
    body = [("clean", row) for row in clean]
    body += [(reason, DIRT[reason](5000 + i)) for i, reason in enumerate(dirt)]
    body += [("clean", rng.choice(clean)) for _ in range(repeats)]
    rng.shuffle(body)
    body.append(("clean", "999,ééééééééé,3,1000"))  # so that the file is plainly UTF-8
    body += [("trailing junk", ",,,")] * trailing
    path = write(tmp_path / "ratings.csv", [row for _, row in body])

    kept, diagnosis = examine(path)

    expected = Counter(reason for reason, _ in body if reason != "clean")
    expected += Counter({"duplicate pair": repeats})
    assert diagnosis.dropped == dict(expected)
    assert diagnosis.rows_in == len(body)
    assert diagnosis.rows_kept == len(kept.users) == 1001
    assert diagnosis.rows_in == diagnosis.rows_kept + sum(diagnosis.dropped.values())
    for reason in set(dirt) - {"blank row"}:
        lines = {i + 2 for i, (why, _) in enumerate(body) if why == reason}
        told = {w.line for w in diagnosis.warnings if w.what.startswith(reason)}
        assert told
        assert told <= lines


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10**6), text_ids=st.booleans())
def test_the_order_of_rows_does_not_matter(tmp_path: Path, seed: int, text_ids: bool) -> None:
    mark = "x" if text_ids else ""
    rows = [
        f"{mark}{u},{mark}{i},{1 + (u + i) % 5},{u * 7 + i}"
        for u in range(9, 12)
        for i in range(8, 13)
    ]
    shuffled = random.Random(seed).sample(rows, len(rows))
    found = []
    for order in (rows, shuffled):
        path = write(tmp_path / "ratings.csv", order)
        for table in (read_swiftly(path, {}), read_by_line(path, {})):
            assert table is not None
            kept, _ = check(table, now=NOW)
            triples = zip(kept.users, kept.items, kept.ratings, kept.times, strict=True)
            found.append((list(kept.user_ids), list(kept.item_ids), sorted(triples)))
    assert all(one == found[0] for one in found)
    ids = [f"{mark}{u}" for u in (9, 10, 11)]
    assert found[0][0] == (sorted(ids) if text_ids else ids)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    dirt=st.lists(
        st.sampled_from(["1,,4,5", "1,2", "", ",,,", "1,2,77,5", "1,1,1,1", "é,2,NA,5", "1,2,3"]),
        max_size=8,
    ),
    seed=st.integers(0, 10**6),
    text_ids=st.booleans(),
)
def test_numbering_a_sweep_is_as_good_as_reading_by_line(
    tmp_path: Path, dirt: list[str], seed: int, text_ids: bool
) -> None:
    rows = [*(f"{'x' * text_ids}{row}" for row in clean_rows(300)), *dirt]
    random.Random(seed).shuffle(rows)
    path = write(tmp_path / "ratings.csv", rows)
    swift = read_swiftly(path, {})
    if swift is None:
        return
    numbered = number_lines(swift, {})
    assert numbered is not None
    one, other = (check(table, now=NOW) for table in (numbered, read_by_line(path, {})))
    assert one[1] == other[1]
    assert np.array_equal(one[0].users, other[0].users)
    assert np.array_equal(one[0].ratings, other[0].ratings)  # type: ignore[arg-type]


def test_a_row_of_two_lines_is_not_numbered_by_counting(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.csv", ['1,1,4,"two\nlines"', "1,2,4,x", "1,3,,x"], "user,item,rating,note"
    )
    swift = read_swiftly(path, {})
    assert swift is not None
    assert number_lines(swift, {}) is None
    assert [w.line for w in diagnose(path).warnings] == [5]


def test_of_a_duplicate_pair_the_last_by_time_stays(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.csv", ["1,7,5,300", "1,7,1,100", "1,7,2,300", "1,8,4,1", "1,7,3,200"]
    )
    kept, diagnosis = examine(path)
    assert diagnosis.dropped == {"duplicate pair": 3}
    assert sorted(zip(kept.items, kept.ratings, strict=True)) == [(0, 2.0), (1, 4.0)]
    assert [w.line for w in diagnosis.warnings] == [2, 3, 6]


def test_without_times_the_last_in_the_file_stays(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", ["a,x,5", "a,x,1", "a,y,3"], "user,item,rating")
    kept, diagnosis = examine(path)
    assert diagnosis.dropped == {"duplicate pair": 1}
    assert kept.ratings is not None
    assert kept.ratings.tolist() == [1.0, 3.0]
    assert kept.times is None


def test_more_problems_than_are_shown_are_counted(tmp_path: Path) -> None:
    rows = [row for i in range(25) for row in (f"{i},1,4,5", f"{i},2,many,5")]
    _, diagnosis = examine(write(tmp_path / "r.csv", rows))
    told = [w.what for w in diagnosis.warnings]
    assert len(told) == 21
    assert told[-1] == "bad number: 5 more rows"


def test_a_run_of_junk_is_one_finding(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", ["1,1,4,5", *[",,,"] * 500])
    _, diagnosis = examine(path)
    assert [(w.line, w.what) for w in diagnosis.warnings] == [
        (3, "trailing junk: 500 rows, lines 3 to 502")
    ]


def test_mixed_date_formats_are_told_with_the_line(tmp_path: Path) -> None:
    rows = ["1,1,4,2005-04-02 10:00:00", "1,2,4,2005-04-02 11:00:00", "1,3,4,02/04/2005 12:00:00"]
    kept, diagnosis = examine(write(tmp_path / "r.csv", rows))
    assert len(kept.users) == 3
    (warning,) = diagnosis.warnings
    assert warning.line == 4
    assert "mixed date formats" in warning.what


@pytest.mark.parametrize(
    ("values", "scale", "off"),
    [
        ([*[3] * 200, 6], None, 1),
        ([*[3] * 200, 0], None, 1),
        ([*[3] * 50, *[8] * 50], None, 0),
        ([*[-5] * 50, *[8] * 50], None, 0),
        ([*[3] * 200, 6], (1, 6), 0),
        ([1, 2, 3, 4, 5], (2, 4), 2),
    ],
)
def test_scales(tmp_path: Path, values: list[int], scale, off: int) -> None:
    rows = [f"{i},1,{value},5" for i, value in enumerate(values)]
    _, diagnosis = examine(write(tmp_path / "r.csv", rows), scale=scale)
    assert diagnosis.dropped.get("rating off the scale", 0) == off


def test_decimal_commas_are_read_where_the_separator_is_another(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", ["1;1;3,5", "1;2;4,0"], "user;item;rating")
    kept, _ = examine(path)
    assert kept.ratings is not None
    assert kept.ratings.tolist() == [3.5, 4.0]


def test_times_no_calendar_knows_are_in_the_future(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", [f"1,1,4,{10**18}", "1,2,4,5"])
    _, diagnosis = examine(path)
    assert diagnosis.dropped == {"time in the future": 1}
    assert diagnosis.facts["last rating"] == "1970-01-01 00:00:05"


def test_diagnosis_survives_json(tmp_path: Path) -> None:
    _, diagnosis = examine(write(tmp_path / "r.csv", ["1,1,x,5", "1,2,4,5"]))
    assert Diagnosis.from_dict(diagnosis.as_dict()) == diagnosis


def test_the_dirty_file_of_ml_20m(datasets: Path) -> None:
    diagnosis = diagnose(datasets / "ml-20m-head")
    assert diagnosis.rows_in == 199_998
    assert diagnosis.rows_kept == 99_998
    assert diagnosis.dropped == {"trailing junk": 100_000}
    junk, seconds = diagnosis.warnings
    assert (junk.line, junk.what) == (
        100_000,
        "trailing junk: 100,000 rows, lines 100000 to 199999",
    )
    assert "without seconds" in seconds.what
    assert diagnosis.facts["times"] == "dates, day first, without seconds (99,998)"


def test_nothing_at_all(tmp_path: Path) -> None:
    kept, diagnosis = examine(write(tmp_path / "r.csv", []))
    assert len(kept.users) == diagnosis.rows_in == diagnosis.rows_kept == 0
    assert np.asarray(kept.ratings).shape == (0,)
