"""Features that say the same: genres that come together, and variance inflation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from matinee.exhibits.types import Cell, Column, Dots, Exhibit, Section, Squares, Table
from matinee.exhibits.words import count, listed, percent
from matinee.explore.films import top_genres
from matinee.explore.totals import Floats, Totals

HIGH = 5.0
"""A variance inflation factor above this is called high (O'Brien 2007 reviews such rules)."""

RARE = 10
"""Films a genre has at least to be named in a sentence."""

MOST_CATEGORIES = 30
"""Values a column of the table of people may have to become indicators."""


def collinearity(totals: Totals) -> Section:
    """Genre co-occurrence, correlations, and variance inflation factors of the features."""
    exhibits, missing = list(_genre_pairs(totals)), list[str]()
    if not exhibits:
        missing.append("With fewer than two genres there is nothing to go together.")
    figures: dict[str, float] = {}
    for name, features in (("films", film_features(totals)), ("people", person_features(totals))):
        told = _inflation(name, features)
        if told is None:
            missing.append(f"Of {name} fewer than two features are known.")
            continue
        exhibits.append(told[0])
        figures |= told[1]
    return Section("together", "What goes together", tuple(exhibits), tuple(missing), figures)


def correlations(features: Floats) -> Floats:
    """Pearson correlations of the columns, `[k, k]`; 0 with a column that does not vary."""
    centred = features - features.mean(0)
    lengths = np.sqrt(np.square(centred).sum(0))
    unit = centred / np.where(lengths > 0, lengths, 1)
    return unit.T @ unit


def inflation(features: Floats) -> tuple[Floats, Floats]:
    """How well each feature is told by the others, and by what its variance is inflated.

    `VIF_j = 1 / (1 - R2_j)`, R2_j being that of the regression of feature j on all others
    (Marquardt 1970, 'Generalized inverses, ridge regression').

    Args:
        features: `[n, k]`, every column varying, two at least.

    Returns:
        `R2` `[k]` and `VIF` `[k]`, infinite where the others tell everything.
    """
    r = correlations(features)
    k = len(r)
    told = np.empty(k)
    for j in range(k):
        others = np.arange(k) != j
        told[j] = (
            r[j, others] @ np.linalg.pinv(r[np.ix_(others, others)], hermitian=True) @ r[others, j]
        )
    told = told.clip(0, 1)
    with np.errstate(divide="ignore"):
        return told, np.where(told > 1 - 1e-9, np.inf, 1 / (1 - told))


def film_features(totals: Totals) -> dict[str, Floats]:
    """Numbers known of rated films: genres, year, popularity, mean rating, number of tags."""
    data, rated = totals.data, totals.rated
    frame = data.catalogue.frame[rated]
    features: dict[str, Floats] = {}
    for genre in top_genres(totals):
        name = data.catalogue.genres[int(genre)]
        features[name] = data.catalogue.genre_matrix[rated, genre].astype(np.float64)
    years = frame["year"].cast(pl.Float64)
    if years.null_count() < len(years):
        features["release year"] = years.fill_null(years.mean()).to_numpy()
    features["ratings, log"] = np.log(totals.of_films[rated])
    if data.explicit:
        features["mean rating"] = totals.film_means[rated]
    features["number of tags"] = frame["tags"].list.len().cast(pl.Float64).to_numpy()
    return _varying(features)


def person_features(totals: Totals) -> dict[str, Floats]:
    """Numbers known of people with ratings: their table, how many ratings and how high."""
    active = totals.data.active_users
    features = {"ratings, log": np.log(totals.of_people[active])}
    if totals.data.explicit:
        features["mean rating"] = totals.person_means[active]
    people = totals.data.people
    if people is not None:
        for column in people[active].drop("id").iter_columns():
            features |= _person_column(column)
    return _varying(features)


def _person_column(column: pl.Series) -> Mapping[str, Floats]:
    """A number as it is; a category as an indicator of each value but the commonest."""
    if column.dtype.is_numeric():
        known = column.cast(pl.Float64)
        return {column.name: known.fill_null(known.mean() or 0.0).to_numpy()}
    if column.dtype.is_nested() or column.n_unique() > MOST_CATEGORIES:
        return {}
    texts = column.cast(pl.String).fill_null("unknown")
    values = texts.value_counts().sort(["count", column.name], descending=[True, False])
    kept = values[column.name].to_list()[1:]
    return {f"{column.name}: {v}": (texts == v).cast(pl.Float64).to_numpy() for v in kept}


def _varying(features: Mapping[str, Floats]) -> dict[str, Floats]:
    return {name: values for name, values in features.items() if np.ptp(values) > 0}


def _inflation(
    name: str, features: Mapping[str, Floats]
) -> tuple[Exhibit, dict[str, float]] | None:
    if len(features) < 2:
        return None
    told, factors = inflation(np.column_stack(list(features.values())))
    order = np.argsort(-factors, kind="stable")
    names = list(features)
    rows = tuple(
        (names[i], float(factors[i]) if np.isfinite(factors[i]) else None, float(told[i]))
        for i in order
    )
    columns = (
        Column("feature"),
        Column("VIF", "number"),
        Column("told by the others, %", "share"),
    )
    high = [names[i] for i in order if factors[i] > HIGH]
    said = _inflation_said(name, names[order[0]], float(factors[order[0]]), high)
    figures = {f"high_vif_{name}": float(len(high))}
    note = ""
    if np.isfinite(factors).all():
        figures[f"largest_vif_{name}"] = float(factors.max())
    else:
        note = "There is no factor where the other features tell all."
    chart = Dots((1,), "variance inflation factor (VIF)", HIGH, f"high: {HIGH:g}")
    return Exhibit(f"vif_{name}", said, Table(columns, rows), chart, note), figures


def _inflation_said(name: str, first: str, worst: float, high: Sequence[str]) -> str:
    size = f"VIF {worst:.1f}" if np.isfinite(worst) else "told by the others entirely"
    if not high:
        return f"No feature of {name} is told by the others: the most nearly is {first} ({size})"
    more = f", {count(len(high), 'feature is', 'features are')} above {HIGH:g}"
    return f"Of what is known of {name}, {first} is told best by the rest ({size}){more}"


def _genre_pairs(totals: Totals) -> tuple[Exhibit, ...]:
    """Which genres come together, as shares and as correlations."""
    catalogue, shown = totals.data.catalogue, top_genres(totals)
    if len(shown) < 2:
        return ()
    matrix = catalogue.genre_matrix[:, shown].astype(np.float64)
    names = [catalogue.genres[int(i)] for i in shown]
    films = matrix.sum(0)
    shares = (matrix.T @ matrix) / np.maximum(films, 1)[:, None]
    phi = correlations(matrix)
    for square in (shares, phi):
        np.fill_diagonal(square, np.nan)
    wide = len(names) > 24
    enough = films >= min(RARE, films.max())
    together = Exhibit(
        "co_occurrence",
        _closest(shares, names, enough),
        _square(names, shares, "share", "films of … that are also …, %"),
        Squares(1.0),
        "Read along a row: the share of that genre's films that also have the column's genre.",
        wide,
    )
    correlated = Exhibit(
        "correlation",
        _extremes(phi, names, enough),
        _square(names, phi, "number", "correlation of …"),
        Squares(),
        "Filled squares: the genres come together more than chance would have them; hollow: less.",
        wide,
    )
    return together, correlated


def _square(names: Sequence[str], values: Floats, kind: str, corner: str) -> Table:
    columns = (
        Column(corner),
        *(Column(n, "share" if kind == "share" else "number") for n in names),
    )
    cells: list[tuple[Cell, ...]] = [
        (name, *(None if np.isnan(value) else float(value) for value in row))
        for name, row in zip(names, values, strict=True)
    ]
    return Table(columns, tuple(cells))


def _closest(shares: Floats, names: Sequence[str], enough: np.ndarray) -> str:
    judged = np.where(enough[:, None], shares, np.nan)
    row, column = divmod(int(np.nanargmax(judged)), len(names))
    return (
        f"Of films with the genre {names[row]}, {percent(float(shares[row, column]))} "
        f"are {names[column]} too: no genre keeps closer company"
    )


def _extremes(phi: Floats, names: Sequence[str], enough: np.ndarray) -> str:
    judged = np.where(enough[:, None] & enough, phi, np.nan)
    if np.isnan(judged).all():
        return "No two genres are common enough to say whether they go together"
    said: list[str] = []
    for place in (int(np.nanargmax(judged)), int(np.nanargmin(judged))):
        row, column = divmod(place, len(names))
        pair = listed(sorted((names[row], names[column])))
        said.append(f"{pair} ({float(phi[row, column]):.2f})".replace("-", "−"))
    return f"{said[0]} go together most; {said[1]} keep apart most"
