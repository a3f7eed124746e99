"""`matinee data ...`: getting data, looking at them, cutting them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from matinee.cli.command import Data, Seed, UsageError, command
from matinee.cli.console import Console, escape, table

Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="ROLE=NAME",
        help="Which column is user, item, rating or time; may be repeated.",
    ),
]
Scale = Annotated[
    str | None, typer.Option("--scale", metavar="A..B", help="Smallest and largest rating.")
]
Items = Annotated[Path | None, typer.Option("--items", metavar="FILE", help="The film table.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Get data, check them, cut them.", no_args_is_help=True, rich_markup_mode=None
    )
    app.add_typer(group, name="data")
    command(group, "fetch")(fetch)
    command(group, "import")(import_)
    command(group, "check")(check)
    command(group, "describe")(describe)
    command(group, "split")(split)
    command(group, "simulate")(simulate)


def fetch(
    console: Console,
    name: Annotated[str, typer.Argument(metavar="NAME", help="ml-100k, ml-1m, ml-32m, ...")],
) -> None:
    """Download a MovieLens data set, unless it is on this machine already."""
    from matinee.data.download import fetch as library
    from matinee.data.movielens import EDITIONS

    folder = library(name)
    console.answer({"name": name, "folder": str(folder)}, str(folder))
    console.note(EDITIONS[name].licence)
    console.next(f"matinee data check {name}")


def import_(
    console: Console,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Ratings, films, people.")],
    *,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FOLDER", help="Where the data go; with --from a CSV file."),
    ],
    column: Columns = None,
    scale: Scale = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="SITE",
            help="The file is your own export: auto, letterboxd, imdb, criticker, movielens or "
            "plain (CSV with title,rating).",
        ),
    ] = None,
    catalogue: Annotated[
        str | None,
        typer.Option(metavar="RUN_OR_DATA", help="The films to find those of the export among."),
    ] = None,
) -> None:
    """Read anyone's tables into a folder that is read without guessing; or your own export."""
    from matinee.cli.exports import import_export
    from matinee.data.importing import import_files

    if (kind is None) != (catalogue is None):
        raise UsageError("--from SITE and --catalogue RUN_OR_DATA go together")
    if kind is not None and catalogue is not None:
        if len(files) > 1 or column or scale:
            raise UsageError("--from takes one FILE, and neither --column nor --scale")
        import_export(console, files[0], kind, catalogue, out)
        return
    loaded = import_files(files, out, columns=_columns(column), scale=_scale(scale))
    diagnosis = loaded.diagnosis
    console.answer(
        {**diagnosis.as_dict(), "folder": str(out)},
        f"{diagnosis.rows_kept:,} of {diagnosis.rows_in:,} ratings are in {out}",
    )
    if diagnosis.dropped:
        console.warn(diagnosis.summary())
    console.next(f"matinee data describe {out}")


def check(
    console: Console,
    data: Data,
    *,
    items: Items = None,
    column: Columns = None,
    scale: Scale = None,
) -> None:
    """Account for every row: kept, or dropped for a stated reason, with file and line."""
    from matinee.data import diagnose

    found = diagnose(data, columns=_columns(column), items=items, scale=_scale(scale))
    rows = [("rows in", f"{found.rows_in:,}"), ("rows kept", f"{found.rows_kept:,}")]
    rows += [(f"dropped: {reason}", f"{count:,}") for reason, count in found.dropped.items()]
    facts = [(name, escape(value)) for name, value in found.facts.items()]
    warnings = [
        (escape(f"{Path(w.file).name}:{w.line or ''}".rstrip(":")), escape(w.what))
        for w in found.warnings
    ]
    parts: list[Any] = [table(("", "rows"), rows)]
    parts += ["", table(("what the file is like", ""), facts)] if facts else []
    parts += ["", table(("where", "what"), warnings)] if warnings else []
    console.answer(found.as_dict(), *parts)
    console.next(f"matinee data describe {data}")


def describe(console: Console, data: Data) -> None:
    """Say what a data set is like: sizes, stars, times, genres, the most rated films."""
    from matinee.cli.describing import parts
    from matinee.data import load
    from matinee.data.summary import describe as library

    told = library(load(data))
    console.answer({"data": data, **told}, *parts(told))
    if data == "sample":
        from matinee.data.sample import NOTE

        console.note(NOTE)
    console.next(f"matinee train --model ease --data {data} --split stratified --out runs/ease")


def split(
    console: Console,
    data: Annotated[
        str | None, typer.Argument(metavar="[DATA]", help="A name, a folder or a file.")
    ] = None,
    *,
    split: Annotated[str, typer.Option(metavar="KIND", help="How to cut.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the parts go.")],
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
    csv: Annotated[bool, typer.Option("--csv", help="Write CSV instead of Parquet.")] = False,
    seed: Seed = 0,
) -> None:
    """Cut a data set into training, validation and test parts, and keep them in a folder."""
    from matinee.data import load
    from matinee.splits import make_split, save_split

    cut = make_split(
        split,
        None if data is None else load(data),
        test=test,
        valid=valid,
        seed=seed,
        fold_in=fold_in,
        train=train,
        negatives=negatives,
    )
    save_split(cut, out, format="csv" if csv else "parquet")
    parts = {"train": len(cut.train), "test": len(cut.test.held_out)}
    if cut.valid is not None:
        parts["valid"] = len(cut.valid.held_out)
    document = {"folder": str(out), "kind": cut.kind, "digest": cut.digest, "ratings": parts}
    rows = [(name, f"{count:,}") for name, count in parts.items()]
    console.answer(document, table(("part", "ratings"), rows), f"digest {cut.digest}")
    console.note(f"The parts are in {out}.")


def simulate(
    console: Console,
    *,
    users: Annotated[int, typer.Option(min=1, help="Number of people.")],
    items: Annotated[int, typer.Option(min=1, help="Number of films.")],
    ratings: Annotated[int, typer.Option(min=1, help="Number of ratings.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the data go.")],
    seed: Seed = 0,
) -> None:
    """Make up people and films of any number, for tests of speed and memory."""
    from matinee.data.simulate import NOTE, simulate_to

    folder = simulate_to(out, users, items, ratings, seed)
    document = {"folder": str(folder), "users": users, "items": items, "ratings": ratings}
    console.answer(document, str(folder))
    console.note(NOTE)
    console.next(f"matinee data describe {folder}")


def _columns(assignments: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in assignments or []]
    for role, sign, name in pairs:
        if not (role and sign and name):
            raise UsageError("--column is ROLE=NAME, such as user=member_id")
    return {role: name for role, _, name in pairs}


def _scale(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    low, _, high = text.partition("..")
    try:
        return float(low), float(high)
    except ValueError:
        raise UsageError("--scale is A..B, such as 0.5..5") from None
