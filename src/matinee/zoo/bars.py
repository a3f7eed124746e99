"""The bars: figures that are to be reached, and what was, read from the folders of runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matinee.config import Config, load_toml
from matinee.errors import ArtefactError
from matinee.evaluation import direction

FILE = Path(__file__).with_name("bars.toml")
"""The bars that come along."""


class Bar(Config):
    """A figure to reach."""

    task: str
    """Data and protocol."""
    metric: str
    """Which figure."""
    aim: float
    """What is to be reached."""
    others: str = ""
    """The best of others, published or measured."""
    run: str
    """The folder of the run or recipe that is to reach it, among the runs."""
    command: str
    """What makes that folder."""


@dataclass(frozen=True)
class Reached:
    """A bar and what was reached.

    Attributes:
        bar: The bar.
        value: The figure; None if nothing was measured.
        low: Lower end of its interval.
        high: Upper end.
        seconds: What the training, or the whole recipe, took.
        machine: What it ran on, where that is known.
    """

    bar: Bar
    value: float | None = None
    low: float | None = None
    high: float | None = None
    seconds: float | None = None
    machine: str = ""

    @property
    def verdict(self) -> str:
        """Whether it is reached, and if not by how much it is missed."""
        if self.value is None:
            return "not measured"
        short = (direction(self.bar.metric) or 1) * (self.bar.aim - self.value)
        return "reached" if short <= 0 else f"missed by {short:.4f}"


def read_bars(path: Path = FILE) -> list[Bar]:
    """The bars of a TOML file, tables called `bar`.

    Raises:
        ConfigError: If it cannot be read or says what it should not.
    """
    tables: list[dict[str, Any]] = load_toml(path).get("bar", [])
    return [Bar.parse(table, where=str(path)) for table in tables]


def reached(bar: Bar, runs: Path) -> Reached:
    """What the run or recipe of a bar says of itself.

    Args:
        bar: The bar.
        runs: The folder of all runs.

    Raises:
        ArtefactError: If what is there does not tell figures.
    """
    for name in ("table.json", "model.json"):
        file = runs / bar.run / name
        if file.is_file():
            return _told(bar, file)
    return Reached(bar)


def _told(bar: Bar, file: Path) -> Reached:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        figure = told["metrics"].get(bar.metric, {})
        ends = {end: figure.get(end) for end in ("value", "low", "high")}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ArtefactError(
            "this does not tell the figures of a run",
            where=str(file),
            expected="what `matinee recipes run` or `matinee train` writes there",
        ) from None
    return Reached(bar, **ends, seconds=told.get("seconds"), machine=told.get("machine", ""))
