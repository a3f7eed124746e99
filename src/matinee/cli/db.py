"""`matinee db ...`: bring a database up to date, copy it, examine it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from matinee.cli.command import command
from matinee.cli.console import Console, escape, table
from matinee.cli.database import Database, ServiceConfig, url_of


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Look after the database.", no_args_is_help=True, rich_markup_mode=None
    )
    app.add_typer(group, name="db")
    command(group, "upgrade")(upgrade)
    command(group, "backup")(backup)
    command(group, "check")(check)


def upgrade(console: Console, *, database: Database = None, config: ServiceConfig = None) -> None:
    """Bring a database to this version's tables, or make them; SQLite is copied first."""
    from matinee.service.store import upgrade as library

    done = library(url_of(database, config, create=True))
    copy = None if done.backup is None else str(done.backup)
    story = (
        f"is at schema version {done.after} already"
        if done.before == done.after
        else f"went from schema version {done.before or 'none'} to {done.after}"
    )
    console.answer({**asdict(done), "backup": copy}, escape(f"{done.database} {story}"))
    if copy is not None:
        console.note(f"The database as it was is in {copy}")


def backup(
    console: Console,
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
    *,
    database: Database = None,
    config: ServiceConfig = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file of this name.")] = False,
) -> None:
    """Copy a database into one file while it is in use."""
    from matinee.service.store import back_up

    back_up(url_of(database, config), out, force=force)
    size = out.stat().st_size
    console.answer({"file": str(out), "bytes": size}, escape(f"{out}: {size:,} bytes"))


def check(console: Console, *, database: Database = None, config: ServiceConfig = None) -> None:
    """Examine a database: damage, schema version, rows. Exits with 1 if something is wrong."""
    from matinee.service.store import examine

    found = examine(url_of(database, config))
    rows = [
        ("database", escape(found.database)),
        ("server", escape(found.server)),
        ("schema version", found.schema or "none"),
        *((f"rows in {name}", f"{count:,}") for name, count in found.rows.items()),
        *(("note", escape(note)) for note in found.notes),
        *(("problem", escape(problem)) for problem in found.problems),
    ]
    console.answer(asdict(found), table(("", ""), rows))
    if found.problems:
        raise typer.Exit(1)
