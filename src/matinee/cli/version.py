"""`matinee version`."""

from __future__ import annotations

import typer

from matinee.cli.command import command
from matinee.cli.console import Console


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "version")(version)


def version(console: Console) -> None:
    """Say which version this is, and of what it is built."""
    import platform
    from importlib.metadata import version as of

    versions = {"matinee": of("matinee"), "python": platform.python_version()}
    versions |= {name: of(name) for name in ("torch", "polars", "numpy")}
    console.answer(versions, *(f"{name} {number}" for name, number in versions.items()))
