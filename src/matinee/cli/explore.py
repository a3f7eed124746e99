"""`matinee explore`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matinee.cli.command import Data, Seed, command
from matinee.cli.console import Console, escape, table

if TYPE_CHECKING:
    from matinee.explore.types import Survey


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "explore")(explore)


def explore(
    console: Console,
    data: Data,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where the page goes; by default explore-DATA.html, and with --json nowhere.",
        ),
    ] = None,
    seed: Seed = 0,
) -> None:
    """Look at a data set from all sides: a page of pictures, tables and what they mean."""
    from matinee.explore.survey import survey

    with console.progress() as tick:
        found = survey(data, seed=seed, tick=tick)
    if out is None and not console.json:
        out = Path(f"explore-{_stem(data)}.html")
    if out is not None:
        from matinee.explore.report import page

        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page(found), encoding="utf-8")
    console.answer({"report": None if out is None else str(out), **found.as_dict()}, *_parts(found))
    if found.note:
        console.note(found.note)
    if out is not None:
        console.note(f"The report is {out}; open it in a browser.")
    console.next(f"matinee train --model ease --data {data} --split stratified --out runs/ease")


def _parts(found: Survey) -> list[Any]:
    """Sizes, and what everything means."""
    glance, meaning, *_ = found.sections
    sizes, meant = (
        [(name, escape(str(what))) for name, what in section.exhibits[0].table.rows]
        for section in (glance, meaning)
    )
    return [table(("at a glance", ""), sizes), "", table(("what it means for models", ""), meant)]


def _stem(data: str) -> str:
    """A data set's name as part of a file's name."""
    name = Path(data).name.partition(".")[0] or "data"
    return re.sub(r"[^\w-]+", "-", name)
