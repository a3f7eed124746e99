"""Sentences of the pages that depend on what is known."""

from __future__ import annotations

from collections.abc import Sequence

from matinee.exhibits.words import listed
from matinee.recommendation import Reason
from matinee.service.pages.library import CELL, Film, article_first
from matinee.service.pages.stars import said


def because(reasons: Sequence[Reason]) -> str:
    """'Because you liked Heat and Collateral', or nothing."""
    if not reasons:
        return ""
    titles = [article_first(reason.title)[:CELL] for reason in reasons]
    return f"Because you liked {listed(titles)}"


def worth(stars: float | None, film: Film) -> str:
    """'About 4.2 for you; 3.8 on average', as far as it is known."""
    parts = [] if stars is None else [f"about {stars:.1f} for you"]
    if film.mean is not None:
        parts.append(f"{film.mean:.1f} on average")
    sentence = "; ".join(parts)
    return sentence[:1].upper() + sentence[1:]


def rated(film: Film, rating: float | None, before: float | None) -> str:
    """What happened to a rating."""
    if rating is None:
        return f"Your rating of {film.label} is gone."
    how = "Saved" if before is None else f"Changed from {said(before)}"
    return f"{how}: {said(rating)} for {film.label}."


MARKED = {
    "watchlist": "{} is on your watchlist.",
    "seen": "{} counts as seen and will not be suggested.",
    "not_interested": "{} will not be suggested again.",
}
"""What is said when a mark is made, by its kind."""

UNMARKED = {
    "watchlist": "{} is off your watchlist.",
    "seen": "{} no longer counts as seen.",
    "not_interested": "{} may be suggested again.",
}
"""And when it is taken away."""
