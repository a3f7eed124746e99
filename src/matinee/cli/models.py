"""`matinee models`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from matinee.cli.command import command
from matinee.cli.console import Console, escape, table


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "models")(models)


def models(
    console: Console,
    name: Annotated[str | None, typer.Argument(help="A model, to see its settings.")] = None,
) -> None:
    """List the models, or the settings of one."""
    from matinee.errors import unknown
    from matinee.models import MODELS

    if name is None:
        rows = [(key, _first_line(model)) for key, model in MODELS.items()]
        document: dict[str, Any] = {"models": [{"name": n, "about": a} for n, a in rows]}
        console.answer(document, table(("model", "what it is"), [(n, escape(a)) for n, a in rows]))
        console.next("matinee models NAME shows a model's settings")
        return
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    settings = _settings(MODELS[name].Config)
    rows = [(s["name"], escape(str(s["default"])), escape(s["about"])) for s in settings]
    about = _first_line(MODELS[name])
    console.answer(
        {"name": name, "about": about, "settings": settings},
        escape(about),
        table(("setting", "default", "what it does"), rows) if rows else "It has no settings.",
    )
    console.next(f"matinee train --model {name} --data ml-100k --split random --out runs/{name}")


def _first_line(model: type) -> str:
    return (model.__doc__ or "").strip().split("\n", 1)[0]


def _settings(config: Any) -> list[dict[str, Any]]:
    defaults = config().model_dump(mode="json")
    return [
        {
            "name": key,
            "default": defaults[key],
            "about": " ".join((field.description or "").split()),
        }
        for key, field in config.model_fields.items()
    ]
