"""Anyone's table of ratings - CSV, TSV, Parquet, JSON lines - as one raw frame.

A text table is parsed in one typed sweep where it is clean. Where that fails, or what it
gives needs explaining, the same table is read row by row, with the number of each line.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from matinee.data.columns import has_header, place_names, rating_columns
from matinee.data.textfiles import Dialect, count_lines, is_broken, rows, sniff, split_lines
from matinee.errors import DataError

CHUNK_ROWS = 200_000
PARQUET = frozenset({".parquet", ".pq"})
JSON_LINES = frozenset({".jsonl", ".ndjson"})

BLANK = "blank row"
RAGGED = "ragged row"
BROKEN = "wrong encoding"
NO_JSON = "not JSON"


@dataclass(frozen=True)
class RawTable:
    """A table of ratings as it was read, nothing judged yet.

    Attributes:
        path: The file.
        frame: Columns `user`, `item` and, where the file has them, `rating` and `time`, as
            numbers or text; when read row by row also `line` (from 1) and `fault`, which
            is why a row cannot be read, or null.
        facts: How the file is written: separator, encoding, columns.
        lines: Whether `line` and `fault` are there.
    """

    path: Path
    frame: pl.DataFrame
    facts: dict[str, str]
    lines: bool


@dataclass(frozen=True)
class TextTable:
    """A text table's outline, found in its first rows.

    Attributes:
        path: The file.
        dialect: How it is written.
        names: Its columns.
        header_line: The line of the header, 0 where there is none.
        sample: A few rows of data.
    """

    path: Path
    dialect: Dialect
    names: list[str]
    header_line: int
    sample: list[list[str]]

    @classmethod
    def outline(
        cls,
        path: Path,
        overrides: Mapping[str, str] | None = None,
        *,
        names: Sequence[str] = (),
        whole: bool = False,
    ) -> TextTable:
        """Look at the first rows of a file.

        Args:
            path: The file.
            overrides: Role to column name; a row with such a name is the header.
            names: The columns, for files known to have no header.
            whole: Judge the encoding by all of the file.

        Raises:
            DataError: If the file has no rows.
        """
        dialect = sniff(path, whole=whole)
        head = [
            (n, f)
            for n, f in itertools.islice(rows(path, dialect), 1000)
            if any(x.strip() for x in f)
        ]
        if not head:
            raise DataError("the file is empty", where=str(path))
        first_line, first = head[0]
        first = [name.strip() for name in first]
        if not names and has_header(first, overrides or {}):
            return cls(path, dialect, first, first_line, [fields for _, fields in head[1:]])
        names = list(names or place_names(len(first)))
        return cls(path, dialect, names, 0, [fields for _, fields in head])

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows of data with their lines, header left out."""
        numbered = rows(self.path, self.dialect)
        return itertools.dropwhile(lambda row: row[0] <= self.header_line, numbered)

    def rows_at(self, lines: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
        """The rows on some lines, ascending, in a table whose every row is one line."""
        wanted = set(lines)
        with self.path.open("rb") as file:
            picked = (line for number, line in enumerate(file, start=1) if number in wanted)
            yield from zip(lines, split_lines(picked, self.dialect), strict=True)

    def facts(self, roles: Mapping[str, int]) -> dict[str, str]:
        """The outline in words."""
        separators = {"\t": "tab", " ": "blank"}
        return {
            "separator": separators.get(self.dialect.separator, self.dialect.separator),
            "encoding": self.dialect.encoding,
            "header": "yes" if self.header_line else "no",
            **_column_facts(self.names, roles),
        }


def read_swiftly(path: Path, overrides: Mapping[str, str]) -> RawTable | None:
    """Read a table of ratings in one typed sweep; None where that cannot be done.

    Raises:
        DataError: If users or films cannot be found among the columns.
    """
    if path.suffix.lower() in PARQUET:
        return _read_parquet(path, overrides)
    if path.suffix.lower() in JSON_LINES:
        return None
    table = TextTable.outline(path, overrides)
    roles = rating_columns(table.names, _first(table.sample), overrides, str(path))
    if not table.dialect.encoding.startswith("utf-8") or table.dialect.separator == " ":
        return None
    frame = _scan(table, roles)
    return None if frame is None else RawTable(path, frame, table.facts(roles), lines=False)


def number_lines(table: RawTable, overrides: Mapping[str, str]) -> RawTable | None:
    """Add `line` and `fault` to what a sweep gave; None where a row may be no single line.

    Only rows that lack a field are looked at again, so this costs seconds where reading all
    by line costs minutes.
    """
    if table.path.suffix.lower() in PARQUET:
        return None
    outline = TextTable.outline(table.path, overrides)
    height, first = table.frame.height, outline.header_line + 1
    if count_lines(table.path) != outline.header_line + height:
        return None
    lines = pl.Series("line", np.arange(first, first + height))
    lacking = table.frame.select(pl.any_horizontal(pl.all().is_null())).to_series()
    suspects = lines.filter(lacking).to_numpy()
    roles = rating_columns(outline.names, _first(outline.sample), overrides, str(table.path))
    needed, width = 1 + max(roles.values()), len(outline.names)
    found = [_fault(f, needed, width) for _, f in outline.rows_at(suspects.tolist())]
    faults = pl.Series("fault", [None], pl.String()).new_from_index(0, height)
    faults = faults.scatter(suspects - first, pl.Series(found, dtype=pl.String()))
    return RawTable(table.path, table.frame.with_columns(lines, faults), table.facts, lines=True)


def read_by_line(path: Path, overrides: Mapping[str, str]) -> RawTable:
    """Read a table of ratings row by row, each with its line and what is wrong with it.

    Raises:
        DataError: If users or films cannot be found among the columns.
    """
    if path.suffix.lower() in PARQUET:
        table = _read_parquet(path, overrides)
        numbered = table.frame.with_row_index("line", offset=1).with_columns(
            pl.lit(None, pl.String).alias("fault")
        )
        return RawTable(path, numbered, table.facts, lines=True)
    if path.suffix.lower() in JSON_LINES:
        return _read_json_lines(path, overrides)
    outline = TextTable.outline(path, overrides, whole=True)
    roles = rating_columns(outline.names, _first(outline.sample), overrides, str(path))
    frame = _gather(outline.rows(), roles, len(outline.names))
    return RawTable(path, frame, outline.facts(roles), lines=True)


def read_all(path: Path, names: Sequence[str] = ()) -> pl.DataFrame:
    """Read any table whole, every column of a text table as text, with a `line` column.

    Args:
        path: The file.
        names: The columns, for files known to have no header.

    Raises:
        DataError: If the file cannot be read.
    """
    if path.suffix.lower() in PARQUET:
        return _parquet(path).collect().with_row_index("line", offset=1)
    if path.suffix.lower() in JSON_LINES:
        return pl.DataFrame(
            [{"line": n, **row} for n, row in _json_rows(path) if row is not None],
            infer_schema_length=None,
        )
    table = TextTable.outline(path, names=names, whole=True)
    numbered = [(n, f) for n, f in table.rows() if any(x.strip() for x in f)]
    columns: dict[str, list[object]] = {"line": [n for n, _ in numbered]}
    for place, name in enumerate(table.names):
        columns[name] = [f[place].strip() if place < len(f) else None for _, f in numbered]
    return pl.DataFrame(columns, schema={"line": pl.Int64} | dict.fromkeys(table.names, pl.String))


def column_names(path: Path, overrides: Mapping[str, str]) -> list[str]:
    """The names of any table's columns; `column_1` and so on where it has no header.

    Raises:
        DataError: If the file cannot be read.
    """
    if path.suffix.lower() in PARQUET:
        return _parquet(path).collect_schema().names()
    if path.suffix.lower() in JSON_LINES:
        return list(
            dict.fromkeys(
                k for _, row in itertools.islice(_json_rows(path), 100) for k in row or ()
            )
        )
    return TextTable.outline(path, overrides).names


def _first(sample: Sequence[list[str]]) -> list[str]:
    return sample[0] if sample else []


def _column_facts(names: Sequence[str], roles: Mapping[str, int]) -> dict[str, str]:
    return {"columns": ", ".join(f"{role} = {names[place]}" for role, place in roles.items())}


# --- text, in one sweep -----------------------------------------------------------------


def _scan(table: TextTable, roles: Mapping[str, int]) -> pl.DataFrame | None:
    """The typed columns, or None where a field does not fit its type or a row its width."""
    names = [str(place) for place in range(len(table.names))]
    separator = table.dialect.separator
    if separator == "::":
        # One colon makes every second column empty. A `:` within a field breaks the width.
        separator, names = ":", [n for name in names for n in (name, f"after {name}")][:-1]
    schema: dict[str, pl.DataType] = dict.fromkeys(names, pl.String())
    for role, place in roles.items():
        schema[str(place)] = _column_type(role, [f[place] for f in table.sample if place < len(f)])
    try:
        frame = pl.scan_csv(
            table.path,
            separator=separator,
            has_header=False,
            skip_lines=table.header_line,
            schema=schema,
            quote_char='"' if table.dialect.quoted else None,
        ).collect(engine="streaming")
    except pl.exceptions.PolarsError:
        return None
    return _stripped(frame.select(pl.col(str(p)).alias(role) for role, p in roles.items()))


def _stripped(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.String).str.strip_chars())


