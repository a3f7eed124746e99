"""`matinee train`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matinee.cli import runspec as options
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
    model: options.Model = None,
    data: options.Data = None,
    split: options.Split = None,
    test: options.Test = None,
    valid: options.Valid = None,
    fold_in: options.FoldIn = None,
    train: options.Train = None,
    negatives: options.Negatives = None,
    at_least: options.AtLeast = None,
    ordered: options.Ordered = False,
    user_ratings: options.UserRatings = None,
    film_ratings: options.FilmRatings = None,
    k: Annotated[
        list[int] | None, typer.Option("-k", min=1, help="Cut-off; may be repeated.")
    ] = None,
    seed: options.Seed = None,
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
    given = options.given(
        model=model,
        data=data,
        split=split,
        test=test,
        valid=valid,
        fold_in=fold_in,
        train=train,
        negatives=negatives,
        at_least=at_least,
        ordered=ordered or None,
        user_ratings=user_ratings,
        film_ratings=film_ratings,
        k=k or None,
        seed=seed,
    )
    if resume is not None:
        if given or config or settings or out:
            raise UsageError("--resume takes no other options: the run knows them")
        _report(console, _run(console, None, resume, check_memory=not no_memory_check))
        return
    if out is None:
        raise UsageError("say where the run goes: --out RUN")
    asked = options.spec(config, given, settings or [])
    _report(console, _run(console, asked, out, check_memory=not no_memory_check))


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
