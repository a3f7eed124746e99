"""`matinee compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matinee.cli.command import UsageError, command
from matinee.cli.console import Console, escape, table

if TYPE_CHECKING:
    from matinee.comparison import Compared


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "compare")(compare)


def compare(
    console: Console,
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="Two runs or more.")],
    *,
    k: Annotated[
        list[int] | None, typer.Option("-k", min=1, help="Cut-off; may be repeated. [default: 10]")
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this one; may be repeated.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write all of it as a page.")
    ] = None,
) -> None:
    """Judge runs side by side and test whether they differ."""
    from matinee.comparison import judge_runs, page

    if len(set(runs)) < 2 or len(set(runs)) < len(runs):
        raise UsageError("name two different runs or more")
    compared = judge_runs(
        runs,
        k=k or (10,),
        metrics=metric or None,
        deep=html is not None,
        tell=lambda run: console.note(f"judging {run}"),
    )
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(page(compared), encoding="utf-8")
    console.answer(
        _document(compared, html),
        _figures(compared),
        "",
        _tests(compared),
        "p-values: paired t test over people; corrected for their number after Holm.",
    )
    if html is not None:
        console.note(f"The page is {html}; open it in a browser.")
    console.next(f"matinee recommend {compared.ranked[0].run} --likes TITLE... --because")


def _document(compared: Compared, html: Path | None) -> dict[str, Any]:
    from matinee.cli.figures import run_document

    folders = {run.label: run.run for run in compared.runs}
    tests = [
        {**test, "a": folders[test["a"]], "b": folders[test["b"]]}
        for test in compared.tests.to_dicts()
    ]
    return {
        "runs": [run_document(run, run.report.metrics) for run in compared.runs],
        "comparisons": [{key: _number(value) for key, value in test.items()} for test in tests],
        "report": None if html is None else str(html),
    }


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 - NaN


def _figures(compared: Compared) -> Any:
    """A row a metric, a column a run, the best bold."""
    from matinee.cli.figures import value
    from matinee.evaluation import direction

    rows: list[list[str]] = []
    for name in compared.metrics:
        found = [run.report.metrics.get(name) for run in compared.runs]
        best = _best([f.value for f in found if f is not None], direction(name))
        cells = ["" if f is None else value(f) for f in found]
        rows.append(
            [name]
            + [
                f"[bold]{cell}[/bold]" if f is not None and f.value == best else cell
                for f, cell in zip(found, cells, strict=True)
            ]
        )
    return table(["metric", *(escape(run.label) for run in compared.runs)], rows)


def _best(values: list[float], direction: int) -> float | None:
    return max(values, key=lambda v: direction * v) if direction else None


def _tests(compared: Compared) -> Any:
    rows = [
        [
            test["metric"],
            escape(f"{test['a']} - {test['b']}"),
            f"{test['difference']:+.4f}",
            f"{test['low']:+.4f} to {test['high']:+.4f}",
            f"{test['p']:.2g}",
            f"{test['p_holm']:.2g}",
        ]
        for test in compared.tests.to_dicts()
    ]
    return table(("metric", "runs", "difference", "95 % interval", "p", "corrected"), rows)
