"""Cold starts: what each way of splitting leaves unseen in training."""

from __future__ import annotations

import numpy as np

from matinee.data.interactions import Interactions
from matinee.errors import DataError
from matinee.exhibits.types import Cell, Column, Dots, Exhibit, Section, Table
from matinee.exhibits.words import listed, percent
from matinee.splits import make_split

KINDS = (
    "random",
    "stratified",
    "chronological",
    "leave-last",
    "leave-random",
    "strong",
    "global-time",
)
"""The kinds that need no files, each cut with its own default shares and no validation."""

TIMED = ("chronological", "leave-last", "global-time")
"""Those of them that go by times."""

COLUMNS = (
    Column("split"),
    Column("test people", "count"),
    Column("unseen people, %", "share"),
    Column("test films", "count"),
    Column("unseen films, %", "share"),
    Column("test ratings", "count"),
    Column("ratings of the unseen, %", "share"),
)


def coldstart(data: Interactions, seed: int) -> Section:
    """Shares of test people, films and ratings that training has never seen, by kind of split."""
    rows: list[tuple[Cell, ...]] = []
    missing: list[str] = []
    if not data.timed:
        missing.append(f"Without times there are no {listed(TIMED)} splits.")
    for kind in (kind for kind in KINDS if data.timed or kind not in TIMED):
        try:
            train = make_split(kind, data, valid=0, seed=seed).train
        except DataError as error:
            missing.append(f"No {kind} split: {error.what}.")
        else:
            rows.append((kind, *unseen(data, train)))
    title = "Cold starts"
    if not rows:
        return Section("cold_start", title, missing=tuple(missing))
    note = (
        "Everything outside training counts as test, whatever an evaluation would leave out; "
        "a rating is of the unseen if its person or its film is."
    )
    table = Table(COLUMNS, tuple(rows))
    exhibit = Exhibit(
        "cold_start", _said(table), table, Dots((2, 4, 6), "share of what is tested, %"), note
    )
    figures = {
        f"{row[0]}_{part}": float(row[place] or 0)
        for row in rows
        for part, place in (("people", 2), ("films", 4), ("ratings", 6))
    }
    return Section("cold_start", title, (exhibit,), tuple(missing), figures)


def unseen(data: Interactions, train: Interactions) -> tuple[int, float, int, float, int, float]:
    """What is not in `train`: people, share unseen; films, share unseen; ratings, share unseen.

    Args:
        data: All ratings.
        train: Some of them.
    """
    parts: list[int | float] = []
    new: list[np.ndarray] = []
    for all_of, trained in (
        (np.diff(data.offsets), np.diff(train.offsets)),
        (data.item_counts, train.item_counts),
    ):
        cold = (trained == 0) & (all_of > 0)
        asked = int(np.count_nonzero(all_of > trained))
        parts += [asked, float(cold.sum() / max(asked, 1))]
        new.append(cold)
    tested = len(data) - len(train)
    strange = int(np.count_nonzero(new[0][data.users] | new[1][data.items]))
    people, of_people, films, of_films = parts
    return int(people), of_people, int(films), of_films, tested, strange / max(tested, 1)


def _said(table: Table) -> str:
    shares = {str(row[0]): [float(row[i] or 0) for i in (2, 4, 6)] for row in table.rows}
    if "global-time" not in shares:
        kind = "random" if "random" in shares else str(table.rows[0][0])
        people, films, _ = shares[kind]
        return (
            f"A {kind} split leaves {percent(people)} of the test people and {percent(films)} of "
            f"the test films unseen; without times nothing says how many newcomers there are"
        )
    now, then = shares["global-time"], shares.get("random", [0.0, 0.0, 0.0])
    return (
        f"In the order of the calendar {percent(now[0])} of the test people and {percent(now[1])} "
        f"of the test films are new; a random split shows {percent(then[0])} and "
        f"{percent(then[1])}"
    )
