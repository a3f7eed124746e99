"""A person's ratings, from an export, as ratings of films of a catalogue."""

from __future__ import annotations

import math

from matinee.data.checks import OFF_SCALE
from matinee.data.exports.finding import Finder
from matinee.data.exports.types import Entry, Export, LeftOut, Matched
from matinee.data.interactions import Scale
from matinee.data.titles import TitleIndex
from matinee.errors import DataError

AGAIN = "rated again later"


def match(export: Export, titles: TitleIndex, scale: Scale) -> Matched:
    """Find an export's films in a catalogue.

    Films are found as `Finder` says. Ratings keep their share of the highest rating: 7 of 10
    is 3.5 of 5. They are rounded to the steps of the data's scale, halves up, and are at
    least its lowest. Of several ratings of a film the latest counts; where times are equal or
    missing, the last in the file.

    Args:
        export: As `read_export` gives it.
        titles: The catalogue's films.
        scale: The scale of the data.

    Returns:
        The ratings that were matched; every other row is listed in `left_out`.

    Raises:
        DataError: If the data have no ratings, so that there is no scale.
    """
    if scale.low == scale.high:
        raise DataError(
            "the catalogue's data have no ratings to put an export's beside",
            remedy="Name a data set with ratings, or a run made from one.",
        )
    verdicts = Finder(titles).find(export.entries)
    found: dict[int, tuple[Entry, float]] = {}
    left_out = list(export.left_out)
    order = sorted(range(len(verdicts)), key=lambda i: _when(export.entries[i]))
    for entry, verdict in ((export.entries[i], verdicts[i]) for i in order):
        stars = _stars(entry.rating, export.scale, scale)
        if verdict.film is None or stars is None:
            reason = verdict.reason if verdict.film is None else OFF_SCALE
            left_out.append(_left_out(entry, reason, verdict.nearest, titles))
            continue
        if verdict.film in found:
            left_out.append(_left_out(found.pop(verdict.film)[0], AGAIN, None, titles))
        found[verdict.film] = (entry, stars)
    return Matched(
        export.kind,
        tuple(titles.catalogue.ids[film] for film in found),
        tuple(stars for _, stars in found.values()),
        tuple(entry.time for entry, _ in found.values()),
        tuple(sorted(left_out, key=lambda row: (row.file, row.line))),
    )


def _when(entry: Entry) -> float:
    return -math.inf if entry.time is None else entry.time


def _left_out(entry: Entry, reason: str, nearest: int | None, titles: TitleIndex) -> LeftOut:
    near = None if nearest is None else titles.label(nearest)
    return LeftOut(entry.file, entry.line, entry.title, entry.year, reason, near)


def _stars(rating: float, given: tuple[float, float] | None, scale: Scale) -> float | None:
    """A rating on the scale of the data; None if it is off that scale."""
    if given is None:
        return rating if scale.low <= rating <= scale.high else None
    steps = math.floor((rating / given[1] * scale.high - scale.low) / scale.step + 0.5)
    return min(scale.high, scale.low + max(0, steps) * scale.step)
