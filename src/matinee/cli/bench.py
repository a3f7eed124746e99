"""`matinee bench ...`: all models under one protocol, and the page of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matinee.cli import runspec as options
from matinee.cli.command import command
from matinee.cli.console import Console, escape, table

if TYPE_CHECKING:
    from matinee.comparison import Compared
    from matinee.zoo import Zoo

Markdown = Annotated[
    Path | None,
    typer.Option("--markdown", metavar="FILE", help="The page. [default: FOLDER/zoo.md]"),
]
Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="The page with charts. [default: FOLDER/zoo.html]"),
]
Runs = Annotated[
    Path, typer.Option("--runs", metavar="FOLDER", help="Where runs and recipes of the bars are.")
]
Bars = Annotated[
    Path | None,
    typer.Option("--bars", metavar="FILE", help="Other bars than those that come along (TOML)."),
]
K = Annotated[
    list[int] | None, typer.Option("-k", min=1, help="Cut-off; may be repeated. [default: 10]")
]
COMMAND = "command.txt"
"""What trained a zoo, kept in its folder for the page."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Train all models under one protocol, and compare.", **_PLAIN)
    app.add_typer(group, name="bench")
    command(group, "zoo")(zoo)
    command(group, "page")(page)


_PLAIN: Any = {"rich_markup_mode": None, "no_args_is_help": True}


def zoo(
    console: Console,
    *,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this model; may be repeated. [default: all]"),
    ] = None,
    data: options.Data = None,
    split: options.Split = None,
    test: options.Test = None,
    valid: options.Valid = None,
    fold_in: options.FoldIn = None,
    train: options.Train = None,
    negatives: options.Negatives = None,
    at_least: options.AtLeast = None,
    k: K = None,
    seed: options.Seed = None,
    tuned: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Studies named after models, for their settings."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Where runs and pages go.")
    ] = Path("runs/zoo"),
    markdown: Markdown = None,
    html: Html = None,
    runs: Runs = Path("runs"),
    bars: Bars = None,
) -> None:
    """Train every model on one split, judge them side by side, and write the page of it.

    A run that is there and was asked for in the same way is not trained again.
    """
    from matinee.zoo import specs, train_all

    protocol = options.given(
        data=data or (None if split == "files" else "sample"),
        split=split or "leave-last",
        test=test,
        valid=valid,
        fold_in=fold_in,
        train=train,
        negatives=negatives,
        at_least=at_least,
        k=k or None,
        seed=seed,
    )
    wanted = specs(protocol, model or (), tuned)
    done = train_all(wanted, out, console.note)
    (out / COMMAND).write_text(_command(protocol, model, tuned, out) + "\n", encoding="utf-8")
    _pages(console, done, out, markdown, html, runs, bars, k)


def page(
    console: Console,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A zoo, as `zoo` left it, or a recipe.")
    ],
    *,
    markdown: Markdown = None,
    html: Html = None,
    runs: Runs = Path("runs"),
    bars: Bars = None,
    k: K = None,
) -> None:
    """Write the page of a zoo anew, training nothing."""
    from matinee.zoo import found

    _pages(console, found(folder), folder, markdown, html, runs, bars, k)


def _pages(
    console: Console,
    done: Zoo,
    folder: Path,
    markdown: Path | None,
    html: Path | None,
    runs: Path,
    bars: Path | None,
    k: list[int] | None,
) -> None:
    from matinee.zoo import write_pages

    pages = {"markdown": markdown or folder / "zoo.md", "html": html or folder / "zoo.html"}
    compared = write_pages(
        done,
        **pages,
        command=_made_by(folder),
        runs=runs,
        bars=bars,
        k=k or (10,),
        tell=lambda run: console.note(f"judging {run}"),
    )
    _answer(console, compared, done, pages)


def _made_by(folder: Path) -> str:
    """The command that trained what is in a folder."""
    from matinee.recipes import recipe_of

    if (recipe := recipe_of(folder)) is not None:
        return f"matinee recipes run {recipe}"
    file = folder / COMMAND
    return file.read_text(encoding="utf-8").strip() if file.is_file() else "matinee bench zoo"


def _answer(console: Console, compared: Compared, done: Zoo, pages: dict[str, Path]) -> None:
    from matinee.cli.figures import interval, run_document, value

    metric = compared.primary
    rows = [
        (
            escape(run.label),
            value(run.report.metrics[metric]),
            interval(run.report.metrics[metric]),
            f"{run.facts.seconds:.1f}",
            f"{run.facts.peak_mb:,.0f}",
        )
        for run in compared.ranked
    ]
    console.answer(
        {
            "runs": [run_document(run, run.report.metrics) for run in compared.runs],
            "failed": dict(done.failures),
            **{name: str(path) for name, path in pages.items()},
        },
        table(("model", metric, "95 % interval", "seconds", "MB"), rows),
        *(escape(f"{name} was not trained: {why}") for name, why in done.failures.items()),
    )
    console.note(f"The pages are {pages['markdown']} and {pages['html']}.")
    console.next(f"matinee recommend {compared.ranked[0].run} --likes TITLE...")


def _command(
    protocol: dict[str, Any], models: list[str] | None, tuned: Path | None, out: Path
) -> str:
    """The command line again, as it goes on the page."""
    from shlex import join

    words = ["matinee", "bench", "zoo"]
    for name, value in protocol.items():
        values = value if name == "k" else [value]
        for one in values:
            words += ["-k" if name == "k" else f"--{name.replace('_', '-')}", f"{one}"]
    for name in models or ():
        words += ["--model", name]
    if tuned is not None:
        words += ["--tuned", str(tuned)]
    return join([*words, "--out", str(out)])
