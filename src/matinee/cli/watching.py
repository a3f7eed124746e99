"""What is seen of a training: a line that moves on a terminal, a line an epoch elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from matinee.cli.console import Console, rich_console

if TYPE_CHECKING:
    from matinee.engine import Record, Watcher
    from matinee.engine.history import Progress


@contextmanager
def watching(console: Console) -> Generator[Watcher | None]:
    """Somebody to hand to a training; None where nobody would look."""
    if not console.chatty:
        yield None
    elif not sys.stderr.isatty():
        yield Lines(console)
    else:
        from rich.progress import BarColumn, Progress

        columns = ("{task.description}", BarColumn(bar_width=20), "{task.fields[told]}")
        with Progress(*columns, console=rich_console(sys.stderr), transient=True) as bars:
            yield Line(bars)


class Lines:
    """Writes a line after each epoch."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def progress(self, progress: Progress) -> None:
        """Nothing: a log is not for moving lines."""

    def epoch(self, record: Record) -> None:
        """Say how the epoch went."""
        told = [f"loss {record.loss:.4f}"]
        told += [f"{name} {value:.4f}" for name, value in record.metrics.items()]
        told.append(f"{record.seconds:.1f} s")
        self.console.note(f"epoch {record.epoch}: " + ", ".join(told))


class Line:
    """One moving line: what, how far, how well, how fast, how long."""

    def __init__(self, bars: Any) -> None:
        self.bars = bars
        self.task = bars.add_task("training", total=None, told="")

    def progress(self, progress: Progress) -> None:
        """Move on."""
        told = [f"loss {progress.loss:.4f}"]
        if progress.metric is not None:
            told.append(f"{progress.metric[0]} {progress.metric[1]:.4f}")
        told.append(f"{progress.rate:,.0f} examples/s")
        told.append(f"{_clock(progress.remaining)} left")
        self.bars.update(
            self.task,
            description=f"epoch {progress.epoch}/{progress.epochs}",
            completed=(progress.epoch - 1) * progress.steps + progress.step,
            total=progress.epochs * progress.steps,
            told=", ".join(told),
        )

    def epoch(self, record: Record) -> None:
        """Nothing: the line says it already."""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
