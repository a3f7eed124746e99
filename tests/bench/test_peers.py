"""The harness that times packages side by side: turns, ratios, floors, and the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from benchmarks import ceilings
from benchmarks.peers import (
    comparison,
    environments,
    neumf,
    neumfquality,
    rounds,
    section,
    turn,
)
from benchmarks.peers.comparison import Arrays, Aside, Comparison, Task, environment, offsets
from benchmarks.roofline import Work, highest, roofline


def count(arrays: Arrays) -> Task:
    """Adds up the numbers; its quality is the sum."""
    return Task(lambda: float(arrays["numbers"].sum()), lambda total: {"sum": total})


COMPARISON = Comparison(
    title="Adding up",
    bar=3,
    sides={"matinee": count, "implicit": count, "implicit other way": count, "absent": count},
    work=lambda arrays: Work(operations=len(arrays["numbers"]), bytes=8),
    counted="an addition a number",
    people="numbers",
)


def told(seconds: float, total: float = 6.0, peak: float = 100.0) -> dict[str, Any]:
    """What one turn prints."""
    return {
        "seconds": seconds,
        "processor": seconds / 2,
        "quality": {"sum": total},
        "peak_mb": peak,
    }


class Children:
    """Stands for the processes: notes who was started, and answers from a list."""

    def __init__(self, seconds: dict[str, list[float]]) -> None:
        self.seconds = {side: iter(values) for side, values in seconds.items()}
        self.started: list[str] = []
        self.speeds = iter([1e9, 2e9, 1.5e9])

    def __call__(self, name: str, module: str, *arguments: str) -> str:
        if module == "benchmarks.ceilings":
            return json.dumps({"operations": next(self.speeds), "bytes": 8e9})
        side = arguments[1]
        assert environment(side) == name
        self.started.append(side)
        return json.dumps(told(next(self.seconds[side])))


@pytest.fixture
def compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], Children]:
    """Three rounds of the comparison, in which one side has no environment."""
    children = Children(
        {
            "matinee": [1.0, 2.0, 1.0],
            "implicit": [3.0, 8.0, 5.0],
            "implicit other way": [10.0, 10.0, 10.0],
        }
    )
    module = SimpleNamespace(COMPARISON=COMPARISON)
    for where in (rounds, turn):
        monkeypatch.setattr(where, "import_module", lambda _: module)
    monkeypatch.setattr(rounds, "child", children)
    monkeypatch.setattr(rounds, "ready", lambda name: name != "absent")
    np.savez(tmp_path / "arrays.npz", numbers=np.array([1.0, 2.0, 3.0]))
    return rounds.compare("adding", tmp_path / "arrays.npz", 3), children


def test_each_round_begins_with_another_side(compared: tuple[Any, Children]) -> None:
    ours, first, second = "matinee", "implicit", "implicit other way"
    assert compared[1].started == [ours, first, second, first, second, ours, second, ours, first]


def test_ratios_are_taken_within_each_round(compared: tuple[Any, Children]) -> None:
    side = compared[0]["sides"]["implicit"]
    assert side["times_ours"] == {"median": 4.0, "low": 3.0, "high": 5.0}
    assert side["seconds"] == {"median": 5.0, "low": 3.0, "high": 8.0}


def test_who_has_no_environment_is_named(compared: tuple[Any, Children]) -> None:
    assert compared[0]["missing"] == ["absent"]
    assert compared[0]["people"] == 3


def test_the_floor_is_that_of_the_fastest_the_machine_was(compared: tuple[Any, Children]) -> None:
    roof = compared[0]["roofline"]
    assert roof["operations_per_second"] == 2e9
    assert roof["floor_seconds"] == pytest.approx(3 / 2e9)  # 8 bytes take 1e-9
    assert roof["times_floor"] == pytest.approx(1.0 / (3 / 2e9))


def test_the_higher_of_both_floors_counts() -> None:
    found = roofline(Work(10, 100), highest([{"operations": 10.0, "bytes": 10.0}]), 20.0)
    assert found["floor_seconds"] == 10
    assert found["times_floor"] == 2


@pytest.mark.parametrize(
    ("theirs", "tolerance", "verdict"),
    [(6.0, 1e-3, True), (6.005, 1e-3, True), (6.01, 1e-3, False), (9.0, None, None)],
)
def test_figures_are_equal_within_a_share_of_ours(
    theirs: float, tolerance: float | None, verdict: bool | None
) -> None:
    turns = {"matinee": [told(1.0)], "implicit": [told(1.0), told(1.0, theirs)]}
    assert rounds.equal(turns, "matinee", tolerance) is verdict


class TestTurn:
    @pytest.fixture
    def file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        module = SimpleNamespace(COMPARISON=COMPARISON)
        monkeypatch.setattr(turn, "import_module", lambda _: module)
        np.savez(tmp_path / "arrays.npz", numbers=np.array([1.0, 2.0, 3.0]))
        return str(tmp_path / "arrays.npz")

    def taking(self, monkeypatch: pytest.MonkeyPatch, *seconds: float) -> list[float]:
        left = list(seconds)
        monkeypatch.setattr(turn, "timed", lambda task: (task.run(), left.pop(0), 0.5))
        return left

    def test_the_first_run_does_not_count(self, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
        left = self.taking(monkeypatch, 5.0, 0.2, 0.3, 0.6, 99.0)
        done = turn.turn("adding", "matinee", file)
        assert done["seconds"] == 0.3
        assert left == [99.0]
        assert done["quality"] == {"sum": 6.0}
        assert done["peak_mb"] > 0

    def test_unless_it_takes_long(self, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taking(monkeypatch, 12.0)
        assert turn.turn("adding", "matinee", file)["seconds"] == 12.0

    def test_short_runs_come_to_an_end(self, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
        left = self.taking(monkeypatch, *[0.0] * 100)
        turn.turn("adding", "matinee", file)
        assert len(left) == 100 - 1 - turn.MOST

    def test_a_run_is_timed_by_the_clock_and_the_processor(self) -> None:
        outcome, clock, processor = turn.timed(count({"numbers": np.ones(3)}))
        assert outcome == 3.0
        assert clock > 0
        assert processor >= 0


def test_a_ceiling_is_the_fastest_of_some_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 4.0, 10.0, 11.0, 20.0, 23.0])
    monkeypatch.setattr(ceilings, "time", SimpleNamespace(perf_counter=lambda: next(moments)))
    monkeypatch.setattr(ceilings, "TIMES", 3)
    assert ceilings.fastest(lambda: None) == 1.0


def test_ceilings_are_had_of_product_and_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings, "SIDE", 32)
    monkeypatch.setattr(ceilings, "FLOATS", 1000)
    monkeypatch.setattr(ceilings, "fastest", lambda job: job() is None or 0.5)
    assert ceilings.ceilings() == {"operations": 4 * 32**3, "bytes": 16_000}


def test_all_sides_get_as_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("OTHER_NUM_THREADS", "7")
    ours, theirs = environments.surroundings("matinee"), environments.surroundings("implicit")
    for variables in (ours, theirs):
        told = {key: value for key, value in variables.items() if key.endswith("_NUM_THREADS")}
        assert set(told.values()) == {str(environments.THREADS)}
    assert "src" in ours["PYTHONPATH"]
    assert "src" not in theirs["PYTHONPATH"]


def test_an_environment_of_other_pins_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    assert environments.ready("matinee")
    assert not environments.ready("implicit")
    stamp = environments.folder("implicit") / "pins.txt"
    stamp.parent.mkdir(parents=True)
    stamp.write_text(environments.PINS["implicit"].read_text())
    assert environments.ready("implicit")
    stamp.write_text("implicit==0.1\n")
    assert not environments.ready("implicit")


def test_offsets_tell_where_each_person_begins() -> None:
    assert offsets(np.array([0, 0, 2, 2, 2]), 4).tolist() == [0, 2, 2, 5, 5]
    assert environment("implicit conjugate gradient") == "implicit"


def test_what_is_put_aside_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 10.0, 13.0, 20.0])
    clock = SimpleNamespace(perf_counter=lambda: next(moments), process_time=lambda: 0.0)
    monkeypatch.setattr(turn, "time", clock)
    monkeypatch.setattr(comparison, "time", clock)
    aside = Aside(clock=100.0)

    def run() -> None:
        with aside.looking():
            pass

    assert turn.timed(Task(run, lambda _: {}, aside=aside))[1] == 20.0 - 3.0
    assert aside.clock == 103.0


class TestSection:
    def test_says_whether_the_bar_was_met(self, compared: tuple[dict[str, Any], Children]) -> None:
        result = compared[0]
        text = section.section(COMPARISON, result)
        assert (
            "Goal: ≥ 3 x the fastest peer; reached with 4 [3, 5] (implicit; without absent)" in text
        )
        assert "Not measured, as not installed: absent." in text
        assert "The figures are equal." in text
        result["sides"]["implicit"]["times_ours"]["median"] = 2.9
        assert "missed with 2.9 [" in section.section(COMPARISON, result)

    def test_has_all_columns_in_every_row(self, compared: tuple[dict[str, Any], Children]) -> None:
        text = section.section(COMPARISON, compared[0])
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert len(rows) == 2 + 3
        assert {row.count("|") for row in rows} == {rows[0].count("|")}
        assert "people/s" in rows[0]
        assert rows[2].startswith("| **Matinee** | 1 [1, 2] | 3 | 1 | 0.5 | 6 | 100 |")
        assert f"implicit {environments.version('implicit')} other way" in rows[4]

    def test_a_peer_may_have_a_bar_of_its_own(
        self, compared: tuple[dict[str, Any], Children]
    ) -> None:
        told = section.lines(replace(COMPARISON, over={"absent": 9, "implicit": 5}), compared[0])
        assert [line.verdict for line in told] == ["reached", "not measured", "missed"]
        assert [line.bar for line in told][1] == "≥ 9 x absent"

    def test_without_a_result_nothing_is_measured(self) -> None:
        (line,) = section.lines(COMPARISON, None)
        assert (line.verdict, line.figure) == ("not measured", "")

    def test_unequal_figures_miss_every_bar(
        self, compared: tuple[dict[str, Any], Children]
    ) -> None:
        compared[0]["equal"] = False
        (line,) = section.lines(COMPARISON, compared[0])
        assert line.verdict == "missed"
        assert "figures differ" in line.figure

    def test_who_stays_below_the_quality_has_missed(
        self, compared: tuple[dict[str, Any], Children]
    ) -> None:
        asked = replace(COMPARISON, reach=("sum", 6.0))
        assert section.lines(asked, compared[0])[0].verdict == "reached"
        compared[0]["sides"]["matinee"]["quality"]["sum"] = 5.9
        assert section.lines(asked, compared[0])[0].verdict == "missed"
        assert "matinee did not reach sum 6" in section.section(asked, compared[0])


def test_the_fastest_of_our_own_ways_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = {"matinee small": count, "matinee large": count, "implicit": count}
    module = SimpleNamespace(COMPARISON=replace(COMPARISON, sides=sides))
    children = Children({"matinee small": [4.0], "matinee large": [2.0], "implicit": [8.0]})
    monkeypatch.setattr(rounds, "import_module", lambda _: module)
    monkeypatch.setattr(rounds, "child", children)
    monkeypatch.setattr(rounds, "ready", lambda _: True)
    np.savez(tmp_path / "arrays.npz", numbers=np.array([1.0, 2.0, 3.0]))
    result = rounds.compare("adding", tmp_path / "arrays.npz", 1)
    assert result["ours"] == "matinee large"
    assert result["sides"]["implicit"]["times_ours"]["median"] == 4.0
    (line,) = section.lines(module.COMPARISON, result)
    assert line.figure == "4 [4, 4] (implicit)"
    text = section.section(module.COMPARISON, result)
    assert "| **Matinee** small | 4 [4, 4] | 1 | 2 [2, 2] |" in text
    assert "| **Matinee** large | 2 [2, 2] | 2 | 1 |" in text


class TestJudgeOfNeuMF:
    @pytest.fixture
    def judge(self) -> neumfquality.Judge:
        """Two people with a film of their own, eleven others, and one that is no film."""
        candidates = np.tile([0, *range(1, 12), -1], (2, 1))
        return neumfquality.Judge({"candidates": candidates, "test_users": np.array([0, 1])})

    def scores(self, ahead: int) -> neumf.Scores:
        """So many others are ahead of the second person's film, nobody of the first one's."""
        return lambda users, items: np.where((users == 1) & (items <= ahead), items, -items)

    @pytest.mark.parametrize(("ahead", "rate"), [(9, 1.0), (10, 0.5)])
    def test_the_first_ten_hit(self, judge: neumfquality.Judge, ahead: int, rate: float) -> None:
        assert judge.content(self.scores(ahead)) is (rate >= neumfquality.GOAL)
        assert judge.rates == [rate]
        assert judge.aside.clock > 0

    def test_equal_scores_and_no_numbers_are_no_hits(self, judge: neumfquality.Judge) -> None:
        judge.content(lambda users, _: np.zeros(len(users)))
        judge.content(lambda users, _: np.full(len(users), np.nan))
        assert judge.rates == [0.0, 0.0]

    def test_comes_to_an_end(
        self, judge: neumfquality.Judge, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(neumfquality, "MOST", 2)
        told = [judge.content(self.scores(10)) for _ in range(2)]
        assert told == [False, True]
        assert judge.quality(None) == {"hit_rate@10": 0.5, "epochs": 2}
