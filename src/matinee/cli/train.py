"""`matinee train`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matinee.cli.command import Config, Settings, UsageError, command
from matinee.cli.console import Console

if TYPE_CHECKING:
    from matinee.artefact import Artefact
    from matinee.engine.memory import Needs
    from matinee.experiment import RunSpec


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "train")(train)


def train(
    console: Console,
    *,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which model; see `matinee models`.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="DATA", help="A data set's name, a folder or a file.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="KIND", help="How to set ratings aside for testing.")
    ] = None,
    test: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Share to test with; or the test file.")
    ] = None,
    valid: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Share to choose settings with; or `last`.")
    ] = None,
    fold_in: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Share shown of strangers (strong).")
    ] = None,
    train: Annotated[
        str | None, typer.Option(metavar="FILE", help="The training file of a `files` split.")
    ] = None,
    negatives: Annotated[
        str | None, typer.Option(metavar="FILE", help="The only films to rank (`files` split).")
    ] = None,
    at_least: Annotated[
        float | None, typer.Option(metavar="STARS", help="Leave lower ratings out.")
    ] = None,
    ordered: Annotated[
        bool, typer.Option("--ordered", help="Ratings without times are in the order of time.")
    ] = False,
    user_ratings: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Leave people with fewer ratings out.")
    ] = None,
    film_ratings: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Leave films with fewer ratings out.")
    ] = None,
    k: Annotated[
        list[int] | None, typer.Option("-k", min=1, help="Cut-off; may be repeated.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Where all random numbers start from.")
    ] = None,
    config: Config = None,
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option(metavar="RUN", help="The folder for the run.")] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a training that was stopped.")
    ] = None,
    no_memory_check: Annotated[
        bool, typer.Option("--no-memory-check", help="Try even what is too large for the memory.")
    ] = False,
) -> None:
    """Train a model and judge it beside popularity."""
    given = {
        "model": model,
        "data": data,
        "split": split,
        "test": _share(test),
        "valid": _share(valid),
        "fold_in": fold_in,
        "train": train,
        "negatives": negatives,
        "at_least": at_least,
        "ordered": ordered or None,
        "user_ratings": user_ratings,
        "film_ratings": film_ratings,
        "k": k or None,
        "seed": seed,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if resume is not None:
        if given or config or settings or out:
            raise UsageError("--resume takes no other options: the run knows them")
        _report(console, _run(console, None, resume, check_memory=not no_memory_check))
        return
    if out is None:
        raise UsageError("say where the run goes: --out RUN")
    asked = spec(config, given, settings or [])
    _report(console, _run(console, asked, out, check_memory=not no_memory_check))


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


def _run(console: Console, spec: RunSpec | None, out: Path, *, check_memory: bool) -> Artefact:
    from matinee import experiment
    from matinee.cli.watching import watching

    go = experiment.resume if spec is None else partial(experiment.train, spec)

    def announce(needs: Needs) -> None:
        console.note(f"Training is expected to take {needs}.")

    try:
        with watching(console) as watcher:
            return go(out, watcher=watcher, announce=announce, check_memory=check_memory)
    except KeyboardInterrupt:
        console.warn(f"stopped. To go on: matinee train --resume {out}")
        raise typer.Exit(130) from None


def _report(console: Console, run: Artefact) -> None:
    from matinee.cli.figures import figure_table, headline, run_document

    facts = run.facts
    console.answer(
        run_document(run),
        headline(run),
        figure_table(facts.metrics, facts.popularity),
        f"{facts.protocol}; {facts.seconds:.1f} s, {facts.peak_mb:,.0f} MB",
    )
    people = run.history.user_ids
    user = people[int(run.user_counts.argmax())]
    console.next(f"matinee recommend {run.run} --user {user}")
