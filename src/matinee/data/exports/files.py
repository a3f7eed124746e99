"""From the bytes of an export to tables: CSV, XML or JSON, as it is or in a zip file.

The bytes come from strangers: nothing is written to disk, and every size is bounded.
"""

from __future__ import annotations

import csv
import io
import json
import lzma
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NoReturn
from xml.parsers import expat

from matinee.data.columns import plain
from matinee.data.exports.cells import unguarded
from matinee.data.exports.types import Limits
from matinee.data.textfiles import encoding_of
from matinee.errors import DataError

Row = tuple[int, Mapping[str, str] | None]
"""The line a row begins on, and its fields by `columns.plain`; None if they are too many or
too few."""

RATED, SEEN = "ratings.csv", "watched.csv"
"""The tables of Letterboxd's zip file that are read; the others repeat them."""

_BEGINNING = 1024

_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
    EOFError, NotImplementedError, OSError, RuntimeError, ValueError,
)  # fmt: skip
"""What `zipfile` raises on damaged, encrypted or strangely packed files."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of an export.

    Attributes:
        file: Its name, for messages.
        columns: Its columns, as `columns.plain` gives them.
        rows: Its rows.
    """

    file: str
    columns: list[str]
    rows: list[Row]

    @property
    def is_of_seen_films(self) -> bool:
        """Whether it is the list of films seen, rated or not, of a zip file."""
        return PurePosixPath(self.file).name == SEEN


def tables(content: bytes, name: str, limits: Limits) -> list[Table]:
    """The tables of an export.

    Args:
        content: The file.
        name: What to call it in messages.
        limits: How large it may be.

    Raises:
        DataError: If it is too large, damaged, or no table at all.
    """
    if len(content) > limits.file_bytes:
        raise too_large(name, limits)
    parts = {name: content}
    if content.startswith(b"PK\x03\x04"):
        parts = _unpacked(content, name, limits)
    made: list[Table] = []
    room = limits.rows
    for file, part in parts.items():
        made.append(_table(part, file, room, limits))
        room -= len(made[-1].rows)
    return made


def too_large(name: str, limits: Limits) -> DataError:
    """The error for a file over the limit."""
    return DataError(
        "the file is too large for an export",
        where=name,
        expected=f"{limits.file_bytes:,} bytes at most",
    )


