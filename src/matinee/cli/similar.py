"""`matinee similar`."""

from __future__ import annotations

from typing import Annotated

import typer

from matinee.cli.command import Length, Run, command
from matinee.cli.console import Console


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "similar")(similar)


def similar(
    console: Console,
    run: Run,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="A film, in quotes.")],
    k: Length = 10,
) -> None:
    """List the films most like a film."""
    from matinee.artefact import Artefact
    from matinee.cli.recommend import listing
    from matinee.recommendation import similar as library

    found = library(Artefact.load(run), title, k)
    console.answer(found.as_dict(), listing(found))
    if found.fallback:
        console.note("The model cannot compare this film: these share its genres.")
    console.next(f'matinee recommend {run} --likes "{title}" --because')
