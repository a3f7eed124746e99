"""What an export holds, and what became of its rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """How large an export may be; the files come from strangers.

    Attributes:
        file_bytes: Bytes of the file as it comes.
        unpacked_bytes: Bytes of each table in a zip file, once unpacked.
        members: Files in a zip file.
        rows: Rows of all tables together.
    """

    file_bytes: int = 32 << 20
    unpacked_bytes: int = 64 << 20
    members: int = 2_000
    rows: int = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A rated film, as the export has it.

    Attributes:
        file: The table it is in.
        line: The line on which its row begins, from 1; in JSON the number of the row.
        title: Title, exactly as written.
        rating: Rating, on the scale of the export.
        year: Year, or None.
        time: Unix seconds, or None.
        original: The title in the film's own language, or nothing.
        imdb_id: IMDb's number as text, at least seven digits, or nothing.
        item_id: An id that may be the catalogue's, or nothing.
    """

    file: str
    line: int
    title: str
    rating: float
    year: int | None = None
    time: int | None = None
    original: str = ""
    imdb_id: str = ""
    item_id: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that did not become a rating.

    Attributes:
        file: The table it is in.
        line: As in `Entry`.
        title: Title, exactly as written.
        year: Year, or None.
        reason: Why, one of a few.
        nearest: The film that comes nearest, if there is one.
    """

    file: str
    line: int
    title: str
    year: int | None
    reason: str
    nearest: str | None = None

    @property
    def label(self) -> str:
        """Title and year on one line, not too long."""
        title = " ".join("".join(c if c.isprintable() else " " for c in self.title).split())
        title = title if len(title) <= 80 else title[:79] + "…"
        return title if self.year is None else f"{title} ({self.year})"

    @property
    def what(self) -> str:
        """The row and why it was left out, in words."""
        told = f"{self.label}: {self.reason}"
        return told if self.nearest is None else f"{told}; the nearest is {self.nearest}"


@dataclass(frozen=True, slots=True)
class Export:
    """The rows of an export: each is an entry or left out.

    Attributes:
        kind: Which site's it is, a key of `FORMATS`.
        entries: The rated films, in the order of the file.
        left_out: The other rows.
        scale: Lowest and highest rating of the site; None if they are those of the data.
    """

    kind: str
    entries: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...]
    scale: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Matched:
    """A person's ratings of films of a catalogue, oldest first.

    Attributes:
        kind: Which site's the export is.
        items: `[n]` outside ids of the films, each once.
        ratings: `[n]` ratings on the scale of the data.
        times: `[n]` Unix seconds, or None where the export has none.
        left_out: All other rows, in the order of the file.
    """

    kind: str
    items: tuple[str, ...]
    ratings: tuple[float, ...]
    times: tuple[int | None, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def rows(self) -> int:
        """How many rows the export has."""
        return len(self.items) + len(self.left_out)

    @property
    def stars(self) -> dict[str, float]:
        """The ratings as `recommend` takes them, by `id:` and outside id."""
        return {f"id:{item}": stars for item, stars in zip(self.items, self.ratings, strict=True)}

    @property
    def dropped(self) -> dict[str, int]:
        """How many rows were left out for each reason, most first."""
        return dict(Counter(row.reason for row in self.left_out).most_common())

    def as_dict(self) -> dict[str, Any]:
        """The outward JSON form: that of `data check`, with titles and nearest films."""
        return {
            "kind": self.kind,
            "rows_in": self.rows,
            "rows_kept": len(self.items),
            "dropped": self.dropped,
            "warnings": [
                {
                    "file": row.file,
                    "line": row.line,
                    "what": row.what,
                    "title": row.title,
                    "year": row.year,
                    "nearest": row.nearest,
                }
                for row in self.left_out
            ],
        }
