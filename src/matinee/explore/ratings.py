"""The ratings: how they lie overall, for each person and for each film."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from matinee.data.interactions import Interactions
from matinee.exhibits.types import Bars, Boxes, Cell, Column, Exhibit, Section, Table
from matinee.exhibits.words import count, percent, plain
from matinee.explore.totals import Floats, Totals, means

MOST_LEVELS = 20
"""Different ratings that get a bar each; where there are more, ten ranges do."""

SWEEPS = 5

BOX = tuple(
    Column(name, "number")
    for name in (
        "least",
        "lower whisker",
        "lower quarter",
        "half",
        "upper quarter",
        "upper whisker",
        "most",
    )
)


def ratings(totals: Totals) -> Section:
    """Rating distribution overall, box plots per person and film, and what explains a rating."""
    activity = _activity(totals)
    title = "Ratings"
    if not totals.data.explicit:
        missing = "The data say who saw what, not how much they liked it: there are no ratings."
        return Section("ratings", title, (activity,), (missing,))
    if totals.data.ratings.min() == totals.data.ratings.max():
        missing = f"Every rating is {totals.data.ratings[0]:g}: there is nothing to compare."
        return Section("ratings", title, (activity,), (missing,))
    explained = explained_shares(totals)
    figures = {f"explained_by_{name}": value for name, value in explained.items()}
    figures |= {"mean": totals.mean, "spread": float(totals.data.ratings.std(dtype=np.float64))}
    exhibits = (_levels(totals.data, totals.mean), _box_plots(totals), activity, _told(explained))
    return Section("ratings", title, exhibits, figures=figures)


def box(name: str, values: NDArray[np.number]) -> tuple[Cell, ...]:
    """A row for a box plot: `name`, count, and the seven numbers of `BOX`.

    Whiskers end at the furthest values within 1.5 times the distance of the quarters
    (Tukey 1977, 'Exploratory data analysis').
    """
    low, half, high = np.quantile(values, (0.25, 0.5, 0.75))
    reach = 1.5 * (high - low)
    inside = values[(values >= low - reach) & (values <= high + reach)]
    numbers = (values.min(), inside.min(), low, half, high, inside.max(), values.max())
    return (name, len(values), *(float(number) for number in numbers))


def _levels(data: Interactions, mean: float) -> Exhibit:
    levels, counts = np.unique(data.ratings, return_counts=True)
    names = [f"{level:g}" for level in levels]
    common = f"{names[int(counts.argmax())]} is the commonest rating"
    if len(levels) > MOST_LEVELS:
        counts, edges = np.histogram(data.ratings, 10)
        names = [f"{low:g} to {high:g}" for low, high in itertools.pairwise(edges)]
        common = f"ratings of {names[int(counts.argmax())]} are the commonest"
    shares = counts / len(data)
    low, high = data.scale.low, data.scale.high
    place = (mean - low) / (high - low)
    lean = "lean high" if place > 0.55 else "lean low" if place < 0.45 else "lie around the middle"
    said = (
        f"Ratings {lean}: the mean is {mean:.2f} on a scale of {low:g} to {high:g}; "
        f"{common} ({percent(shares.max())})"
    )
    rows = zip(names, counts.tolist(), shares.tolist(), strict=True)
    columns = (Column("rating"), Column("ratings", "count"), Column("share of ratings, %", "share"))
    return Exhibit("ratings", said, Table(columns, tuple(rows)), Bars(2, "rating"))


def _box_plots(totals: Totals) -> Exhibit:
    people = box("means of people", totals.person_means[totals.data.active_users])
    films = box("means of films", totals.film_means[totals.rated])
    rows = (box("all ratings", totals.data.ratings), people, films)
    of_people, of_films = (f"{row[4]:.2f} and {row[6]:.2f}" for row in (people, films))
    width = [float(row[6] or 0) - float(row[4] or 0) for row in (people, films)]
    more = (
        "Films differ more than people" if width[1] > width[0] else "People differ more than films"
    )
    said = (
        f"{more}: the middle half of films averages between {of_films}, "
        f"that of people between {of_people}"
    )
    table = Table((Column("what"), Column("number", "count"), *BOX), rows)
    return Exhibit("means", said, table, Boxes("rating"))


def _activity(totals: Totals) -> Exhibit:
    people = box("of a person", totals.of_people[totals.data.active_users])
    films = box("of a film", totals.of_films[totals.rated])
    said = (
        f"Half of the people have given {count(float(people[5] or 0), 'rating', 'ratings')} or "
        f"more, the busiest {people[8]:,.0f}; half of the films have had "
        f"{plain(float(films[5] or 0))} or more, the best known {films[8]:,.0f}"
    )
    table = Table((Column("ratings"), Column("number", "count"), *BOX), (people, films))
    return Exhibit("activity", said, table, Boxes("number of ratings, log scale", log=True))


def explained_shares(totals: Totals) -> dict[str, float]:
    """Shares of the ratings' variance that their person, their film and both explain.

    Each is `1 - (SSE / (n - p)) / (SST / (n - 1))` with p means fitted, so that many small
    groups gain nothing by chance (epsilon squared; Kelley 1935, 'An unbiased correlation ratio
    measure'). Below 0 counts as 0. 'both' fits a sum of two effects by turns.
    """
    data, n = totals.data, len(totals.data)
    total = float(data.ratings.var(dtype=np.float64)) * n
    n_people, n_films = len(data.active_users), len(totals.rated)
    fits = {
        "person": (totals.person_means[data.users], n_people),
        "film": (totals.film_means[data.items], n_films),
        "both": (_two_effects(totals), n_people + n_films - 1),
    }
    shares: dict[str, float] = {}
    for name, (fitted, p) in fits.items():
        squares = float(np.square(data.ratings - fitted).sum())
        free = max(n - p, 1)
        shares[name] = max(1 - squares / free * (n - 1) / total, 0.0) if n > p else 0.0
    return shares


def _two_effects(totals: Totals) -> Floats:
    data = totals.data
    person, film = totals.person_means, np.zeros(data.n_items)
    for _ in range(SWEEPS):
        film = means(data.items, data.ratings - person[data.users], totals.of_films)
        person = means(data.users, data.ratings - film[data.items], totals.of_people)
    return person[data.users] + film[data.items]


def _told(explained: dict[str, float]) -> Exhibit:
    said = (
        f"Who rates and what is rated explain {percent(explained['both'])} of a rating; "
        f"the rest is taste, mood and chance"
    )
    names = {"person": "the person alone", "film": "the film alone", "both": "both together"}
    rows = tuple((names[key], value) for key, value in explained.items())
    table = Table((Column("explained by"), Column("share of variance, %", "share")), rows)
    note = "Shares of the variance of ratings, corrected for the number of means fitted."
    return Exhibit("explained", said, table, Bars(1), note)
