"""The tables of `matinee data describe`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matinee.cli.console import escape, table


def parts(told: Mapping[str, Any]) -> list[Any]:
    """What `matinee.data.summary.describe` found, as tables."""
    shown: list[Any] = [table(("", "number"), _sizes(told))]
    if told["first"] is not None:
        shown.append(f"rated from {told['first']} to {told['last']}")
    shown += ["", _activity(told)]
    if told["ratings_by_stars"]:
        total = told["ratings"]
        rows = [
            (stars, f"{count:,}", f"{100 * count / total:.1f}")
            for stars, count in told["ratings_by_stars"].items()
        ]
        shown += ["", table(("stars", "ratings", "%"), rows)]
    if told["genres"]:
        rows = [(escape(name), f"{count:,}") for name, count in told["genres"].items()]
        shown += ["", table(("genre", "films"), rows)]
    if told["most_rated"]:
        shown += [
            "",
            table(("most rated", "ratings"), [_film(film) for film in told["most_rated"]]),
        ]
    return shown


def _sizes(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("people", f"{told['people']:,}"),
        ("films", f"{told['films']:,}"),
        ("films with ratings", f"{told['films_rated']:,}"),
        ("ratings", f"{told['ratings']:,}"),
        ("pairs that are rated, %", f"{100 * told['density']:.2f}"),
    ]
    if told["mean_rating"] is not None:
        rows.append(("mean rating", f"{told['mean_rating']:.2f}"))
    return rows


def _activity(told: Mapping[str, Any]) -> Any:
    columns = ("ratings of each", "least", "lower quarter", "half", "upper quarter", "most")
    rows = [
        [name, *(f"{value:,.0f}" for value in told[key].values())]
        for name, key in (("person", "ratings_per_person"), ("film", "ratings_per_film"))
    ]
    return table(columns, rows)


def _film(film: Mapping[str, Any]) -> tuple[str, str]:
    year = f" ({film['year']})" if film["year"] is not None else ""
    return escape(film["title"] + year), f"{film['ratings']:,}"
