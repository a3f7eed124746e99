"""Which database a command is about: the one that `serve` would use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME; by default that of "
        "MATINEE_DATABASE, of the settings, or service.db in the data home.",
    ),
]
ServiceConfig = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The service's settings, a TOML file."),
]


def url_of(database: str | None, config: Path | None, *, create: bool = False) -> str:
    """The URL of the database.

    Args:
        database: As the command line has it.
        config: The file of settings.
        create: Whether the database may be made, and with it the data home.

    Raises:
        ConfigError: If the settings cannot be used.
    """
    from matinee.service.settings import ServeSettings

    settings = ServeSettings.load({"database": database}, config)
    if create:
        settings.make_home()
    return settings.database
