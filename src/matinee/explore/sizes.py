"""How large the data are, and what the data doctor found on reading them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from matinee.data.checks import Diagnosis
from matinee.exhibits.types import Cell, Column, Exhibit, Section, Table
from matinee.exhibits.words import count, percent, plain
from matinee.explore.totals import Totals

SHOWN = 20
"""Warnings that are told one by one."""


def sizes(totals: Totals) -> Section:
    """Counts, density and sparsity."""
    data = totals.data
    people, films = len(data.active_users), len(totals.rated)
    density = len(data) / (people * films)
    per_person, per_film = (
        np.median(totals.of_people[data.active_users]),
        np.median(totals.of_films[totals.rated]),
    )
    rows: list[tuple[Cell, ...]] = [
        ("people with ratings", f"{people:,}"),
        ("people listed without ratings", f"{data.n_users - people:,}"),
        ("films with ratings", f"{films:,}"),
        ("films listed without ratings", f"{data.n_items - films:,}"),
        ("ratings", f"{len(data):,}"),
        ("density: pairs of person and film that are rated", percent(density)),
        ("sparsity: pairs that are not", percent(1 - density)),
        ("ratings of a person, median", plain(float(per_person))),
        ("ratings of a film, median", plain(float(per_film))),
    ]
    if data.explicit:
        rows += [
            ("mean rating", f"{totals.mean:.2f}"),
            ("scale", f"{data.scale.low:g} to {data.scale.high:g}"),
        ]
    said = (
        f"{count(people, 'person has', 'people have')} rated {count(films, 'film', 'films')} "
        f"{count(len(data), 'time', 'times')}: {percent(density)} of all pairs"
    )
    table = Table((Column("what"), Column("how many")), tuple(rows))
    return Section(
        "sizes",
        "At a glance",
        (Exhibit("sizes", said, table, untitled=True),),
        figures={
            "people": people,
            "films": films,
            "films_listed": data.n_items,
            "ratings": len(data),
            "density": density,
            "sparsity": 1 - density,
            "median_of_person": float(per_person),
            "median_of_film": float(per_film),
        },
    )


def doctor(diagnosis: Diagnosis) -> Section:
    """What became of every row of the file, and what was remarkable."""
    kept = diagnosis.rows_kept
    rows: list[tuple[Cell, ...]] = [("rows in", diagnosis.rows_in), ("rows kept", kept)]
    rows += [(f"dropped: {why}", number) for why, number in diagnosis.dropped.items()]
    exhibits = [Exhibit("rows", _verdict(diagnosis), _table(("row", "rows"), rows))]
    if diagnosis.facts:
        facts = _table(("what", "value"), list(diagnosis.facts.items()))
        exhibits.append(Exhibit("facts", "What the file is like", facts))
    if diagnosis.warnings:
        told = [
            (Path(w.file).name, w.line if w.line is None else str(w.line), w.what)
            for w in diagnosis.warnings[:SHOWN]
        ]
        warned = f"{count(len(diagnosis.warnings), 'thing', 'things')} to know"
        if len(diagnosis.warnings) > SHOWN:
            warned += f", of which the first {SHOWN}"
        exhibits.append(Exhibit("warnings", warned, _table(("file", "line", "what"), told)))
    return Section(
        "doctor",
        "What the data doctor found",
        tuple(exhibits),
        figures={"rows_in": diagnosis.rows_in, "rows_kept": kept},
    )


def _verdict(diagnosis: Diagnosis) -> str:
    if not diagnosis.dropped:
        return f"Every one of {diagnosis.rows_in:,} rows was kept"
    lost = sum(diagnosis.dropped.values())
    why = max(diagnosis.dropped, key=diagnosis.dropped.__getitem__)
    return (
        f"{lost:,} of {diagnosis.rows_in:,} rows were dropped ({percent(lost / diagnosis.rows_in)})"
        f", most often for this: {why}"
    )


def _table(names: tuple[str, ...], rows: Sequence[tuple[Cell, ...]]) -> Table:
    columns = tuple(Column(name, "count" if name == "rows" else "text") for name in names)
    return Table(columns, tuple(rows))
