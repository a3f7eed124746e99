"""What the films are: genres, release years and tags, among films and among ratings."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.exhibits.types import Column, Dots, Exhibit, Lines, Section, Table
from matinee.exhibits.words import NBSP, count, listed, percent
from matinee.explore.totals import Totals

SHOWN = 20
"""Genres and tags that are shown; of more, the commonest."""

ENOUGH = 0.02
"""Share of the films a genre has at least to be named as an extreme."""

COMMON = (
    Column("films", "count"),
    Column("share of films, %", "share"),
    Column("ratings", "count"),
    Column("share of ratings, %", "share"),
)


def top_genres(totals: Totals) -> NDArray[np.int64]:
    """The commonest genres among the films, at most `SHOWN`, as columns of the genre matrix."""
    films = totals.data.catalogue.genre_matrix.sum(0)
    return np.argsort(-films, kind="stable")[:SHOWN]


def genres(totals: Totals) -> Section:
    """How common each genre is among films and ratings, and how it is rated."""
    catalogue, data = totals.data.catalogue, totals.data
    if not len(catalogue.genres):
        missing = ("The data name no genres: films can be told apart by their ratings only.",)
        return Section("genres", "Genres", missing=missing)
    shown, matrix = top_genres(totals), catalogue.genre_matrix
    films = matrix.sum(0)[shown]
    counts = (totals.of_films @ matrix)[shown]
    sums = ((totals.of_films * totals.film_means) @ matrix)[shown]
    names = [catalogue.genres[int(i)] for i in shown]
    columns = (films, films / len(catalogue), counts, counts / len(data))
    rows = zip(names, *(column.tolist() for column in columns), strict=True)
    table = Table((Column("genre"), *COMMON), tuple(rows))
    exhibits = [Exhibit("genres", _spread(table), table, Dots((2, 4), "share, %"))]
    if data.explicit:
        exhibits.append(_rated(names, films / len(catalogue), counts, sums, totals.mean))
    with_any = float(matrix.any(1).mean())
    missing = (
        ()
        if with_any == 1
        else (f"{count((~matrix.any(1)).sum(), 'film has', 'films have')} no genre.",)
    )
    if len(catalogue.genres) > SHOWN:
        missing += (f"Shown are the {SHOWN} commonest of {len(catalogue.genres):,} genres.",)
    figures = {"genres": len(catalogue.genres), "films_with_genre": with_any}
    return Section("genres", "Genres", tuple(exhibits), missing, figures)


def _spread(table: Table) -> str:
    rows = [row for row in table.rows if float(row[2] or 0) >= ENOUGH] or list(table.rows)
    first = table.rows[0]
    most = max(rows, key=lambda row: float(row[4] or 0) / float(row[2] or 1))
    return (
        f"{first[0]} is the commonest genre ({percent(float(first[2] or 0))} of films); "
        f"{most[0]} draws most for its number: {percent(float(most[4] or 0))} of ratings "
        f"for {percent(float(most[2] or 0))} of films"
    )


def _rated(
    names: list[str],
    shares: NDArray[np.float64],
    counts: NDArray[np.int64],
    sums: NDArray[np.float64],
    mean: float,
) -> Exhibit:
    some = np.flatnonzero(counts)
    averages = sums[some] / counts[some]
    order = np.argsort(-averages, kind="stable")
    rows = [(names[some[i]], int(counts[some[i]]), float(averages[i])) for i in order]
    large = {names[i] for i in some if shares[i] >= ENOUGH} or set(names)
    named = [row for row in rows if row[0] in large]
    said = (
        f"{named[0][0]} is rated highest ({named[0][2]:.2f}) and {named[-1][0]} lowest "
        f"({named[-1][2]:.2f}); all ratings together average {mean:.2f}"
    )
    columns = (Column("genre"), Column("ratings", "count"), Column("mean rating", "number"))
    chart = Dots((2,), "mean rating", reference=mean, reference_name="all ratings")
    note = f"Highest and lowest among genres with at least {100 * ENOUGH:.0f}{NBSP}% of the films."
    return Exhibit("genre_means", said, Table(columns, tuple(rows)), chart, note)


def years(totals: Totals) -> Section:
    """Release years of the films and of what is rated."""
    frame = totals.data.catalogue.frame
    known = frame["year"].is_not_null().to_numpy()
    title = "Release years"
    if not known.any():
        missing = ("The data name no release years.",)
        return Section("years", title, missing=missing)
    released = frame["year"].fill_null(0).to_numpy()[known].astype(np.int64)
    counts = totals.of_films[known]
    step = _step(int(released.min()), int(released.max()))
    low = int(released.min()) // step * step
    bins = (released - low) // step
    films, ratings = np.bincount(bins), np.bincount(bins, counts).astype(np.int64)
    starts = low + step * np.arange(len(films))
    shares = films / films.sum(), ratings / max(ratings.sum(), 1)
    rows = zip(
        starts.tolist(),
        films.tolist(),
        shares[0].tolist(),
        ratings.tolist(),
        shares[1].tolist(),
        strict=True,
    )
    first = Column("year" if step == 1 else f"{step} years from", "text")
    table = Table((first, *COMMON), tuple((str(row[0]), *row[1:]) for row in rows))
    middle_film, middle_rating = (
        _weighted_median(released, weights) for weights in (np.ones(len(counts)), counts)
    )
    said = f"Half of the films are from {middle_film} or later, " + (
        f"and half of the ratings go to films from {middle_rating} or later"
    )
    missing = (
        () if known.all() else (f"{count((~known).sum(), 'film has', 'films have')} no year.",)
    )
    figures: dict[str, float] = {"median_film": middle_film, "median_rating": middle_rating}
    chart = Lines((2, 4), "year of release", "share, %", zero=True)
    exhibit = Exhibit("years", said, table, chart)
    return Section("years", title, (exhibit,), missing, figures)


def _step(first: int, last: int) -> int:
    """Years a bin holds, so that there are about thirty at most."""
    return next((step for step in (1, 2, 5, 10) if (last - first) / step <= 30), 20)


def _weighted_median(values: NDArray[np.int64], weights: NDArray[np.number]) -> int:
    """The latest value with at least half of the weight on it and above."""
    order = np.argsort(-values, kind="stable")
    reached = np.cumsum(weights[order])
    return int(values[order][np.searchsorted(reached, reached[-1] / 2)])


def tags(totals: Totals) -> Section:
    """What people have called the films."""
    column = totals.data.catalogue.frame.select(pl.int_range(pl.len()).alias("film"), "tags")
    pairs = column.explode("tags").drop_nulls().unique(maintain_order=True)
    if pairs.is_empty():
        return Section("tags", "Tags", missing=("The data hold no tags.",))
    films = pairs.group_by("tags").len().sort(["len", "tags"], descending=[True, False])
    tagged = np.zeros(totals.data.n_items, np.bool_)
    tagged[pairs["film"].to_numpy()] = True
    of_ratings = float(totals.of_films[tagged].sum() / len(totals.data))
    top = films.head(SHOWN)
    rows = [(name, n, n / len(tagged)) for name, n in top.iter_rows()]
    once = int((films["len"] == 1).sum())
    said = (
        f"{percent(tagged.mean())} of the films, with {percent(of_ratings)} of the ratings, have "
        f"tags; {percent(once / films.height)} of {count(films.height, 'tag', 'tags')} "
        f"are on one film only"
    )
    table = Table((Column("tag"), *COMMON[:2]), tuple(rows))
    note = f"The commonest: {listed([str(row[0]) for row in rows[:3]])}."
    figures = {
        "tags": films.height,
        "films_tagged": float(tagged.mean()),
        "ratings_tagged": of_ratings,
    }
    chart = Dots((1,), "films with the tag")
    return Section("tags", "Tags", (Exhibit("tags", said, table, chart, note),), figures=figures)