def _unpacked(content: bytes, name: str, limits: Limits) -> dict[str, bytes]:
    """The tables to read of a zip file, those with ratings first."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            members = packed.infolist()
            if len(members) > limits.members:
                _refuse(name, f"it holds {len(members):,} files, more than {limits.members:,}")
            chosen = _chosen(members, name)
            return {f"{name}/{m.filename}": _member(packed, m, name, limits) for m in chosen}
    except _DAMAGE as error:
        raise DataError(f"the zip file cannot be read: {error}", where=name) from None


def _chosen(members: list[zipfile.ZipInfo], name: str) -> list[zipfile.ZipInfo]:
    """`ratings.csv` and `watched.csv` at the top or in the only folder, else the only table."""
    paths = [(m, PurePosixPath(m.filename).parts) for m in members if not m.is_dir()]
    paths = [(m, parts) for m, parts in paths if parts and parts[0] != "__MACOSX"]
    in_one_folder = len({parts[0] for _, parts in paths}) == 1
    depth = 2 if in_one_folder and all(len(parts) > 1 for _, parts in paths) else 1
    shallow = [m for m, parts in paths if len(parts) == depth]
    for wanted in (RATED, None):
        found = [m for m in shallow if _is_called(m, wanted)]
        if len(found) == 1:
            return found + ([m for m in shallow if _is_called(m, SEEN)] if wanted else [])
    raise DataError(f"the zip file has no {RATED}", where=name, expected="a site's export")


def _is_called(member: zipfile.ZipInfo, wanted: str | None) -> bool:
    called = PurePosixPath(member.filename).name.casefold()
    return called == wanted if wanted else called.endswith((".csv", ".xml", ".json"))


def _member(packed: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, limits: Limits) -> bytes:
    if member.file_size > limits.unpacked_bytes:
        _refuse(name, f"{member.filename} would unpack to {member.file_size:,} bytes")
    with packed.open(member) as source:  # which stops at the size that was just checked
        return source.read(limits.unpacked_bytes)


def _refuse(name: str, why: str) -> NoReturn:
    raise DataError(f"refused to unpack: {why}", where=name, expected="a site's export")


def _table(content: bytes, file: str, room: int, limits: Limits) -> Table:
    head = content[:_BEGINNING].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head:
        raise DataError("the file is empty", where=file)
    read = _read_csv
    if head.startswith(b"<"):
        read = _read_xml
    elif head.startswith((b"{", b"[")):
        read = _read_json
    rows: list[Row] = []
    columns, found = read(content, file)
    for row in found:
        if len(rows) == room:
            raise DataError(
                f"there are more than {limits.rows:,} rows", where=f"{file}, line {row[0]}"
            )
        rows.append(row)
    return Table(file, columns, rows)


def _read_csv(content: bytes, file: str) -> tuple[list[str], Iterator[Row]]:
    encoding = encoding_of([content])
    errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
    text = content.decode(encoding, errors=errors)
    header = text[: text.find("\n")] if "\n" in text else text
    separator = max(",;\t", key=header.count)
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines = _lines(reader, file)
    names = next((fields for _, fields in lines if fields), [])
    columns = [plain(name) for name in names]
    return columns, (
        (line, _fields(columns, fields) if len(fields) == len(names) else None)
        for line, fields in lines
        if fields
    )


def _fields(columns: list[str], cells: list[str]) -> dict[str, str]:
    return dict(zip(columns, map(unguarded, cells), strict=True))


def _lines(reader: Any, file: str) -> Iterator[tuple[int, list[str]]]:
    """The rows with the line each begins on."""
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            what = f"the table breaks off or is quoted wrongly: {error}"
            raise DataError(what, where=f"{file}, line {line}") from None
        yield line, fields


def _read_json(content: bytes, file: str) -> tuple[list[str], Iterator[Row]]:
    """`{"Heat": 5}` or a list of rows such as `{"title": "Heat", "rating": 5}`."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"the file is not JSON: {error}", where=file) from None
    if isinstance(document, dict):
        document = [{"title": title, "rating": stars} for title, stars in document.items()]
    if not all(isinstance(row, dict) for row in document):
        expected = '{"Heat": 5} or a list of rows'
        raise DataError("the JSON is of another shape", where=file, expected=expected)
    rows = [
        {plain(name): "" if value is None else str(value) for name, value in row.items()}
        for row in document
    ]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return columns, iter(list(enumerate(rows, start=1)))


def _read_xml(content: bytes, file: str) -> tuple[list[str], Iterator[Row]]:
    """Criticker's `<film>` elements, whose children are the columns."""
    films = _Films(file)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = films.refuse
    parser.StartElementHandler = lambda tag, _: films.start(tag, parser.CurrentLineNumber)
    parser.EndElementHandler = films.end
    parser.CharacterDataHandler = films.text
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        where = f"{file}, line {parser.ErrorLineNumber}"
        raise DataError(f"the XML is damaged: {error}", where=where) from None
    columns = list(dict.fromkeys(name for _, row in films.rows for name in row or ()))
    return columns, iter(films.rows)


class _Films:
    """Gathers the children of every `<film>`."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.rows: list[Row] = []
        self._film: dict[str, str] | None = None
        self._line = 0
        self._tag = ""

    def refuse(self, *_: object) -> NoReturn:
        raise DataError("refused: the XML defines a document type", where=self.file)

    def start(self, tag: str, line: int) -> None:
        if tag == "film":
            self._film, self._line = {}, line
        self._tag = plain(tag)

    def text(self, text: str) -> None:
        if self._film is not None and self._tag != "film":
            self._film[self._tag] = self._film.get(self._tag, "") + text

    def end(self, tag: str) -> None:
        if tag == "film" and self._film is not None:
            self.rows.append((self._line, self._film))
            self._film = None
        self._tag = "film"
