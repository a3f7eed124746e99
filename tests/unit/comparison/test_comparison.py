"""Comparing runs: segments, curves, tests and the page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from matinee import experiment
from matinee.comparison import Compared, judge_runs, page
from matinee.comparison.judging import labels, read_curve
from matinee.comparison.sections import sections
from matinee.comparison.segments import NEW, by_segment, head, segments
from matinee.experiment import RunSpec
from matinee.models import Sizes, Solved, build
from matinee.splits import Split, random_split
from support.boards import checkerboard
from support.reading import Reader

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Three runs on a checkerboard, one of them in a folder of a hostile name."""
    data, folder = checkerboard(), tmp_path_factory.mktemp("runs")
    rows = zip(data.users, data.items, data.ratings, data.times, strict=True)
    text = "\n".join(f"p{u},f{i},{r},{t}" for u, i, r, t in rows)
    genres = "\n".join(f"f{i},Film {i},{('Even', 'Odd')[i % 2]}" for i in range(16))
    (folder / "data").mkdir()
    (folder / "data" / "ratings.csv").write_text(f"userId,movieId,rating,timestamp\n{text}\n")
    (folder / "data" / "movies.csv").write_text(f"movieId,title,genres\n{genres}\n")
    common = {"data": str(folder / "data"), "split": "stratified", "valid": 0.2}
    loop = {"epochs": 3, "batch_size": 64, "dim": 2}
    for name, model, settings in (
        ("popularity", "popularity", {}),
        (HOSTILE, "ease", {"l2": 1.0}),
        ("gmf", "gmf", loop),
    ):
        spec = RunSpec(model=model, settings=settings, **common)
        experiment.train(spec, folder / name)
    return [str(folder / name) for name in ("popularity", HOSTILE, "gmf")]


@pytest.fixture(scope="module")
def compared(runs: list[str]) -> Compared:
    return judge_runs(runs, deep=True)


class TestSegments:
    @pytest.mark.parametrize(
        ("counts", "popular"),
        [
            ([10, 50, 40, 0], [1]),
            ([30, 40, 20, 10], [0, 1]),
            ([5, 5, 5, 5], [0, 1]),
            ([1, 1, 1], []),
        ],
    )
    def test_the_head_by_hand(self, counts: list[int], popular: list[int]) -> None:
        assert np.flatnonzero(head(np.array(counts))).tolist() == popular

    def test_films_and_users_are_cut_once_each(self, split: Split) -> None:
        found = segments(split)
        for of in ("users", "films"):
            parts = [part.kept for part in found if part.of == of]
            assert (np.sum(parts, axis=0) == 1).all()

    def test_users_by_what_is_known_of_them(self, split: Split) -> None:
        known = np.diff(split.test.history.offsets)[split.test.held_out.users]
        by_name = {part.name: part.kept for part in segments(split)}
        assert known[by_name["light users"]].max() < known[by_name["heavy users"]].min()

    def test_new_films_have_few_training_ratings(self, split: Split) -> None:
        counts = split.train.item_counts[split.test.held_out.items]
        by_name = {part.name: part.kept for part in segments(split)}
        assert (by_name["new films"] == (counts < NEW)).all()

    def test_a_segments_recall_is_that_of_its_films_alone(self, split: Split) -> None:
        model = build("ease", {"l2": 1.0}, Sizes.of(split.train))  # whose scores have no ties
        assert isinstance(model, Solved)
        model.solve(split.train)
        part = next(part for part in segments(split) if part.name == "rare films")
        told = by_segment(model, split, [part], ["recall@3"])["rare films"]["recall@3"].value
        held = split.test.held_out.take(part.kept)
        recalls = []
        for user in held.active_users:
            queries = split.test.queries(np.array([user]))
            scores = model.score(queries)[0].clone()
            scores[queries.items] = -torch.inf
            wanted = set(held.items[held.users == user].tolist())
            recalls.append(len(wanted & set(scores.topk(3).indices.tolist())) / len(wanted))
        assert told == pytest.approx(np.mean(recalls))

    @pytest.fixture
    def split(self) -> Split:
        """People and films of all sizes, from a film that all have rated to one of a single rating.

        The first test ratings are the rest of a fixed draw, so that new films are asked for too.
        """
        from matinee.data.interactions import Interactions  # noqa: PLC0415

        rows = [(u, i) for i in range(30) for u in range(60) if u < 60 - 4 * i or (u + i) % 20 == 0]
        users, items = zip(*rows, strict=True)
        return random_split(Interactions.build(users, items), test=0.3, valid=0, seed=1)