def _column_type(role: str, sample: Iterable[str]) -> pl.DataType:
    """The narrowest type that fits the sample; a later misfit sends the table to be reread."""
    if role == "rating":
        return pl.Float32()
    numbers = [field.strip() for field in sample]
    if any(not n.isdecimal() or not n.isascii() or (n[0] == "0" and n != "0") for n in numbers):
        return pl.String()
    if role == "time":
        return pl.Int64()
    return pl.Int32() if all(len(n) <= 8 for n in numbers) else pl.Int64()


# --- text, row by row -------------------------------------------------------------------


def _gather(
    numbered: Iterator[tuple[int, list[str]]], roles: Mapping[str, int], width: int
) -> pl.DataFrame:
    schema = {"line": pl.Int64(), **dict.fromkeys(roles, pl.String()), "fault": pl.String()}
    chunks = [pl.DataFrame(schema=schema)]
    needed = 1 + max(roles.values())
    while chunk := list(itertools.islice(numbered, CHUNK_ROWS)):
        faults = [_fault(fields, needed, width) for _, fields in chunk]
        columns: dict[str, list[object]] = {"line": [n for n, _ in chunk], "fault": [*faults]}
        for role, place in roles.items():
            columns[role] = [
                fields[place].strip() if fault is None else None
                for (_, fields), fault in zip(chunk, faults, strict=True)
            ]
        chunks.append(pl.DataFrame({name: columns[name] for name in schema}, schema=schema))
    return pl.concat(chunks)


