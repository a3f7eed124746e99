"""Taste segments: clusters of people by the genres their stars go to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matinee.data.interactions import Interactions, dense
from matinee.exhibits.types import Cell, Column, Exhibit, Section, Squares, Table
from matinee.exhibits.words import count, listed, percent
from matinee.explore.clusters import k_means
from matinee.explore.films import top_genres
from matinee.explore.totals import Floats, Totals

MOST = 5
SMALLEST = 20
"""People there are for each segment on average, at least."""

PRIOR = 10.0
"""Ratings' worth of everyone's taste that is added to each person's."""

NAMED = 3
"""Genres and films that describe a segment."""


@dataclass(frozen=True)
class Segments:
    """People by taste.

    Attributes:
        of: Segment of each person with ratings, `[n_active]`; 0 is the largest.
        genres: Names of the genres, `[g]`.
        shares: Share of the stars that each segment gives to each genre, `[k, g]`.
        overall: The same for everyone together, `[g]`.
        explained: Share of the differences between people that lies between segments.
    """

    of: NDArray[np.int64]
    genres: list[str]
    shares: Floats
    overall: Floats
    explained: float

    @property
    def sizes(self) -> NDArray[np.int64]:
        """People in each segment, `[k]`."""
        return np.bincount(self.of, minlength=len(self.shares))


def segments(totals: Totals, seed: int) -> Section:
    """Clusters of people, each with its distinguishing genres and telling films."""
    title = "Taste segments"
    missing = _lacking(totals)
    if missing:
        return Section("segments", title, missing=(missing,))
    found = find_segments(totals, seed)
    exhibits = (_described(totals.data, found), _lifts(found))
    figures = {"segments": float(len(found.shares)), "explained": found.explained}
    return Section("segments", title, exhibits, figures=figures)


def _lacking(totals: Totals) -> str:
    genres = totals.data.catalogue.genre_matrix[totals.rated]
    if (genres.any(0)).sum() < 2:
        return "Segments are told by genres, and the rated films have fewer than two."
    people = len(totals.data.active_users)
    if people < 2 * SMALLEST:
        return f"{people} people are too few to be told apart; segments begin at {2 * SMALLEST}."
    return ""


