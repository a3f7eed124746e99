"""The rows of the first page: what to ask the model for someone, and under which heading."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from matinee.recommendation import Ask, Reason
from matinee.service.pages.library import Film, Library
from matinee.service.pages.visit import Visit

SHOWN, ASKED = 14, 40
"""Films in a row, and how many are asked for so that none stands in two rows."""

FEW = 4
"""A row of fewer films is left out."""

LIKED = 2
"""How many liked films get a row of their own."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A film with what the model says of it.

    Attributes:
        film: The film.
        stars: Expected stars, or None where the model does not predict any.
        because: The reasons, if they were asked for.
    """

    film: Film
    stars: float | None = None
    because: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A heading and its films.

    Attributes:
        name: Names the row in the page.
        title: The heading.
        about: A sentence below it, or nothing.
        shown: The films.
        more: A page with more of them, or nothing.
    """

    name: str
    title: str
    about: str
    shown: tuple[Suggestion, ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Taste:
    """What someone's ratings say of them.

    Attributes:
        liked: Films rated above the middle of the scale, best and latest first.
        genres: Genres among these, most first.
        decades: Decades among these, most first.
        met: All genres of films rated.
    """

    liked: tuple[Film, ...]
    genres: tuple[str, ...]
    decades: tuple[int, ...]
    met: frozenset[str]


def taste(visit: Visit) -> Taste:
    """Someone's taste by their ratings."""
    scale = visit.library.artefact.history.scale
    middle = (scale.low + scale.high) / 2
    given = sorted(visit.ratings.values(), key=lambda r: (-r.rating, -r.time, r.item))
    liked = visit.library.films(r.item for r in given if r.rating > middle or scale.low == middle)
    genres = Counter(genre for film in liked for genre in film.genres)
    decades = Counter(film.year // 10 * 10 for film in liked if film.year)
    met = Counter(g for film in visit.library.films(visit.ratings) for g in film.genres)
    common = {genre for genre, count in met.items() if count > len(visit.ratings) / 50}
    return Taste(
        tuple(liked),
        tuple(genre for genre, _ in genres.most_common()),
        tuple(decade for decade, _ in decades.most_common()),
        frozenset(common),
    )


async def rows(visit: Visit) -> list[Row]:
    """All rows for someone, asked for at once; no film stands in two of them."""
    plans = _plans(visit.library, taste(visit))
    found = await asyncio.gather(*(plan.films(visit) for plan in plans))
    taken: set[str] = set()
    made: list[Row] = []
    for plan, films in zip(plans, found, strict=True):
        new = tuple(s for s in films if s.film.id not in taken)[:SHOWN]
        if len(new) >= FEW:
            taken |= {s.film.id for s in new}
            made.append(Row(plan.name, plan.title, plan.about, new, plan.more))
    return made


async def suggestions(visit: Visit, ask: Ask) -> tuple[list[Suggestion], bool]:
    """The films for someone, and whether they are but popular ones."""
    answer = await visit.site.service.recommend(
        ask, person=visit.session.person, record=visit.record
    )
    listed = answer.recommendations
    films = {film.id: film for film in visit.library.films(f.id for f in listed.items)}
    shown = [
        Suggestion(films[item.id], item.stars, item.because or ())
        for item in listed.items
        if item.id in films
    ]
    return shown, listed.fallback


async def similar(visit: Visit, item: str, k: int) -> list[Suggestion]:
    """Films like a film that the person has not put aside."""
    answer = await visit.site.service.similar(item, 10 * k + len(visit.ratings))
    films = visit.library.films(
        f.id for f in answer.recommendations.items if not put_aside(visit, f.id)
    )
    films.sort(key=visit.library.obscure)  # and otherwise as they are
    return await with_stars(visit, films[:k])


async def with_stars(visit: Visit, films: Sequence[Film]) -> list[Suggestion]:
    """Films with the stars expected of them, all in one question."""
    person = visit.session.person if visit.ratings else None
    stars: Mapping[str, float] = {}
    if person is not None and films:
        listed = [film.id for film in films]
        stars = await visit.site.service.predict(person, listed, record=visit.record)
    return [Suggestion(film, stars.get(film.id)) for film in films]


def put_aside(visit: Visit, item: str) -> bool:
    """Whether someone has rated or seen a film, or does not want it."""
    return item in visit.ratings or bool(visit.marks.get(item, set()) - {"watchlist"})


@dataclass(frozen=True, slots=True)
class _Plan:
    """A row to ask for: films like `like`, or those that fit `ask`."""

    name: str
    title: str
    about: str = ""
    ask: Ask | None = None
    like: str = ""
    more: str = ""

    async def films(self, visit: Visit) -> list[Suggestion]:
        if self.ask is None:
            return await similar(visit, self.like, ASKED)
        return (await suggestions(visit, self.ask))[0]


def _plans(library: Library, known: Taste) -> list[_Plan]:
    everything = Ask(k=ASKED, because=True)
    return [
        _Plan("you", "For you", "What we would show you next.", everything, more="/?k=48"),
        *_liked(known),
        *_new(library, known),
        *_decades(known),
        *_genres(known),
    ]


def _liked(known: Taste) -> Iterable[_Plan]:
    for film in known.liked[:LIKED]:
        title = f"Because you liked {film.label}"
        yield _Plan(f"like-{film.id}", title, "Films that go with it.", like=film.id)


def _new(library: Library, known: Taste) -> Iterable[_Plan]:
    genres = tuple(genre for genre in library.genres if genre not in known.met)
    if genres and known.met:
        about = "Kinds of film you have rated few of."
        yield _Plan("new", "New to you", about, Ask(k=ASKED, genres=genres))


def _decades(known: Taste) -> Iterable[_Plan]:
    for decade in known.decades[:1]:
        years = (decade, decade + 9)
        yield _Plan(
            f"from-{decade}",
            f"From {decade}-{decade + 9}".replace("-", "\N{EN DASH}"),
            "The years most of your favourites come from.",
            Ask(k=ASKED, years=years),
            more=f"/?from={decade}&to={decade + 9}",
        )


def _genres(known: Taste) -> Iterable[_Plan]:
    for genre in known.genres[:2]:
        ask = Ask(k=ASKED, genres=(genre,))
        yield _Plan(f"genre-{genre}", genre, "", ask, more=f"/?genre={genre}")
