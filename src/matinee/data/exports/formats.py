"""What each site's export looks like: its columns and its scale.

Letterboxd: https://letterboxd.com/settings/data/ ; IMDb: 'Export' on the page of one's
ratings, of 2024 and of before 2017; Criticker: 'Export your ratings', CSV or XML; MovieLens:
'Export ratings' among the settings. Columns are compared by `columns.plain`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from matinee.errors import DataError, unknown

AUTO = "auto"
"""Find out which site's export it is."""

Scale = tuple[float, float]


@dataclass(frozen=True)
class Format:
    """One site's export.

    Attributes:
        name: What people call it.
        marks: The columns it is known by.
        ratings: Columns with the rating, the best first, and the scale of each; None for
            that of the data.
        columns: Role to the names its column goes by, the best first. The roles are those of
            `Entry`, and `type`: whether it is a film.
    """

    name: str
    marks: frozenset[str]
    ratings: Mapping[str, Scale | None]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def rating_column(self, columns: Iterable[str]) -> str | None:
        """The best column with a rating among those that there are, or None."""
        there = set(columns)
        return next((name for name in self.ratings if name in there), None)

    def value(self, row: Mapping[str, str], role: str) -> str:
        """What a row says in a role; nothing where it says nothing."""
        return _first(row, self.columns.get(role, ()))

    def rating(self, row: Mapping[str, str], scale: Scale | None) -> str:
        """The rating a row has on a scale, as written; nothing where it has none."""
        return _first(row, [name for name, given in self.ratings.items() if given == scale])


def _first(row: Mapping[str, str], names: Iterable[str]) -> str:
    return next((row[name] for name in names if row.get(name, "").strip()), "")


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "letterboxd": Format(
            "Letterboxd",
            frozenset({"name", "letterboxduri"}),
            {"rating": (0.5, 5.0)},
            {"title": ("name",), "year": ("year",), "time": ("watcheddate", "date")},
        ),
        "imdb": Format(
            "IMDb",
            frozenset({"const", "title"}),
            {"yourrating": (1.0, 10.0), "yourated": (1.0, 10.0)},
            {
                "title": ("title",),
                "original": ("originaltitle",),
                "year": ("year",),
                "time": ("daterated", "created"),
                "imdb_id": ("const",),
                "type": ("titletype",),
            },
        ),
        "criticker": Format(
            "Criticker",
            frozenset({"filmname"}),
            {"score": (0.0, 100.0), "rating": (0.0, 100.0), "tier": (1.0, 10.0)},
            {
                "title": ("filmname",),
                "year": ("year",),
                "time": ("reviewdate", "daterated", "date"),
                "imdb_id": ("imdbid",),
            },
        ),
        "movielens": Format(
            "MovieLens",
            frozenset({"movieid", "imdbid", "tmdbid", "rating", "title"}),
            {"rating": (0.5, 5.0)},
            {"title": ("title",), "imdb_id": ("imdbid",), "item_id": ("movieid",)},
        ),
        "plain": Format(
            "plain",
            frozenset(),
            {"rating": None, "stars": None, "score": None},
            {
                "title": ("title", "name", "film", "movie", "item", "id"),
                "year": ("year",),
                "time": ("timestamp", "time", "date"),
                "imdb_id": ("imdbid",),
                "item_id": ("item", "id"),
            },
        ),
    }
)
"""Every format by its outward name, the telling ones first. `plain` is anyone's table with a
title or id and a rating, on the scale of the data; Matinee writes it too."""

KINDS = (AUTO, *FORMATS)
"""What an export may be said to be."""

NO_FILMS = frozenset({
    "tvseries", "tvminiseries", "tvepisode", "miniseries", "episode", "series", "videogame",
    "podcastseries", "podcastepisode", "musicvideo",
})  # fmt: skip
"""IMDb's types of titles that are no films, in all its spellings."""


def recognise(columns: Iterable[str], kind: str, where: str) -> str:
    """Which format a table has.

    Args:
        columns: Its columns, as `columns.plain` gives them.
        kind: What it is said to be, or `auto`.
        where: The file, named in errors.

    Returns:
        A key of `FORMATS`.

    Raises:
        UnknownName: If there is no such kind.
        DataError: If the table does not have the columns.
    """
    if kind not in KINDS:
        raise unknown("kind of export", kind, KINDS, where="--from")
    there = set(columns)
    for known in FORMATS if kind == AUTO else (kind,):
        if fits(FORMATS[known], there):
            return known
    shown = ", ".join(sorted(there)[:12]) or "nothing"
    wanted = "an export of " + ", ".join(f.name for f in FORMATS.values() if f.marks)
    raise DataError(
        f"these are not the columns of {wanted if kind == AUTO else _columns_of(kind)}: {shown}",
        where=where,
        expected="title and rating, or " + wanted if kind == AUTO else None,
        remedy=None if kind == AUTO else f"Say {AUTO!r} to have the format found.",
    )


def fits(known: Format, columns: set[str]) -> bool:
    """Whether a table with these columns has the format."""
    titled = any(name in columns for name in known.columns["title"])
    return known.marks <= columns and titled and known.rating_column(columns) is not None


def _columns_of(kind: str) -> str:
    known = FORMATS[kind]
    needed = ", ".join(sorted(known.marks | {next(iter(known.ratings))}))
    article = "an" if known.name[0] in "AEIO" else "a"
    return f"{article} {known.name} export ({needed})"
