"""`matinee compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from matinee.cli.command import UsageError, command
from matinee.cli.console import Console, escape, table

if TYPE_CHECKING:
    from matinee.artefact import Artefact
    from matinee.evaluation import Report


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
) -> None:
    """Judge runs side by side and test whether they differ."""
    from matinee.artefact import Artefact
    from matinee.evaluation import compare_runs
    from matinee.experiment import judge

    if len(set(runs)) < 2 or len(set(runs)) < len(runs):
        raise UsageError("name two different runs or more")
    loaded = {run: Artefact.load(run) for run in runs}
    _check_same_split(loaded)
    reports = {
        run: judge(artefact, k=k or (10,), metrics=metric or None)
        for run, artefact in loaded.items()
    }
    tests = compare_runs({run: report.per_user for run, report in reports.items()}).to_dicts()
    console.answer(
        _document(loaded, reports, tests),
        _figures(reports),
        "",
        _tests(tests),
        "p-values: paired t test over people; corrected for their number after Holm.",
    )
    best = max(reports, key=lambda run: _first(reports[run]))
    console.next(f"matinee recommend {best} --likes TITLE... --because")


def _check_same_split(runs: dict[str, Artefact]) -> None:
    from matinee.errors import EvaluationError

    (first, one), *others = runs.items()
    for run, artefact in others:
        if artefact.facts.split.digest != one.facts.split.digest:
            raise EvaluationError(
                "the runs were judged on different splits, so their figures cannot be compared",
                where=f"{first}, {run}",
                remedy="Train them with the same data, split and seed.",
            )


def _document(
    runs: dict[str, Artefact], reports: dict[str, Report], tests: list[dict[str, Any]]
) -> dict[str, Any]:
    from matinee.cli.figures import run_document

    return {
        "runs": [run_document(artefact, reports[run].metrics) for run, artefact in runs.items()],
        "comparisons": [{key: _number(value) for key, value in test.items()} for test in tests],
    }


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 - NaN


def _figures(reports: dict[str, Report]) -> Any:
    """A row a metric, a column a run, the best bold."""
    from matinee.cli.figures import value
    from matinee.evaluation import direction

    shared = list(next(iter(reports.values())).metrics)
    rows: list[list[str]] = []
    for name in shared:
        found = [report.metrics.get(name) for report in reports.values()]
        best = _best([f.value for f in found if f is not None], direction(name))
        cells = ["" if f is None else value(f) for f in found]
        rows.append(
            [name]
            + [
                f"[bold]{cell}[/bold]" if f is not None and f.value == best else cell
                for f, cell in zip(found, cells, strict=True)
            ]
        )
    return table(["metric", *map(escape, reports)], rows)


def _best(values: list[float], direction: int) -> float | None:
    return max(values, key=lambda v: direction * v) if direction else None


def _tests(tests: list[dict[str, Any]]) -> Any:
    rows = [
        [
            test["metric"],
            escape(f"{test['a']} - {test['b']}"),
            f"{test['difference']:+.4f}",
            f"{test['low']:+.4f} to {test['high']:+.4f}",
            f"{test['p']:.2g}",
            f"{test['p_holm']:.2g}",
        ]
        for test in tests
    ]
    return table(("metric", "runs", "difference", "95 % interval", "p", "corrected"), rows)


def _first(report: Report) -> float:
    """The figure by which the runs are put in order: NDCG, else the negative RMSE."""
    for name, figure in report.metrics.items():
        if name.startswith("ndcg"):
            return figure.value
    rmse = report.metrics.get("rmse")
    return 0.0 if rmse is None else -rmse.value