def _fault(fields: list[str], needed: int, width: int) -> str | None:
    if not any(field.strip() for field in fields):
        return BLANK
    if len(fields) < needed or any(field.strip() for field in fields[width:]):
        return RAGGED
    return BROKEN if any(is_broken(field) for field in fields) else None


# --- Parquet and JSON lines -------------------------------------------------------------


def _parquet(path: Path) -> pl.LazyFrame:
    try:
        frame = pl.scan_parquet(path)
        frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"cannot be read as Parquet: {error}", where=str(path)) from None
    return frame


def _read_parquet(path: Path, overrides: Mapping[str, str]) -> RawTable:
    frame = _parquet(path)
    schema = frame.collect_schema()
    roles = rating_columns(schema.names(), [], overrides, str(path))
    picked = frame.select(pl.col(schema.names()[p]).alias(r) for r, p in roles.items()).collect()
    texts = [
        name
        for name, dtype in picked.schema.items()
        if not (dtype.is_integer() or (name in {"rating", "time"} and dtype.is_numeric()))
        and not (name == "time" and dtype.is_temporal())
    ]
    picked = _stripped(picked.with_columns(pl.col(texts).cast(pl.String)))
    return RawTable(path, picked, _column_facts(schema.names(), roles), lines=False)


def _read_json_lines(path: Path, overrides: Mapping[str, str]) -> RawTable:
    numbered = list(_json_rows(path))
    names = list(dict.fromkeys(key for _, row in numbered if row for key in row))
    if not names:
        raise DataError("the file has no rows", where=str(path), expected="JSON objects")
    roles = rating_columns(names, [], overrides, str(path))
    fields = (
        (line, [""] * len(names) if row is None else [_as_text(row.get(key)) for key in names])
        for line, row in numbered
    )
    frame = _gather(fields, roles, len(names))
    broken = [line for line, row in numbered if row is None]
    fault = pl.when(pl.col("line").is_in(broken)).then(pl.lit(NO_JSON)).otherwise("fault")
    frame = frame.with_columns(fault.alias("fault"))
    return RawTable(path, frame, _column_facts(names, roles), lines=True)


def _json_rows(path: Path) -> Iterator[tuple[int, dict[str, object] | None]]:
    """Each line's object, or None where the line is none; blank lines are passed over."""
    for number, fields in rows(path, Dialect("\n", sniff(path, whole=True).encoding, quoted=False)):
        if not any(field.strip() for field in fields):
            continue
        try:
            value = json.loads(fields[0])
        except ValueError:
            value = None
        yield number, value if isinstance(value, dict) else None


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
