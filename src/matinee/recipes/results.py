"""What came out of a recipe: figures over seeds, and whether they reach their aims."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from scipy import stats

from matinee.artefact import Facts
from matinee.evaluation import Estimate, Report
from matinee.evaluation.significance import LEVEL
from matinee.recipes.recipe import Goal, Recipe
from matinee.recommendation import Recommendations

ENOUGH_SEEDS = 3
"""From so many seeds on, intervals are over seeds; with fewer they are over people."""


@dataclass(frozen=True)
class Trial:
    """One variant, trained and judged with one seed.

    Attributes:
        variant: Its name.
        run: The run folder.
        model: The model's name.
        facts: What the run says of itself.
        report: What was found on the test part.
        valid: The metric that chooses, on the validation part; None where nothing is chosen.
    """

    variant: str
    run: str
    model: str
    facts: Facts
    report: Report
    valid: float | None = None

    @property
    def seed(self) -> int:
        """The seed of split, weights and training."""
        return self.facts.seed

    @property
    def metrics(self) -> dict[str, Estimate]:
        """Figures on the test part."""
        return self.report.metrics


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        metric: Name of the metric.
        goal: The published figure and the one to reach.
        ours: The mean over seeds, with its 95 % interval.
    """

    metric: str
    goal: Goal
    ours: Estimate

    @property
    def verdict(self) -> str:
        """Whether the aim is reached, and if not by how much it is missed."""
        reached, aim = self.goal.reached(self.ours.value), self.goal.aim
        if reached is None or aim is None:
            return ""
        return "reached" if reached else f"missed by {abs(self.ours.value - aim):.4f}"


@dataclass(frozen=True)
class Outcome:
    """All that a recipe gave.

    Attributes:
        recipe: The recipe.
        data: The data it was run on.
        notice: What every table must say of the data; empty if there is nothing to say.
        seeds: The seeds.
        variant: The variant that counts.
        trials: That variant with each seed.
        variants: The figures of all variants as first trained, by name, means over seeds.
        valid: The metric that chose among them, on the validation part; empty if none did.
        second: Figures of the second test, if there is one.
        listed: The films of the person asked for, if anyone is.
        similar: The films similar to the film asked for, by variant.
        folder: Where all of it is.
        seconds: Wall-clock time of the whole recipe, with that of trainings kept from before.
        peak_mb: Largest resident memory so far, in MB.
    """

    recipe: Recipe
    data: str
    notice: str
    seeds: tuple[int, ...]
    variant: str
    trials: Sequence[Trial]
    variants: Mapping[str, Mapping[str, Estimate]]
    valid: Mapping[str, float]
    second: Mapping[str, Estimate]
    listed: Recommendations | None
    similar: Mapping[str, Recommendations]
    folder: Path
    seconds: float
    peak_mb: float

    @property
    def rows(self) -> list[Row]:
        """The table: a row for each metric of the recipe."""
        figures = over_seeds([trial.metrics for trial in self.trials])
        return [Row(name, goal, figures[name]) for name, goal in self.recipe.metrics.items()]

    @property
    def protocol(self) -> str:
        """How the figures were had."""
        return str(self.trials[0].report.protocol)

    @property
    def interval(self) -> str:
        """What the intervals are of."""
        n = len(self.seeds)
        if n >= ENOUGH_SEEDS:
            return f"mean of {n} seeds, 95 % t interval over seeds"
        return f"{'one seed' if n == 1 else 'mean of two seeds'}, 95 % interval over people"

    @property
    def reached(self) -> bool:
        """Whether every aim is reached."""
        return all(row.goal.reached(row.ours.value) is not False for row in self.rows)

    def compared(self) -> tuple[list[str], list[list[str]]]:
        """The variants as a table of text: its head, and a row a variant."""
        recipe, choose = self.recipe, self.recipe.choose
        told = [
            m for m in recipe.metrics if any(v.published.get(m) for v in recipe.variants.values())
        ]
        when = ", before the last training" if recipe.refit else ""
        head = [f"variant{when}", *(f"{metric}, published" for metric in told), *recipe.metrics]
        head += [f"validation {choose}"] if choose else []
        rows = [
            [
                name,
                *(_places(recipe.published(name, metric)) for metric in told),
                *(_places(figures[metric].value) for metric in recipe.metrics),
                *([_places(self.valid[name])] if choose else []),
            ]
            for name, figures in self.variants.items()
        ]
        return head, rows

    def as_dict(self) -> dict[str, Any]:
        """The outward JSON."""
        metrics = {row.metric: _row_dict(row) for row in self.rows}
        return {
            "run": str(self.folder),
            "recipe": self.recipe.name,
            "model": self.trials[0].model,
            "data": self.data,
            "notice": self.notice or None,
            "split": self.recipe.split.kind,
            "seed": self.seeds[0],
            "seeds": list(self.seeds),
            "variant": self.variant,
            "metrics": metrics,
            "interval": self.interval,
            "protocol": self.protocol,
            "reached": self.reached,
            "variants": {
                name: {
                    metric: _with_published(figure, self.recipe.published(name, metric))
                    for metric, figure in figures.items()
                }
                for name, figures in self.variants.items()
            },
            "validation": dict(self.valid),
            "leave_one_out": {name: figure.as_dict() for name, figure in self.second.items()},
            "recommendations": self.listed and self.listed.as_dict(),
            "similar": {name: found.as_dict() for name, found in self.similar.items()},
            "seconds": self.seconds,
            "peak_mb": self.peak_mb,
        }


def over_seeds(runs: Sequence[Mapping[str, Estimate]]) -> dict[str, Estimate]:
    """The mean of each metric over runs that differ in the seed.

    With `ENOUGH_SEEDS` runs or more its interval is mean -/+ t(0.975, n - 1) sd / sqrt(n);
    with fewer its ends are the means of the ends of the runs' own intervals over people.
    """
    return {name: _mean([run[name] for run in runs]) for name in runs[0]}


def _mean(figures: Sequence[Estimate]) -> Estimate:
    n, value = len(figures), fmean(figure.value for figure in figures)
    if n < ENOUGH_SEEDS:
        low, high = (fmean(getattr(f, end) for f in figures) for end in ("low", "high"))
        return Estimate(value, low, high)
    error = stdev(figure.value for figure in figures) / math.sqrt(n)
    margin = float(stats.t.ppf((1 + LEVEL) / 2, n - 1)) * error
    return Estimate(value, value - margin, value + margin)


def _row_dict(row: Row) -> dict[str, Any]:
    told = _with_published(row.ours, row.goal.published)
    if row.goal.bar is not None:
        told["bar"] = row.goal.bar
    if row.verdict:
        told["verdict"] = row.verdict
    return told


def _with_published(ours: Estimate, published: float | None) -> dict[str, Any]:
    return {**ours.as_dict(), **({} if published is None else {"published": published})}


def _places(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
