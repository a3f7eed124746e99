"""The page of speed: what is measured alone, the table of goals, and all of it together."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import goals, measure, own, page, peers
from benchmarks.goals import Bar, Line
from benchmarks.own import measurement, reading, section, service, starting
from benchmarks.own.measurement import Figure, Floor, Measurement
from benchmarks.peers.comparison import Comparison, Work

RATINGS = "userId,movieId,rating,timestamp\n1,2,3.0,4\n"
ADDING = Measurement(
    title="Adding up",
    figures={
        "seconds": Figure("all numbers", "s", Floor("an addition each", lambda: Work(4e9, 1))),
        "gb": Figure("peak memory", "GB"),
    },
    bars=[
        Bar("all numbers", "seconds", 3, "s"),
        Bar("peak memory", "gb", 5, "GB"),
        Bar("of nothing", "other", 1, "s"),
    ],
    turns=lambda rounds: [{"seconds": 1.0 + at, "gb": 6.0} for at in range(rounds)],
    note="Numbers are small.",
)


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Three turns, on a machine that gets faster."""
    speeds = iter([1e9, 2e9])
    told = lambda *_: json.dumps({"operations": next(speeds), "bytes": 1e9})  # noqa: E731
    monkeypatch.setattr(measurement, "child", told)
    return {"machine": "An abacus", "day": "2026-01-01", **measurement.measure(ADDING, 3)}


@pytest.mark.parametrize(
    ("least", "value", "verdict"),
    [
        (False, 3.0, "reached"),
        (False, 3.01, "missed"),
        (True, 3.0, "reached"),
        (True, 2.99, "missed"),
        (True, float("nan"), "missed"),
        (False, float("nan"), "missed"),
    ],
)
def test_a_limit_itself_reaches_the_bar(least: bool, value: float, verdict: str) -> None:
    spread = {"median": value, "low": 0.0, "high": 9.0}
    assert Bar("", "any", 3, "s", least=least).verdict(spread) == verdict


def test_what_was_not_measured_is_neither() -> None:
    assert Bar("", "any", 3, "s").verdict(None) == "not measured"


def test_the_table_shows_what_is_not_reached() -> None:
    lines = [Line("A", "≤ 1 s", "2", "missed"), Line("B", "≤ 1 s", "", "not measured")]
    assert goals.table(lines).splitlines()[2:] == [
        "| A | ≤ 1 s | 2 | **missed** |",
        "| B | ≤ 1 s |  | **not measured** |",
    ]


def test_figures_are_medians_beside_the_best_of_the_machine(added: dict[str, Any]) -> None:
    assert added["figures"]["seconds"] == {"median": 2.0, "low": 1.0, "high": 3.0}
    assert added["rooflines"]["seconds"]["floor_seconds"] == 2.0
    assert added["rooflines"]["seconds"]["times_floor"] == 1.0
    assert list(added["rooflines"]) == ["seconds"]


def test_a_section_tells_goals_and_floors(added: dict[str, Any]) -> None:
    text = section.section(ADDING, added)
    assert "| what | unit | 3 turns |" in text
    assert "| peak memory | GB | 6 [6, 6] |" in text
    assert "Goal: all numbers: ≤ 3 s; reached." in text
    assert "Goal: peak memory: ≤ 5 GB; missed." in text
    assert "Goal: of nothing: ≤ 1 s; not measured." in text
    assert "4 GFLOP and 1e-06 MB (an addition each) need 2e+03 ms at 2 GFLOP/s" in text
    assert text.endswith("Numbers are small.\n")


def test_the_page_has_every_goal_once(added: dict[str, Any]) -> None:
    missing = Comparison("Guessing", 7, {}, lambda _: Work(1, 1), "nothing")
    text = page.written([(missing, None)], [(ADDING, added)], None)
    table = text[text.index("| work | bar |") :].split("\n\n")[0]
    assert "| Guessing | ≥ 7 x the fastest peer |  | **not measured** |" in table
    assert "| Adding up | all numbers: ≤ 3 s | 2 [1, 3] | reached |" in table
    assert len(table.splitlines()) == 2 + 1 + 3
    assert "### Guessing" not in text
    assert "### Adding up" in text
    assert "growth-seconds.svg" in text
    assert "Machine: An abacus." in text
    assert "Measured in 3 rounds on 2026-01-01: An abacus." in text


def test_the_page_is_written_from_what_was_stored(
    added: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(own, "MEASUREMENTS", ["adding"])
    monkeypatch.setattr(own, "named", lambda _: ADDING)
    page.store("adding", added)
    page.write()
    text = (tmp_path / "page.md").read_text()
    assert "2 [1, 3]" in text
    every = [bar for name in peers.COMPARISONS for bar in ["", *peers.named(name).over]]
    assert text.count("**not measured**") == len(every) + 1


@pytest.mark.parametrize("name", own.MEASUREMENTS)
def test_every_measurement_has_a_figure_for_every_bar(name: str) -> None:
    named = own.named(name)
    assert {bar.figure for bar in named.bars} <= set(named.figures)
    floors = [figure for figure in named.figures.values() if figure.floor]
    assert floors
    assert {figure.unit for figure in floors} <= set(measurement.SECONDS)


def test_every_comparison_is_there() -> None:
    titles = {peers.named(name).title for name in peers.COMPARISONS}
    assert len(titles) == len(peers.COMPARISONS)


def test_a_job_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(RATINGS)
    told = measure.alone(reading.parse, str(tmp_path))
    assert told["rows"] == 1
    assert 10 < told["peak_mb"] < measure.peak_mb()


def test_starting_is_told_in_every_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "HELP", "import matinee")
    (turn,) = starting.turns(1)
    assert set(turn) == set(starting.MEASUREMENT.figures)
    assert turn["import_torch"] == 0
    assert turn["bare"] > 0
    assert starting.loaded("import json.tool")["bytes"] > 1000


def test_a_turn_of_reading_gives_every_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ratings.csv").write_text(RATINGS)
    monkeypatch.setattr(reading.simulated, "large", lambda: tmp_path)
    monkeypatch.setattr(reading, "alone", here)
    turn = reading.turn()
    assert set(turn) == set(reading.MEASUREMENT.figures)
    assert turn["read_times"] == turn["read"] / turn["polars"]


def here(job: Any, *arguments: str) -> dict[str, Any]:
    """Stands for a process of its own."""
    before = os.environ.get("MATINEE_HOME")
    try:
        return {**job(*arguments), "peak_mb": 1.0}
    finally:
        if before is None:
            os.environ.pop("MATINEE_HOME", None)
        else:
            os.environ["MATINEE_HOME"] = before


def test_a_latency_counts_from_the_moment_of_coming(monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer takes a second, people come ten times a second: they wait, and are told so."""
    now = [0.0]

    class Slow:
        """Takes its time."""

        def answer(self, people: object) -> None:
            del people
            now[0] += 1.0

    monkeypatch.setattr(service.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(service.time, "sleep", lambda s: now.__setitem__(0, now[0] + s + 1e-6))
    taken = service.latencies(Slow(), [None] * service.PEOPLE, 10.0, 0)  # type: ignore[arg-type,list-item]
    assert len(taken) == 10 * service.SECONDS + 1
    assert np.all(taken >= 999)
    assert taken.max() > 1500
