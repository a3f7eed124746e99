"""All sides of a data set, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from matinee.data.checks import Diagnosis
from matinee.data.interactions import Interactions
from matinee.data.loading import load_checked
from matinee.data.sample import NOTE
from matinee.data.sources import SAMPLE
from matinee.errors import DataError
from matinee.exhibits.types import Section
from matinee.explore.coldstart import coldstart
from matinee.explore.collinearity import collinearity
from matinee.explore.films import genres, tags, years
from matinee.explore.meaning import meaning
from matinee.explore.ratings import ratings
from matinee.explore.segments import segments
from matinee.explore.sizes import doctor, sizes
from matinee.explore.tail import tail
from matinee.explore.timing import timing
from matinee.explore.totals import Totals
from matinee.explore.types import Survey

Tick = Callable[[str, int, int], None]
"""Told what is being done, how much is done, and how much there is."""


def survey(data: str | Path, *, seed: int = 0, tick: Tick | None = None) -> Survey:
    """Load a data set and look at it from all sides.

    Args:
        data: A name, a folder or a file, as `matinee.data.load` takes it.
        seed: Of random splits and of the first guesses of segments.
        tick: Told of progress.

    Raises:
        DataError: If it cannot be read, or holds no ratings.
        UnknownName: If there is no such data set.
    """
    loaded = load_checked(data)
    found = survey_of(loaded.data, loaded.diagnosis, str(data), seed=seed, tick=tick)
    return replace(found, note=NOTE) if data == SAMPLE else found


def survey_of(
    data: Interactions,
    diagnosis: Diagnosis,
    name: str,
    *,
    seed: int = 0,
    tick: Tick | None = None,
) -> Survey:
    """Look at loaded data from all sides.

    Args:
        data: One rating at least.
        diagnosis: What the data doctor said of it.
        name: What the data set is called.
        seed: As in `survey`.
        tick: As in `survey`.

    Raises:
        DataError: If there are no ratings.
    """
    if not len(data):
        raise DataError(
            "there are no ratings to explore",
            where=name,
            remedy=f"`matinee data check {name}` says what became of the rows.",
        )
    totals = Totals(data)
    parts: tuple[Callable[[], Section], ...] = (
        lambda: sizes(totals),
        lambda: doctor(diagnosis),
        lambda: ratings(totals),
        lambda: tail(totals),
        lambda: timing(totals),
        lambda: genres(totals),
        lambda: years(totals),
        lambda: tags(totals),
        lambda: collinearity(totals),
        lambda: segments(totals, seed),
        lambda: coldstart(data, seed),
    )
    found: list[Section] = []
    for done, part in enumerate(parts):
        if tick is not None:
            tick("exploring", done, len(parts))
        found.append(part())
    glance, *others = found
    return Survey(name, seed, (glance, meaning(tuple(found)), *others))
