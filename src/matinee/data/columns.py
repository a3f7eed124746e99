"""Which column of a table is what: by its name, else by its place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from matinee.errors import ConfigError, DataError, suggestion

RATING_ROLES: dict[str, tuple[str, ...]] = {
    "user": ("user", "userid", "uid", "member", "memberid", "person", "personid", "people",
             "customer", "customerid", "reviewer", "reviewerid", "username"),
    "item": ("item", "itemid", "iid", "movie", "movieid", "mid", "film", "filmid", "title",
             "name", "product", "productid"),
    "rating": ("rating", "ratings", "score", "stars", "overall", "grade"),
    "time": ("timestamp", "time", "date", "datetime", "ratedat", "unixreviewtime", "watcheddate"),
}  # fmt: skip
"""The columns of a table of ratings, and the names they go by, the likelier first."""

ITEM_ROLES: dict[str, tuple[str, ...]] = {
    "id": ("movieid", "itemid", "filmid", "movie", "item", "film", "iid", "mid", "id"),
    "title": ("title", "name", "movietitle", "filmtitle", "movie", "film"),
    "year": ("year", "releaseyear", "released", "release"),
    "genres": ("genres", "genre", "categories", "category"),
    "tags": ("tags", "tag", "keywords"),
}
"""The columns of a film table; all but the id may be missing, and others are free."""

PERSON_ROLES: dict[str, tuple[str, ...]] = {
    "id": ("userid", "user", "uid", "memberid", "member", "personid", "person", "id"),
}
"""The columns of a table of people; all but the id are free."""

_BY_PLACE: tuple[str, ...] = ("user", "item", "rating", "time")


def plain(name: str) -> str:
    """A column's name without case, blanks and signs: `User_ID` is `userid`."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def place_names(width: int) -> list[str]:
    """The names of columns in a table without a header: `column_1`, `column_2`, ..."""
    return [f"column_{i + 1}" for i in range(width)]


def guess(names: Sequence[str], roles: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """The place of each role's column, as far as the names tell; no column has two roles."""
    known = [plain(name) for name in names]
    found: dict[str, int] = {}
    for role, spellings in roles.items():
        for spelling in spellings:
            if spelling in known and known.index(spelling) not in found.values():
                found[role] = known.index(spelling)
                break
    return found


def has_header(first: Sequence[str], overrides: Mapping[str, str]) -> bool:
    """Whether a table's first row names its columns."""
    if set(overrides.values()) & set(first):
        return True
    names = {plain(field) for field in first}
    known = {s for r in (RATING_ROLES, ITEM_ROLES, PERSON_ROLES) for ss in r.values() for s in ss}
    return bool(names & known) or not any(is_number(field) for field in first)


def is_number(field: str) -> bool:
    """Whether a field is a plain number."""
    return re.fullmatch(r"\s*[-+]?\d+([.,]\d+)?\s*", field) is not None


def rating_columns(
    names: Sequence[str], sample: Sequence[str], overrides: Mapping[str, str], where: str
) -> dict[str, int]:
    """The places of user, item and, where there are any, rating and time.

    Args:
        names: The columns' names; `place_names` where the table has no header.
        sample: The fields of the first row of data.
        overrides: Role to column name, where the guess would be wrong.
        where: The file, named in errors.

    Raises:
        ConfigError: If an override names a role or a column that is not there.
        DataError: If users or films cannot be found.
    """
    headless = list(names) == place_names(len(names))
    found = _by_place(sample) if headless else guess(names, RATING_ROLES)
    for role, name in overrides.items():
        _check_override(role, name, names, where)
        place = list(names).index(name)
        found = {r: p for r, p in found.items() if p != place} | {role: place}
    missing = [role for role in ("user", "item") if role not in found]
    if missing:
        raise DataError(
            f"no column for {' and '.join(missing)} among " + ", ".join(names),
            where=where,
            expected="names such as userId, movieId, rating, timestamp",
            remedy=f"Say which it is, as in columns={{'{missing[0]}': '{names[0]}'}}",
        )
    return found


def _by_place(sample: Sequence[str]) -> dict[str, int]:
    found = dict(zip(_BY_PLACE, range(len(sample)), strict=False))
    third = sample[2].strip() if len(sample) == 3 else ""
    if third.isdigit() and int(third) > 10**8:
        found["time"] = found.pop("rating")
    return found


def _check_override(role: str, name: str, names: Sequence[str], where: str) -> None:
    if role not in RATING_ROLES:
        raise ConfigError(
            f"a table of ratings has no {role!r}",
            where="columns",
            expected="one of " + ", ".join(RATING_ROLES),
            remedy=suggestion(role, RATING_ROLES),
        )
    if name not in names:
        raise ConfigError(
            f"there is no column {name!r}",
            where=where,
            expected="one of " + ", ".join(names),
            remedy=suggestion(name, names),
        )
