"""What is to be trained, on what and judged by what, as options say it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matinee.cli.command import UsageError

if TYPE_CHECKING:
    from matinee.experiment import RunSpec

Model = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="Which model; see `matinee models`.")
]
Data = Annotated[
    str | None,
    typer.Option("--data", metavar="DATA", help="A data set's name, a folder or a file."),
]
Split = Annotated[
    str | None,
    typer.Option("--split", metavar="KIND", help="How to set ratings aside for testing."),
]
Test = Annotated[
    str | None,
    typer.Option("--test", metavar="SHARE", help="Share to test with; or the test file."),
]
Valid = Annotated[
    str | None,
    typer.Option("--valid", metavar="SHARE", help="Share to choose settings with; or `last`."),
]
FoldIn = Annotated[
    float | None,
    typer.Option("--fold-in", metavar="SHARE", help="Share shown of strangers (strong)."),
]
Train = Annotated[
    str | None,
    typer.Option("--train", metavar="FILE", help="The training file of a `files` split."),
]
Negatives = Annotated[
    str | None,
    typer.Option("--negatives", metavar="FILE", help="The only films to rank (`files` split)."),
]
AtLeast = Annotated[
    float | None, typer.Option("--at-least", metavar="STARS", help="Leave lower ratings out.")
]
Ordered = Annotated[
    bool, typer.Option("--ordered", help="Ratings without times are in the order of time.")
]
UserRatings = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Leave people with fewer ratings out.")
]
FilmRatings = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Leave films with fewer ratings out.")
]
Seed = Annotated[int | None, typer.Option("--seed", help="Where all random numbers start from.")]


def given(**options: Any) -> dict[str, Any]:
    """The fields of `RunSpec` among options, without those that were not given."""
    shares = {name: _share(options[name]) for name in ("test", "valid") if name in options}
    return {name: value for name, value in (options | shares).items() if value is not None}


def spec(config: str | None, given: dict[str, Any], assignments: list[str]) -> RunSpec:
    """What is to be done: options go before the file, `--set` before both.

    Args:
        config: A TOML file with fields of `RunSpec` and settings of model and trainer.
        given: Fields of `RunSpec` given as options.
        assignments: Settings as `key=value`.
    """
    from matinee.config import load_toml, parse_assignments
    from matinee.experiment import RunSpec

    told = load_toml(Path(config)) if config else {}
    known = {key: value for key, value in told.items() if key in RunSpec.model_fields}
    loose = {key: value for key, value in told.items() if key not in known}
    settings = {**known.pop("settings", {}), **loose, **parse_assignments(assignments)}
    values = {**known, **given, "settings": settings}
    if "model" not in values:
        raise UsageError("say which model: --model NAME")
    if "split" not in values:
        raise UsageError("say how to set ratings aside: --split KIND")
    if "data" not in values and values["split"] != "files":
        raise UsageError("say what to learn from: --data DATA")
    return RunSpec.parse(values, where=config)


def _share(text: str | None) -> float | str | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text
