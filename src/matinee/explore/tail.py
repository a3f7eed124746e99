"""The long tail: how unevenly ratings fall on films and on people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.exhibits.types import Cell, Column, Exhibit, Lines, Section, Table
from matinee.exhibits.words import count, percent
from matinee.explore.totals import Floats, Totals

POINTS = 40
"""Points of the rank-frequency curve, evenly spread over the logarithm of the rank."""

FEW = 5
"""A film with fewer ratings hardly shows what it is like."""


def tail(totals: Totals) -> Section:
    """Rank-frequency curve and Lorenz curves with their Gini coefficients."""
    films = totals.of_films[totals.rated]
    people = totals.of_people[totals.data.active_users]
    figures = {
        "gini_films": gini(films),
        "gini_people": gini(people),
        "top_tenth_of_films": _top_share(films, 0.1),
        "films_below_5": float(np.mean(films < FEW)),
    }
    exhibits = (_ranks(films, people, figures), _lorenz(films, people, figures))
    return Section("tail", "The long tail", exhibits, figures=figures)


def gini(counts: NDArray[np.integer]) -> float:
    """The Gini coefficient of positive counts: 0 if all are equal, near 1 if one has all.

    `G = 2 sum(i x_i) / (n sum(x)) - (n + 1) / n` with the counts x ascending, i from 1.
    """
    ordered, n = np.sort(counts).astype(np.float64), len(counts)
    ranks = np.arange(1, n + 1)
    return float(2 * (ranks @ ordered) / (n * ordered.sum()) - (n + 1) / n)


def lorenz(counts: NDArray[np.integer], shares: Floats) -> Floats:
    """Share of the total that the least `shares` of the counts hold, `[len(shares)]`."""
    held = np.concatenate([[0.0], np.cumsum(np.sort(counts), dtype=np.float64)])
    return np.interp(shares, np.linspace(0, 1, len(held)), held / held[-1])


def _top_share(counts: NDArray[np.integer], share: float) -> float:
    """Share of the ratings on the most rated `share` of the films."""
    return 1 - float(lorenz(counts, np.asarray([1 - share]))[0])


def _ranks(
    films: NDArray[np.integer], people: NDArray[np.integer], figures: dict[str, float]
) -> Exhibit:
    longest = max(len(films), len(people))
    spread = np.geomspace(1, longest, POINTS).round().astype(np.int64)
    places = np.union1d(spread, (len(films), len(people)))
    ordered = [np.sort(counts)[::-1] for counts in (films, people)]
    rows = [
        (int(rank), *(int(c[rank - 1]) if rank <= len(c) else None for c in ordered))
        for rank in places
    ]
    tenth = max(len(films) // 10, 1)
    said = (
        f"The most rated tenth of the films ({count(tenth, 'film', 'films')}) draws "
        f"{percent(figures['top_tenth_of_films'])} of all ratings; "
        f"{percent(figures['films_below_5'])} of the rated films have fewer than {FEW}"
    )
    columns = (Column("rank", "count"), Column("films", "count"), Column("people", "count"))
    chart = Lines((1, 2), "rank, log scale", "ratings, log scale", log=True)
    return Exhibit("ranks", said, Table(columns, tuple(rows)), chart)


def _lorenz(
    films: NDArray[np.integer], people: NDArray[np.integer], figures: dict[str, float]
) -> Exhibit:
    shares = np.linspace(0, 1, 21)
    curves = [lorenz(counts, shares).tolist() for counts in (films, people)]
    rows: list[tuple[Cell, ...]] = list(zip(shares.tolist(), *curves, strict=True))
    of_films, of_people = figures["gini_films"], figures["gini_people"]
    more, less = ("films", "people") if of_films >= of_people else ("people", "films")
    high, low = f"{max(of_films, of_people):.2f}", f"{min(of_films, of_people):.2f}"
    said = f"Ratings fall more unevenly on {more} (Gini {high}) than on {less} ({low})"
    if high == low:
        said = f"Ratings fall as unevenly on films as on people (Gini {high})"
    columns = (
        Column("share with the fewest ratings, %", "share"),
        Column("films", "share"),
        Column("people", "share"),
    )
    chart = Lines(
        (1, 2),
        "films or people with the fewest ratings, %",
        "their share of ratings, %",
        diagonal=True,
        zero=True,
    )
    note = "Shares of all ratings, in percent; the straight line would be equal shares for all."
    return Exhibit("lorenz", said, Table(columns, tuple(rows)), chart, note)
