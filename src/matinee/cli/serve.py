"""`matinee serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from matinee.cli.command import Settings, command
from matinee.cli.console import Console
from matinee.cli.database import Database, ServiceConfig


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "serve")(serve)


def serve(
    console: Console,
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A run folder; by default the model active already."),
    ] = None,
    *,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Where to listen; 127.0.0.1 by default.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="The port; 8000 by default.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; 1 by default.")] = None,
    approximate: Annotated[
        bool, typer.Option("--approximate", help="Find nearly all of the best of very many films.")
    ] = False,
    database: Database = None,
    config: ServiceConfig = None,
    settings: Settings = None,
) -> None:
    """Serve recommendations: a REST API and pages, over a database of ratings."""
    from matinee.config import parse_assignments
    from matinee.service.server import Opened
    from matinee.service.server import serve as library
    from matinee.service.settings import ServeSettings

    named = {"run": run, "host": host, "port": port, "workers": workers, "database": database}
    named |= {"approximate": approximate or None}
    given = {key: value for key, value in named.items() if value is not None}
    chosen = ServeSettings.load({**parse_assignments(settings or []), **given}, config)

    def announce(address: str, opened: Opened) -> None:
        model = opened.deployments.current
        console.note(f"{model.artefact.name} {model.version} of {model.artefact.run}")
        console.note(f"Ratings are kept in {opened.store}. Stop with Ctrl-C.")
        pages = address if chosen.pages else f"{address}/openapi.json"
        console.next(f"open {pages}, or curl {address}/v1/items?q=heat")

    library(chosen, announce, level="WARNING" if console.quiet else "INFO")
