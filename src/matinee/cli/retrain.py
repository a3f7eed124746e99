"""`matinee retrain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matinee.cli.command import Settings, UsageError, command
from matinee.cli.console import Console, escape, table
from matinee.cli.database import Database, ServiceConfig, url_of

if TYPE_CHECKING:
    from matinee.service.retraining import Retrained, Verdict

SHOWN = 5
"""Unknown films that are named."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "retrain")(retrain)


def retrain(
    console: Console,
    *,
    database: Database = None,
    config: ServiceConfig = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="The new run's folder; by default beside the old one."),
    ] = None,
    settings: Settings = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of the training; by default the old run's.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare only: keep and activate nothing.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Activate it even if it is worse or few people can judge."),
    ] = False,
) -> None:
    """Train the active model anew with the database's ratings; activate it if it is no worse.

    Exits with 1 if it is worse.
    """
    from matinee.cli.watching import watching
    from matinee.config import parse_assignments
    from matinee.service.retraining import retrain as library
    from matinee.service.store import open_store

    if dry_run and (out is not None or force):
        raise UsageError("--dry-run keeps and activates nothing: leave --out and --force away")
    chosen = parse_assignments(settings or [])
    with open_store(url_of(database, config), create=False) as store, watching(console) as watcher:
        done = library(
            store,
            out=out,
            settings=chosen,
            seed=seed,
            dry_run=dry_run,
            force=force,
            watcher=watcher,
        )
    if done.unknown:
        console.warn(_left_out(done))
    console.answer(_document(done), _table(done.verdict), _judged(done), _outcome(done))
    if done.verdict.worse and not done.activated:
        raise typer.Exit(1)


def _document(done: Retrained) -> dict[str, Any]:
    return {
        "old": {"run": done.old.run, "version": done.old.version},
        "new": {"run": done.run, "version": done.version},
        "comparison": done.verdict.as_dict(),
        "activated": done.activated,
        "ratings": done.ratings,
        "unknown_films": list(done.unknown),
        "left_out": done.left_out,
    }


def _table(verdict: Verdict) -> Any:
    difference = verdict.comparison.difference
    row = (
        verdict.metric,
        f"{verdict.old:.4f}",
        f"{verdict.new:.4f}",
        f"{difference.value:+.4f}",
        f"{difference.low:+.4f} to {difference.high:+.4f}",
        f"{verdict.comparison.p:.2g}",
        verdict.comparison.users,
    )
    columns = ("metric", "old model", "new model", "difference", "95 % interval", "p", "people")
    return table(columns, [row])


def _judged(done: Retrained) -> str:
    how = "worse than" if done.verdict.worse else "no worse than"
    return f"With {done.ratings:,} ratings of the database the new model is {how} the old one."


def _outcome(done: Retrained) -> str:
    if done.run is None:
        return "Nothing was kept or activated."
    what = "serves now" if done.activated else "was not activated"
    return f"Version {done.version} {what}: {escape(done.run)}"


def _left_out(done: Retrained) -> str:
    shown = ", ".join(done.unknown[:SHOWN])
    more = f" and {len(done.unknown) - SHOWN:,} more" if len(done.unknown) > SHOWN else ""
    return f"left out as the data set lacks their films: ratings of {shown}{more}"