def find_segments(totals: Totals, seed: int) -> Segments:
    """k-means on standardised genre profiles.

    A profile is the share of a person's stars that goes to each genre (films with several
    genres share theirs out), drawn a little towards everyone's so that short histories are
    not mistaken for strong tastes.
    """
    stars, names = _stars(totals)
    overall = stars.sum(0) / stars.sum()
    prior = PRIOR * (totals.mean if totals.mean > 0 else 1.0)
    sums = stars + prior * overall
    profiles = sums / sums.sum(1, keepdims=True)
    spread = profiles.std(0)
    points = (profiles - profiles.mean(0)) / np.where(spread > 0, spread, 1)
    k = min(MOST, len(points) // SMALLEST)
    labels, _, explained = k_means(points, k, seed)
    summed = np.stack([np.bincount(labels, column, k) for column in stars.T], 1)
    shares = summed / np.maximum(summed.sum(1, keepdims=True), 1e-12)
    return Segments(labels, names, shares, overall, explained)


def _stars(totals: Totals) -> tuple[Floats, list[str]]:
    """Stars each active person gave to each genre, `[n_active, g]`, above the scale's bottom."""
    data = totals.data
    shown = np.sort(top_genres(totals))
    genres = data.catalogue.genre_matrix[:, shown].astype(np.float32)
    genres /= np.maximum(genres.sum(1, keepdims=True), 1)
    worth = data.ratings - min(float(data.ratings.min()), 0.0)
    matrix = csr_array((worth, data.items, data.offsets), shape=(data.n_users, data.n_items))
    stars = np.asarray(matrix @ genres, np.float64)[data.active_users]
    some = stars.sum(0) > 0
    names = [data.catalogue.genres[int(i)] for i in shown[some]]
    return stars[:, some], names


def telling_films(data: Interactions, found: Segments) -> list[list[int]]:
    """The films that most of a segment's ratings go to beyond what chance would have.

    By the z-score of two proportions: of the segment's ratings, and of all others', how many
    are of the film.

    Returns:
        For each segment at most `NAMED` films, the most telling first.
    """
    k, n = len(found.shares), len(data)
    ones = np.ones(len(found.of), np.float32)
    member = csr_array((ones, (found.of, data.active_users)), shape=(k, data.n_users))
    inside = dense(member @ data.matrix()).astype(np.float64)
    own = np.maximum(inside.sum(1, keepdims=True), 1)
    rest = np.maximum(n - own, 1)
    overall = inside.sum(0) / n
    error = np.sqrt(overall * (1 - overall) * (1 / own + 1 / rest))
    z = (inside / own - (inside.sum(0) - inside) / rest) / np.where(error > 0, error, np.inf)
    order = np.argsort(-z, axis=1, kind="stable")[:, :NAMED]
    return [[int(i) for i in row if z[s, i] > 0] for s, row in enumerate(order)]


def _distinguishing(found: Segments) -> list[list[int]]:
    """Genres of each segment whose share is furthest above everyone's, for its own error."""
    gain = (found.shares - found.overall) / np.sqrt(found.overall)
    order = np.argsort(-gain, axis=1, kind="stable")[:, :NAMED]
    return [[int(g) for g in row if gain[s, g] > 0] for s, row in enumerate(order)]


def _described(data: Interactions, found: Segments) -> Exhibit:
    frame, genres = data.catalogue.frame, _distinguishing(found)
    titles, years = frame["title"], frame["year"]
    rows: list[tuple[Cell, ...]] = []
    for s, films in enumerate(telling_films(data, found)):
        more = [f"{found.genres[g]} {_factor(found, s, g)}" for g in genres[s]]
        shown = [titles[i] + (f" ({years[i]})" if years[i] else "") for i in films]
        size = int(found.sizes[s])
        rows.append((f"{s + 1}", size, size / len(found.of), ", ".join(more), "; ".join(shown)))
    said = (
        f"The largest of {count(len(rows), 'segment', 'segments')} leans to "
        f"{listed([found.genres[g] for g in genres[0][:2]]) or 'no genre'} "
        f"({percent(float(rows[0][2] or 0))} of people); segments explain "
        f"{percent(found.explained)} of how people's genre profiles differ"
    )
    columns = (
        Column("segment"),
        Column("people", "count"),
        Column("share of people, %", "share"),
        Column("more than others of (times everyone's share)"),
        Column("telling films"),
    )
    note = (
        "Clusters by the share of stars that goes to each genre. A cut through a continuum, "
        "not kinds of people: the less is explained, the more arbitrary the cut."
    )
    return Exhibit("segments", said, Table(columns, tuple(rows)), note=note)


def _factor(found: Segments, segment: int, genre: int) -> str:
    return f"×{found.shares[segment, genre] / found.overall[genre]:.1f}"


def _lifts(found: Segments) -> Exhibit:
    """How much more or less of each genre a segment watches than everyone."""
    lifts = found.shares / found.overall - 1
    segment, genre = divmod(int(lifts.argmax()), len(found.genres))
    said = (
        f"Segment {segment + 1} stands out most: its people give {found.genres[genre]} "
        f"{_factor(found, segment, genre)[1:]} times the share that everyone does"
    )
    chosen = _distinguishing(found)
    columns = [Column("genre")]
    for s, row in enumerate(chosen):
        lead = found.genres[row[0]] if row else "everything"
        columns.append(Column(f"{s + 1} {lead}, %", "share"))
    cells = zip(found.genres, *lifts.tolist(), strict=True)
    note = (
        "The share of stars a segment gives to a genre, against everyone's: filled squares more, "
        "hollow ones less; a full square is twice as much, or more."
    )
    return Exhibit("lifts", said, Table(tuple(columns), tuple(cells)), Squares(1.0), note)
