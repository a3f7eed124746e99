"""How measured figures are shown: as the outward JSON, and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from matinee.cli.console import table

if TYPE_CHECKING:
    from matinee.artefact import Artefact, Facts


class Measured(Protocol):
    """A value with the ends of its 95 % interval, None or NaN where there are none."""

    @property
    def value(self) -> float:
        """What was measured."""
        ...

    @property
    def low(self) -> float | None:
        """Lower end."""
        ...

    @property
    def high(self) -> float | None:
        """Upper end."""
        ...


class Ran(Protocol):
    """What is told of a run: its folder, the model's name, and how it came about."""

    @property
    def run(self) -> str:
        """The folder."""
        ...

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    @property
    def facts(self) -> Facts:
        """How it came about."""
        ...


def run_document(
    run: Ran,
    metrics: Mapping[str, Measured] | None = None,
    *,
    seconds: float | None = None,
    peak_mb: float | None = None,
) -> dict[str, Any]:
    """The outward JSON of `train` and `evaluate`.

    Args:
        run: The run.
        metrics: Its figures; by default those it was saved with.
        seconds: What it took; by default the training.
        peak_mb: Likewise.
    """
    facts = run.facts
    figures = facts.metrics if metrics is None else metrics
    return {
        "run": run.run,
        "model": run.name,
        "data": facts.data.name,
        "split": facts.split.kind,
        "seed": facts.seed,
        "metrics": {name: as_dict(figure) for name, figure in figures.items()},
        "seconds": facts.seconds if seconds is None else seconds,
        "peak_mb": facts.peak_mb if peak_mb is None else peak_mb,
    }


def as_dict(figure: Measured) -> dict[str, float | None]:
    """One figure as JSON; NaN becomes None."""
    ends = {"value": figure.value, "low": figure.low, "high": figure.high}
    return {name: None if end is None or end != end else end for name, end in ends.items()}  # noqa: PLR0124 - NaN


def headline(run: Artefact) -> str:
    """What was judged on what."""
    facts = run.facts
    return f"{run.name} on {facts.data.name}, split {facts.split.kind}, seed {facts.seed}"


def figure_table(metrics: Mapping[str, Measured], baseline: Mapping[str, Measured]) -> Any:
    """Figures beside those of popularity: the better one bold, the baseline dim."""
    rows = [_row(name, figure, baseline.get(name)) for name, figure in metrics.items()]
    columns = ("metric", "this model", "95 % interval", "popularity", "95 % interval")
    return table(
        columns if baseline else columns[:3], [row if baseline else row[:3] for row in rows]
    )


def value(figure: Measured) -> str:
    """Four places."""
    return f"{figure.value:.4f}"


def interval(figure: Measured) -> str:
    """The ends of the interval, or nothing."""
    ends = as_dict(figure)
    if ends["low"] is None or ends["high"] is None:
        return ""
    return f"{ends['low']:.4f} to {ends['high']:.4f}"


def _row(name: str, ours: Measured, theirs: Measured | None) -> list[str]:
    from matinee.evaluation import direction

    if theirs is None:
        return [name, value(ours), interval(ours), "", ""]
    better = direction(name) * (ours.value - theirs.value)
    return [
        name,
        f"[bold]{value(ours)}[/bold]" if better > 0 else value(ours),
        interval(ours),
        f"[bold]{value(theirs)}[/bold]" if better < 0 else f"[dim]{value(theirs)}[/dim]",
        f"[dim]{interval(theirs)}[/dim]",
    ]
