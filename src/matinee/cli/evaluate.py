"""`matinee evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matinee.cli.command import Run, command
from matinee.cli.console import Console


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "evaluate")(evaluate)


def evaluate(
    console: Console,
    run: Run,
    *,
    k: Annotated[
        list[int] | None, typer.Option("-k", min=1, help="Cut-off; may be repeated. [default: 10]")
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this one; may be repeated.")
    ] = None,
    candidates: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The only films to rank for each person.")
    ] = None,
    per_user: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a row a person (.parquet or .csv).")
    ] = None,
) -> None:
    """Judge a run on its own test part."""
    import time

    from matinee.artefact import Artefact
    from matinee.cli.figures import figure_table, headline, run_document
    from matinee.engine.memory import peak_mb
    from matinee.experiment import judge

    artefact = Artefact.load(run)
    started = time.perf_counter()
    report = judge(artefact, k=k or (10,), metrics=metric or None, candidates=candidates)
    seconds = time.perf_counter() - started
    if per_user is not None:
        report.save_per_user(per_user)
    baseline = artefact.facts.popularity if candidates is None else {}
    console.answer(
        run_document(artefact, report.metrics, seconds=seconds, peak_mb=peak_mb()),
        headline(artefact),
        figure_table(report.metrics, baseline),
        str(report.protocol),
    )
    if per_user is not None:
        console.note(f"A row for each of {report.per_user.height:,} people is in {per_user}.")
    console.next(f"matinee compare {run} ANOTHER_RUN tests whether they differ")
