"""Exponents of growth, and the data they are measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.growth import page
from benchmarks.growth.works import AXES, WORKS, Point, points


def line(exponent: float, axis: str = "users") -> list[dict[str, float]]:
    return [{"at": at, "seconds": 3.0 * at**exponent, "bytes": 8.0 * at} for at in AXES[axis]]


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.5])
def test_the_slope_of_a_power_is_its_exponent(exponent: float) -> None:
    assert page.slope(line(exponent)) == pytest.approx(exponent)


def test_what_is_fixed_at_small_sizes_does_not_count() -> None:
    slow = line(1.0)
    slow[0]["seconds"] = 1e9
    assert page.slope(slow) == pytest.approx(1.0)


@pytest.mark.parametrize("axis", AXES)
def test_every_size_spans_two_decades(axis: str) -> None:
    assert AXES[axis][-1] == 100 * AXES[axis][0]
    for point in points(axis):
        data = point.data()
        pairs = data.users.astype(np.int64) * point.films + data.items
        assert len(np.unique(pairs)) == len(data) == point.ratings
        assert int(data.users.max()) + 1 == point.users


def test_every_work_can_be_done() -> None:
    small = Point(users=60, films=50, ratings=600, dim=4, batch=64)
    for work in WORKS.values():
        work.at(small)()


def test_the_page_has_a_table_and_a_picture_of_each_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "DOCS", tmp_path)
    (tmp_path / "assets").mkdir()
    (tmp_path / "reference").mkdir()
    found = {"ease": {axis: line(2.0, axis) for axis in WORKS["ease"].axes}}
    page.write(found)
    text = (tmp_path / "reference" / "growth.md").read_text()
    assert "| EASE, the fit | 2.00 | 2.00 | 2.00 |  |  |" in text
    assert "| EASE, the fit | 1.00 | 1.00 | 1.00 |  |  |" in text
    for kind in page.KINDS:
        picture = (tmp_path / "assets" / f"growth-{kind}.svg").read_text()
        assert "films 2.0" in picture or "films 1.0" in picture
