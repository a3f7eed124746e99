"""The films of the model that serves, as pages show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matinee.artefact import Artefact
from matinee.data.titles import ARTICLES, names
from matinee.service.pages.stars import Level, levels
from matinee.service.pages.tiles import Tile, tile

KNOWN = 250
"""The most rated films, among which those for a first visit are chosen."""

STARTERS = 120
"""How many are chosen."""

REPEATED = 0.25
"""How much less a film is wanted for each film chosen before that shares a genre."""

FADES = 0.8
"""What is left of that with every further film."""

OBSCURE = 0.75
"""Films with fewer ratings than this times the root of the most are obscure."""

CELL = 80
"""Characters of a title in labels."""


@dataclass(frozen=True, slots=True)
class Film:
    """A film as pages show it.

    Attributes:
        id: Outside id.
        title: Title, its article in front.
        others: Other titles it goes by.
        year: Year, or None.
        genres: Genres.
        tags: Tags.
        count: Number of ratings in the data.
        mean: Their mean, or None.
        tile: Its tile.
    """

    id: str
    title: str
    others: tuple[str, ...]
    year: int | None
    genres: tuple[str, ...]
    tags: tuple[str, ...]
    count: int
    mean: float | None
    tile: Tile

    @property
    def label(self) -> str:
        """The title where it must be short, such as in the name of a button."""
        return self.title if len(self.title) <= CELL else self.title[: CELL - 1].rstrip() + "…"


class Library:
    """Finds films and what is known of them.

    Args:
        artefact: The run that serves.
    """

    def __init__(self, artefact: Artefact) -> None:
        self.artefact = artefact
        self.levels: list[Level] = levels(artefact.history.scale)
        self._films: dict[str, Film] = {}

    def film(self, item: str) -> Film | None:
        """The film of an outside id."""
        known = self._films.get(item)
        if known is None:
            place = self.artefact.catalogue.ids.find(item)
            if place is None:
                return None
            known = self._films[item] = self._film(place)
        return known

    def films(self, items: Iterable[str]) -> list[Film]:
        """The films of these ids that there are."""
        return [film for film in map(self.film, items) if film is not None]

    def search(self, text: str, k: int) -> list[Film]:
        """Films that a text may mean, the best first."""
        ids = self.artefact.catalogue.ids
        return self.films(ids[place] for place in self.artefact.titles.search(text[:200], k))

    @cached_property
    def genres(self) -> list[str]:
        """The genres there are to choose from."""
        return [name for name in self.artefact.catalogue.genres if not name.startswith("(")]

    @cached_property
    def years(self) -> tuple[int, int] | None:
        """The first and last year of the films."""
        years = self.artefact.catalogue.frame["year"].drop_nulls()
        return (int(years.min()), int(years.max())) if len(years) else None  # type: ignore[arg-type]

    @cached_property
    def starters(self) -> list[str]:
        """Films for a first visit: known to many, dividing, and of many genres.

        Picked one by one by known + dividing - alike: the share of the most ratings (on a
        log scale), the share of the largest standard deviation, and a penalty for genres
        picked shortly before.
        """
        known = self.artefact.favour[:KNOWN]
        known = known[self.artefact.item_counts[known] > 0]
        worth = self._fame[known] + self._dividing[known]
        genres = self.artefact.catalogue.genre_matrix[known].astype(np.float32)
        picked: list[int] = []
        before = np.zeros(genres.shape[1], np.float32)
        for _ in range(min(STARTERS, len(known))):
            wanted = worth - REPEATED * (genres @ before)
            wanted[picked] = -np.inf
            picked.append(int(wanted.argmax()))
            before = FADES * before + genres[picked[-1]]
        return [self.artefact.catalogue.ids[int(known[place])] for place in picked]

    def obscure(self, film: Film) -> bool:
        """Whether so few have rated a film that what it is like was learned from chance."""
        most = self.artefact.item_counts.max(initial=0)
        return bool(film.count < OBSCURE * np.sqrt(most))

    def spread(self, item: str) -> list[tuple[Level, int]]:
        """How many ratings of a film there are of each level; empty where there are none."""
        place = self.artefact.catalogue.ids.find(item)
        history = self.artefact.history
        if place is None or not history.explicit or len(self.levels) == 1:
            return []
        given = history.ratings[self._rows_of(place)]
        values = np.array([float(level.value) for level in self.levels])
        nearest = np.abs(given[:, None] - values).argmin(axis=1)
        counts = np.bincount(nearest, minlength=len(values)).tolist()
        return list(zip(self.levels, counts, strict=True)) if len(given) else []

    @cached_property
    def _fame(self) -> NDArray[np.float64]:
        counts = np.log1p(self.artefact.item_counts)
        return counts / max(float(counts.max(initial=0)), 1.0)

    @cached_property
    def _dividing(self) -> NDArray[np.float64]:
        """Standard deviation of each film's ratings, as a share of the largest of known ones."""
        history, n = self.artefact.history, self.artefact.history.n_items
        counts = np.maximum(history.item_counts, 1)
        sums = np.bincount(history.items, weights=history.ratings, minlength=n)
        squares = np.bincount(history.items, weights=history.ratings**2, minlength=n)
        spread = np.sqrt(np.maximum(squares / counts - (sums / counts) ** 2, 0))
        return spread / max(float(spread[self.artefact.favour[:KNOWN]].max(initial=0)), 1e-9)

    @cached_property
    def _by_film(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self.artefact.history.items, kind="stable")
        return order, np.concatenate([[0], np.cumsum(self.artefact.history.item_counts)])

    def _rows_of(self, place: int) -> NDArray[np.int64]:
        order, offsets = self._by_film
        return order[offsets[place] : offsets[place + 1]]

    def _film(self, place: int) -> Film:
        row = self.artefact.catalogue.frame.row(place, named=True)
        first, *others = names(row["title"])
        genres = tuple(name for name in row["genres"] if not name.startswith("("))
        mean = float(self.artefact.item_means[place])
        title = article_first(first)
        return Film(
            id=row["id"],
            title=title,
            others=tuple(article_first(other) for other in others if other),
            year=row["year"],
            genres=genres,
            tags=tuple(row["tags"]),
            count=int(self.artefact.item_counts[place]),
            mean=None if np.isnan(mean) or not self.artefact.facts.data.explicit else mean,
            tile=tile(row["id"], title, row["year"], genres),
        )


def article_first(title: str) -> str:
    """'Matrix, The' as 'The Matrix'; a title that is blank as a dash."""
    head, comma, last = title.strip().rpartition(", ")
    if comma and last.casefold().rstrip("'’") in ARTICLES:
        title = f"{last}{head}" if last.endswith(("'", "’")) else f"{last} {head}"
    return title.strip() or "-"