class TestJudging:
    def test_labels_are_short_and_differ(self, runs: list[str], compared: Compared) -> None:
        assert [run.label for run in compared.runs] == [Path(run).name for run in runs]
        assert [run.run for run in compared.runs] == runs

    @pytest.mark.parametrize(
        ("folders", "told"),
        [
            (["runs/a", "runs/b"], ["a", "b"]),
            (["x/a", "y/a", "y/b"], ["x/a", "y/a", "y/b"]),
            (["z/runs/ease/seed-0", "z/runs/slit/seed-0"], ["ease", "slit"]),
            (["ease/seed-0", "ease/seed-1"], ["seed-0", "seed-1"]),
            (["runs/ease/seed-0"], ["seed-0"]),
        ],
    )
    def test_labels_leave_out_what_all_share(self, folders: list[str], told: list[str]) -> None:
        assert labels(folders) == told

    def test_the_best_come_first(self, compared: Compared) -> None:
        assert compared.primary == "ndcg@10"
        values = [run.report.metrics["ndcg@10"].value for run in compared.ranked]
        assert values == sorted(values, reverse=True)

    def test_curves_are_of_the_validation_part(self, compared: Compared) -> None:
        trained = next(run for run in compared.runs if run.name == "gmf")
        lines = (Path(trained.run) / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines]
        assert [value for _, value in trained.curve] == [
            record["metrics"]["ndcg@10"] for record in records
        ]
        assert trained.curve[-1][0] == pytest.approx(sum(r["seconds"] for r in records))
        solved = next(run for run in compared.runs if run.name == "ease")
        assert len(solved.curve) == 1
        assert solved.curve[0][0] == solved.facts.seconds
        assert next(iter(compared.curves)) == "gmf"  # those that were trained come first

    def test_a_missing_history_is_no_curve(self, tmp_path: Path) -> None:
        assert read_curve(tmp_path / "metrics.jsonl", "ndcg@10") == []

    def test_runs_tell_what_they_were_trained_on(self, compared: Compared) -> None:
        assert {run.facts.machine for run in compared.runs} <= {"cpu"}


class TestPage:
    def test_shows_every_figure(self, compared: Compared) -> None:
        text = page(compared)
        cells = {cell for row in Reader(text).rows for cell in row}
        for run in compared.runs:
            assert run.label in cells
            figure = run.report.metrics["ndcg@10"]
            assert (
                f"{figure.value:.4f} [{figure.low:.4f},\N{NO-BREAK SPACE}{figure.high:.4f}]"
                in cells
            )

    def test_has_all_its_sides(self, compared: Compared) -> None:
        names = [section.name for section in sections(compared)]
        assert names == ["figures", "differences", "beyond", "segments", "cost", "learning"]
        scatter = {e.name for s in sections(compared) for e in s.exhibits}
        assert {"against_diversity", "against_coverage", "against_novelty"} <= scatter
        assert "against_popularity_bias" in scatter
        assert {"ndcg_users", "ndcg_films", "recall_users", "time", "memory", "curves"} <= scatter

    def test_hostile_names_are_text_and_nothing_is_fetched(self, compared: Compared) -> None:
        text = page(compared)
        elements = set(Reader(text).elements)
        assert elements.isdisjoint({"img", "script", "link", "iframe"})
        assert "http" not in text
        ids = Reader(text).ids
        assert len(ids) == len(set(ids))

    def test_two_runs_are_enough(self, runs: list[str]) -> None:
        found = judge_runs(runs[:2], deep=True)
        names = [section.name for section in sections(found)]
        assert "learning" not in names
        assert Reader(page(found)).elements["svg"] > 5
