"""Judging runs side by side on the split they share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import torch

from matinee import experiment
from matinee.artefact import Artefact, Facts
from matinee.comparison.segments import Segment, by_segment, segments
from matinee.engine.history import Record
from matinee.errors import EvaluationError
from matinee.evaluation import Estimate, Report, compare_runs, direction, evaluate
from matinee.models import Learned
from matinee.splits import Split

Point = tuple[float, float]
"""Seconds of training, and the metric on the validation part."""

Tell = Callable[[str], object]
"""Told which run is being judged."""

MAIN = 5
"""Runs of which the course of the training is shown."""


@dataclass(frozen=True)
class Judged:
    """A run and its figures.

    Attributes:
        label: What it is called on the page: short, and different from the others.
        run: Its folder.
        name: The model's name.
        settings: What was set, defaults apart.
        weights: Numbers it has learned.
        facts: What the run says of itself.
        report: Its figures on the test part.
        segments: Its figures by segment; empty if they were not asked for.
        curve: Its validation metric while it was trained, or the one point of a solved model.
    """

    label: str
    run: str
    name: str
    settings: Mapping[str, Any]
    weights: int
    facts: Facts
    report: Report
    segments: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    curve: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Compared:
    """Runs judged side by side.

    Attributes:
        runs: In the order they were named.
        tests: As `compare_runs` gives them, by the labels of the runs.
        parts: The segments, if they were asked for.
        watched: The validation metric of the curves.
    """

    runs: tuple[Judged, ...]
    tests: pl.DataFrame
    parts: tuple[Segment, ...] = ()
    watched: str = ""

    @property
    def metrics(self) -> list[str]:
        """The metrics that any run has, in order."""
        return list(dict.fromkeys(name for run in self.runs for name in run.report.metrics))

    @property
    def primary(self) -> str:
        """The metric that runs are put in order by: NDCG, else RMSE, else the first."""
        names = [m for m in self.metrics if all(m in run.report.metrics for run in self.runs)]
        ranked = [name for name in names if name.startswith("ndcg")]
        usual = [*ranked, *(name for name in ("rmse",) if name in names), *names, *self.metrics]
        return usual[0]

    @property
    def ranked(self) -> list[Judged]:
        """The runs that have the primary metric, the best first."""
        sign = direction(self.primary) or 1
        told = [run for run in self.runs if self.primary in run.report.metrics]
        return sorted(told, key=lambda run: -sign * run.report.metrics[self.primary].value)

    @property
    def in_order(self) -> list[Judged]:
        """All runs: the best first, those without the primary metric last."""
        ranked = self.ranked
        return [*ranked, *(run for run in self.runs if run not in ranked)]

    @property
    def curves(self) -> dict[str, tuple[Point, ...]]:
        """Quality over seconds of the `MAIN` best runs that tell it, by label.

        Runs that were trained over epochs come first; empty if there are none.
        """
        told = [run for run in self.ranked if run.curve]
        trained = [run for run in told if len(run.curve) > 1][:MAIN]
        solved = [run for run in told if len(run.curve) == 1][: MAIN - len(trained)]
        return {run.label: run.curve for run in [*trained, *solved]} if trained else {}


def judge_runs(
    runs: Sequence[str],
    *,
    k: Sequence[int] = (10,),
    metrics: Sequence[str] | None = None,
    deep: bool = False,
    tell: Tell | None = None,
) -> Compared:
    """Judge runs on the test part they share, and test every pair of them.

    Args:
        runs: Folders, each once.
        k: Cut-offs of the ranking metrics.
        metrics: Which to report; all that can be had by default.
        deep: Whether segments and curves are wanted as well.
        tell: Told which run is being judged.

    Raises:
        EvaluationError: If the runs were judged on different splits.
        ArtefactError: If a run cannot be read, or its data are no longer those of its training.
    """
    artefacts = {run: Artefact.load(run) for run in runs}
    _check_same_split(artefacts)
    split = experiment.split_of(next(iter(artefacts.values())))
    parts = tuple(segments(split)) if deep else ()
    watched = _watched(artefacts.values()) if deep else ""
    judged: list[Judged] = []
    for run, label in zip(runs, labels(runs), strict=True):
        if tell is not None:
            tell(run)
        artefact = artefacts.pop(run)
        found = _judged(artefact, label, split, k, metrics)
        judged.append(_deepened(found, artefact, split, parts, watched) if deep else found)
    tests = compare_runs({run.label: run.report.per_user for run in judged})
    return Compared(tuple(judged), tests, parts, watched)


def _check_same_split(runs: Mapping[str, Artefact]) -> None:
    (first, one), *others = runs.items()
    for run, artefact in others:
        if artefact.facts.split.digest != one.facts.split.digest:
            raise EvaluationError(
                "the runs were judged on different splits, so their figures cannot be compared",
                where=f"{first}, {run}",
                remedy="Train them with the same data, split and seed.",
            )


def _judged(
    artefact: Artefact,
    label: str,
    split: Split,
    k: Sequence[int],
    metrics: Sequence[str] | None,
) -> Judged:
    model = artefact.model
    report = evaluate(
        model,
        split.test,
        train=split.train,
        metrics=metrics,
        k=tuple(k),
        like_at=experiment.like_at(model),
    )
    settings = experiment.read_spec(artefact.run).settings
    weights = sum(tensor.numel() for tensor in model.state_dict().values())
    return Judged(label, artefact.run, artefact.name, settings, weights, artefact.facts, report)


def _deepened(
    run: Judged, artefact: Artefact, split: Split, parts: Sequence[Segment], watched: str
) -> Judged:
    """The run with segments and curve."""
    wanted = [m for m in run.report.metrics if m.partition("@")[0] in ("ndcg", "recall", "rmse")]
    with torch.no_grad():
        figures = by_segment(artefact.model, split, parts, wanted) if wanted else {}
        curve = _curve(artefact, split, watched)
    return replace(run, segments=figures, curve=curve)


def _watched(artefacts: Any) -> str:
    """The metric that most of the learned runs watched on the validation part."""
    monitors = [
        str(one.facts.trainer.get("monitor") or one.model.monitor)
        for one in artefacts
        if isinstance(one.model, Learned)
    ]
    return max(dict.fromkeys(monitors), key=monitors.count) if monitors else "ndcg@10"


def _curve(artefact: Artefact, split: Split, metric: str) -> tuple[Point, ...]:
    if isinstance(artefact.model, Learned):
        return tuple(read_curve(Path(artefact.run) / "metrics.jsonl", metric))
    if split.valid is None:
        return ()
    try:
        report = evaluate(artefact.model, split.valid, train=split.train, metrics=[metric])
    except EvaluationError:  # a model without stars has no error of them
        return ()
    return ((artefact.facts.seconds, report.metrics[metric].value),)


def read_curve(path: Path, metric: str) -> list[Point]:
    """A metric over the seconds of training, from the history that the trainer wrote."""
    if not path.is_file():
        return []
    points: list[Point] = []
    seconds = 0.0
    for line in path.read_text(encoding="utf-8").splitlines():
        record = Record(**json.loads(line))
        seconds += record.seconds
        if metric in record.metrics:
            points.append((seconds, record.metrics[metric]))
    return points


def labels(runs: Sequence[str]) -> list[str]:
    """The last parts of the folders' names, as many as tell them apart; no end that all share."""
    parts = [Path(run).parts for run in runs]
    while len(runs) > 1 and min(map(len, parts)) > 1 and len({part[-1] for part in parts}) == 1:
        parts = [part[:-1] for part in parts]  # 'seed-0' of the variants of a recipe
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-length:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return list(runs)
