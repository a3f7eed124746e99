"""What commands say: answers on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

    from matinee.errors import MatineeError

WIDTH = 100
"""Columns at most."""

Tick = Callable[[str, int, int], None]
"""Told what is being done, how much is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class Console:
    """Where a command prints, and how much.

    Attributes:
        json: Answer with one JSON document, and keep stderr for errors.
        quiet: Keep notes and progress to oneself.
        verbose: Show what happens inside.
    """

    json: bool = False
    quiet: bool = False
    verbose: bool = False

    @property
    def chatty(self) -> bool:
        """Whether notes and progress are wanted."""
        return self.verbose or not (self.json or self.quiet)

    def answer(self, document: Mapping[str, Any], *parts: Any) -> None:
        """Print the answer: the document with `--json`, else the parts (text, tables)."""
        if self.json:
            text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
            sys.stdout.write(text + "\n")
            return
        out = rich_console(sys.stdout)
        for part in parts:
            out.print(part)

    def note(self, text: str) -> None:
        """Say something in passing."""
        if self.chatty:
            rich_console(sys.stderr).print(text, soft_wrap=True, markup=False)

    def warn(self, text: str) -> None:
        """Say something that should not be overlooked."""
        rich_console(sys.stderr).print(f"Warning: {text}", soft_wrap=True, markup=False)

    def next(self, text: str) -> None:
        """Say, as the last line, what to do next."""
        if self.chatty:
            rich_console(sys.stderr).print(
                f"Next: {text}", style="dim", soft_wrap=True, markup=False
            )

    @contextmanager
    def progress(self) -> Generator[Tick | None]:
        """A progress line while something runs; None where nobody would see one."""
        if not self.chatty or not sys.stderr.isatty():
            yield None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=rich_console(sys.stderr), transient=True) as bars:
            tasks: dict[str, Any] = {}

            def tick(what: str, done: int, total: int) -> None:
                if what not in tasks:
                    tasks[what] = bars.add_task(what, total=total)
                bars.update(tasks[what], completed=done, total=total)

            yield tick


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Any:
    """An aligned table; a column of numbers stands to the right.

    Args:
        columns: Headers, with units.
        rows: Cells; text keeps rich's markup for emphasis.
    """
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(_is_number(row[index]) for row in rows)
        made.add_column(name, justify="right" if numeric else "left", overflow="ellipsis")
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    return made


def escape(text: str) -> str:
    """Text from outside, so that brackets in it are not read as markup."""
    from rich.markup import escape as escaped

    return escaped(text)


def show_error(error: MatineeError, *, as_json: bool) -> None:
    """Print an error a user can mend: a line, or a JSON document on one line."""
    if as_json:
        sys.stderr.write(json.dumps({"error": error.as_dict()}, ensure_ascii=False) + "\n")
    else:
        rich_console(sys.stderr).print(f"Error: {error}", soft_wrap=True, markup=False)


def rich_console(stream: IO[str]) -> RichConsole:
    """A printer for a stream: plain text if NO_COLOR is set or it is no terminal."""
    from rich.console import Console as RichConsole

    plain = bool(os.environ.get("NO_COLOR")) or not stream.isatty()
    width = None if stream.isatty() else WIDTH
    made = RichConsole(
        file=stream,
        highlight=False,
        emoji=False,
        width=width,
        color_system=None if plain else "auto",
    )
    made.width = min(made.width, WIDTH)
    return made


def _is_number(cell: Any) -> bool:
    if cell is None or isinstance(cell, int | float):
        return True
    text = str(cell).replace("[bold]", "").replace("[/bold]", "")
    text = text.replace("[dim]", "").replace("[/dim]", "").replace(",", "").strip()
    return not text or text.lstrip("+-").replace(".", "", 1).isdigit()
