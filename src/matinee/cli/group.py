"""The commands by name, each of which is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

COMMANDS = {
    "demo": "Train on the bundled sample and recommend films.",
    "explore": "Look at a data set from all sides: a page of pictures, tables and what they mean.",
    "train": "Train a model and judge it beside popularity.",
    "tune": "Look for the best settings of a model, or of a recipe, by its validation part.",
    "evaluate": "Judge a run on its own test part.",
    "compare": "Judge runs side by side and test whether they differ.",
    "recommend": "List films for a person, or for anyone who names a few.",
    "similar": "List the films most like a film.",
    "models": "List the models, or the settings of one.",
    "serve": "Serve recommendations: a REST API and pages, over a database of ratings.",
    "retrain": "Train the active model anew with the database's ratings.",
    "version": "Say which version this is, and of what it is built.",
    "data": "Get data, check them, cut them.",
    "bench": "Train all models under one protocol, and compare.",
    "recipes": "Run published results, and compare.",
    "db": "Look after the database.",
    "keys": "Make and revoke keys to the REST API.",
}
"""Commands, each in the module of its name, and what they are for in one line."""


class Imported(Mapping[str, Any]):
    """The commands of `COMMANDS`."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        return _imported(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


@cache
def _imported(name: str) -> Any:
    part = typer.Typer(rich_markup_mode=None)
    import_module(f"matinee.cli.{name}").register(part)
    return get_group(part).commands[name]


class Commands(TyperGroup):
    """`matinee` itself, whose help imports none of its commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Any = Imported()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
