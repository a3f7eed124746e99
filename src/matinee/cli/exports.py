"""People's own exports on the command line: matching them, and telling what was left out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from matinee.cli.console import Console, escape, table
from matinee.errors import DataError

if TYPE_CHECKING:
    from matinee.data.exports import Matched
    from matinee.data.interactions import Scale
    from matinee.data.titles import TitleIndex

SHOWN = 20
"""Rows left out that are told one by one; `--json` has all."""


def import_export(console: Console, file: Path, kind: str, catalogue: str, out: Path) -> None:
    """Match an export with a catalogue and write what matched."""
    from matinee.data.exports.writing import write_csv

    titles, scale = _films(catalogue)
    matched = read_matched(file, kind, titles, scale)
    write_csv(matched, titles.catalogue, out)
    console.answer(
        {**matched.as_dict(), "out": str(out)},
        f"{len(matched.items):,} of {matched.rows:,} rows are in {escape(str(out))}",
        *left_out(matched),
    )
    console.next(f"matinee recommend RUN --ratings {out}")


def read_matched(file: Path, kind: str, titles: TitleIndex, scale: Scale) -> Matched:
    """A person's ratings from an export.

    Raises:
        DataError: If the file cannot be read, or none of its films is in the catalogue.
    """
    from matinee.data.exports import match, read_export

    matched = match(read_export(file, kind), titles, scale)
    if not matched.items:
        first = matched.left_out[0]
        what = f"none of the {matched.rows:,} rows is a rating of a film of the catalogue"
        raise DataError(
            what, where=str(file), expected=f"films it has; line {first.line}: {first.what}"
        )
    return matched


def left_out(matched: Matched) -> list[Any]:
    """What was left out, and why, as parts of an answer."""
    if not matched.left_out:
        return []
    counts = [(reason, f"{count:,}") for reason, count in matched.dropped.items()]
    rows = [
        (row.line, escape(row.label), row.reason, escape(row.nearest or ""))
        for row in matched.left_out[:SHOWN]
    ]
    parts = ["", table(("left out", "rows"), counts), ""]
    parts.append(table(("line", "film", "why", "nearest"), rows))
    more = len(matched.left_out) - len(rows)
    return parts + ([f"... and {more:,} more; --json lists all"] if more else [])


def warn_of_left_out(console: Console, matched: Matched) -> None:
    """Tell, beside the answer, what was left out; with `--json` the answer has it."""
    if console.json or not matched.left_out:
        return
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in matched.dropped.items())
    console.warn(f"{len(matched.left_out):,} of {matched.rows:,} rows were left out: {reasons}")
    for row in matched.left_out[:SHOWN]:
        console.note(f"  line {row.line}: {row.what}")
    if len(matched.left_out) > SHOWN:
        console.note(f"  ... and {len(matched.left_out) - SHOWN:,} more; --json lists all")


def _films(name: str) -> tuple[TitleIndex, Scale]:
    """The films of a run or of a data set, and the scale of the ratings."""
    from matinee.artefact import Artefact
    from matinee.artefact.folder import MANIFEST
    from matinee.data import load
    from matinee.data.titles import TitleIndex

    if (Path(name) / MANIFEST).is_file():
        artefact = Artefact.load(name)
        return artefact.titles, artefact.scale
    data = load(name)
    return TitleIndex(data.catalogue), data.scale
