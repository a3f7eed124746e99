"""What comes out: lists of films, as frozen types and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reason:
    """A liked film that speaks for a recommended one.

    Attributes:
        title: The liked film.
        weight: Its share, in 0..1, of what all liked films together add to the score.
    """

    title: str
    weight: float


@dataclass(frozen=True, slots=True)
class Recommended:
    """A film in a list.

    Attributes:
        id: Outside id.
        title: Title without the year.
        year: Year, or None where unknown.
        genres: Genres.
        score: What the list is ordered by; comparable within the list only.
        stars: Expected rating on the scale of the data, where the model predicts ratings.
        because: Up to three reasons, weightiest first; None if they were not asked for.
    """

    id: str
    title: str
    year: int | None
    genres: tuple[str, ...]
    score: float
    stars: float | None = None
    because: tuple[Reason, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The outward JSON form; what is unknown or was not asked for is left out."""
        document: dict[str, Any] = {
            "id": self.id,
            "title": self.title,
            "year": self.year,
            "genres": list(self.genres),
            "score": self.score,
        }
        if self.stars is not None:
            document["stars"] = self.stars
        if self.because is not None:
            document["because"] = [
                {"title": reason.title, "weight": reason.weight} for reason in self.because
            ]
        return document


@dataclass(frozen=True, slots=True)
class Recommendations:
    """A list of films, best first.

    Attributes:
        run: The run folder it comes from.
        model: The model's name.
        fallback: Whether the model could not tell, so that the list is of what is popular
            (or, for similar films, of what shares genres).
        items: The films.
    """

    run: str
    model: str
    fallback: bool
    items: tuple[Recommended, ...]

    def as_dict(self) -> dict[str, Any]:
        """The outward JSON form."""
        return {
            "run": self.run,
            "model": self.model,
            "fallback": self.fallback,
            "items": [item.as_dict() for item in self.items],
        }
