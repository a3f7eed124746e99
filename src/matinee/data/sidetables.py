"""Tables about films and people, from anyone's files."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from matinee.data.catalogue import SCHEMA
from matinee.data.columns import ITEM_ROLES, PERSON_ROLES, guess
from matinee.data.tables import read_all
from matinee.errors import DataError

_YEAR = re.compile(r"^(.*?)\s*\(((?:18|19|20)\d\d)(?:\s*[-–]\s*(?:\d{4})?\s*)?\)\s*$")
_ARTICLE = re.compile(
    r"^(.+), (The|the|A|An|L'|Le|La|Les|Un|Une|El|Los|Las|Una|Il|Lo|Gli|I|Der|Die|Das|Ein|Eine"
    r"|De|Het|Den|Det|En|Ett|O|Os|As)$"
)
_IN_BRACKETS = re.compile(r"\(([^()]*)\)")
_NO_GENRE = ["", "(no genres listed)", "unknown"]
_SAME_GENRE = {"Children's": "Children"}


def split_title(text: str) -> tuple[str, int | None]:
    """A listed title as title and year: 'Matrix, The (1999)' is ('The Matrix', 1999)."""
    text = text.strip()
    dated = _YEAR.match(text)
    if dated and dated[1]:
        return _reordered(dated[1]), int(dated[2])
    return _reordered(text), None


def _reordered(title: str) -> str:
    """The title with its article in front, and those of other titles in brackets."""
    head, bracket, tail = title.partition(" (")
    if not bracket:
        return _article_first(title)
    others = _IN_BRACKETS.sub(lambda m: f"({_article_first(m[1].strip())})", bracket + tail)
    return _article_first(head) + others


def _article_first(title: str) -> str:
    found = _ARTICLE.match(title)
    if not found:
        return title
    article = found[2][0].upper() + found[2][1:]
    return f"{article}{'' if article.endswith(chr(39)) else ' '}{found[1]}"


def clean_genres(genres: pl.Series) -> pl.Series:
    """Lists of genres without placeholders and second spellings of the same."""
    one = pl.element()
    named = one.filter(~one.str.to_lowercase().is_in(_NO_GENRE)).replace(_SAME_GENRE)
    return genres.list.eval(named).list.unique(maintain_order=True)


def read_items(path: Path) -> pl.DataFrame:
    """A film table: `id`, `title`, `year`, `genres`, `tags`, then free columns.

    Genres and tags are lists, or text separated by `|`, `;` or `,`. A year at the end of a
    title moves to `year`. Of rows with one id the first counts; rows without are left out.

    Raises:
        DataError: If there is no column with the films' ids.
    """
    return item_frame(read_all(path), str(path))


def item_frame(table: pl.DataFrame, where: str) -> pl.DataFrame:
    """A raw table as a film table; see `read_items`."""
    names = [name for name in table.columns if name != "line"]
    found = {role: names[place] for role, place in guess(names, ITEM_ROLES).items()}
    columns = {"id": _ids(table, found, where)}
    if "title" in found:
        pairs = [split_title(t or "") for t in table[found["title"]].cast(pl.String)]
        columns["title"] = pl.Series([t or None for t, _ in pairs], dtype=pl.String())
        columns["year"] = pl.Series([y for _, y in pairs], dtype=pl.Int32())
    if "year" in found:
        columns |= _with_years(columns, table, found)
    for role in ("genres", "tags"):
        if role in found:
            lists = _lists(table[found[role]])
            columns[role] = clean_genres(lists) if role == "genres" else lists
    free = [name for name in names if name not in found.values() and name not in columns]
    frame = pl.DataFrame([s.alias(name) for name, s in columns.items()])
    return _one_each(frame.hstack(table.select(free)))


def _with_years(
    columns: dict[str, pl.Series], table: pl.DataFrame, found: dict[str, str]
) -> dict[str, pl.Series]:
    """The stated years; a year in a title that differs from the stated one stays in the title."""
    years = table[found["year"]].cast(pl.String).str.extract(r"(\d{4})").cast(pl.Int32)
    if "title" not in columns:
        return {"year": years}
    differs = (columns["year"] != years).fill_null(value=False)
    listed = table[found["title"]].cast(pl.String)
    return {
        "title": listed.zip_with(differs, columns["title"]),
        "year": years.zip_with(years.is_not_null(), columns["year"]),
    }


def titles_from_ids(ids: pl.Series) -> pl.DataFrame:
    """A film table of which only the ids are known; an id may be a title with its year."""
    pairs = [split_title(outside) for outside in ids]
    years = pl.Series([year for _, year in pairs], dtype=pl.Int32())
    return pl.DataFrame({"id": ids, "title": [title for title, _ in pairs], "year": years})


def _one_each(frame: pl.DataFrame) -> pl.DataFrame:
    known = frame.filter(pl.col("id").is_not_null() & (pl.col("id") != ""))
    return known.unique("id", keep="first", maintain_order=True)


def _ids(table: pl.DataFrame, found: dict[str, str], where: str) -> pl.Series:
    if "id" not in found:
        raise DataError(
            "no column for the ids among " + ", ".join(table.columns[1:]),
            where=where,
            expected="a name such as movieId, userId or id",
        )
    return table[found["id"]].cast(pl.String).str.strip_chars()


def _lists(column: pl.Series) -> pl.Series:
    """A column of lists of text, from such lists or from separated text."""
    if isinstance(column.dtype, pl.List):
        return column.cast(SCHEMA["tags"])
    texts = column.cast(pl.String).fill_null("")
    separator = next((s for s in "|;" if texts.str.contains(s, literal=True).any()), ",")
    one = pl.element().str.strip_chars()
    return texts.str.split(separator).list.eval(one.filter(one != ""))


def read_people(path: Path) -> pl.DataFrame:
    """A table of people: `id`, then free columns. Of rows with one id the first counts.

    Raises:
        DataError: If there is no column with the people's ids.
    """
    return person_frame(read_all(path), str(path))


def person_frame(table: pl.DataFrame, where: str) -> pl.DataFrame:
    """A raw table as a table of people; see `read_people`."""
    names = [name for name in table.columns if name != "line"]
    found = {role: names[place] for role, place in guess(names, PERSON_ROLES).items()}
    ids = _ids(table, found, where).alias("id")
    free = [name for name in names if name not in (found["id"], "id")]
    return _one_each(pl.DataFrame([ids]).hstack(table.select(free)))
