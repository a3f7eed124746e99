"""Splits that others have published as files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.exceptions import PolarsError

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.vocabulary import LongArray, Vocabulary
from matinee.errors import DataError
from matinee.splits.cuts import TEST, TRAIN, VALID, cut, leave_last_split, random_split
from matinee.splits.narrowing import with_candidates
from matinee.splits.types import Split

COLUMNS = ("user", "item", "rating", "time")
HEADERS = {"user", "userid", "user_id", "uid"}
PAIR = re.compile(r"\(([^,]+),([^)]+)\)")


@dataclass(frozen=True)
class _Table:
    """The rows of one file as text, and the line the first of them stands in."""

    path: Path
    frame: pl.DataFrame
    first_line: int

    def where(self, row: int) -> str:
        return f"{self.path}:{self.first_line + row}"


@dataclass(frozen=True)
class _Negatives:
    """For each line: whom and what it asks about, and the films to rank that among."""

    path: Path
    users: list[str]
    items: list[list[str]]


def files_split(
    train: str | Path,
    test: str | Path,
    negatives: str | Path | None = None,
    *,
    valid: float | Literal["last"] = 0.0,
    seed: int = 0,
    data: Interactions | None = None,
) -> Split:
    """A training and a test file, such as MovieLens-100K's folds or the NCF paper's files.

    ```
    train file  ====v====v=
    test file              ttt
    negatives              each t, and the films it is to be ranked among
    ```

    The files hold `user item [rating [time]]` in each line, separated by tabs or commas,
    with or without a header. The file of negatives holds `(user,item)`, then films the
    person has nothing to do with, in each line, separated by tabs; the candidates are the
    item, then those films, each once.

    Args:
        train: File to train on.
        test: File to test with.
        negatives: File of the films to rank each test rating among; all films by default.
        valid: Share of each person's training ratings to validate with, drawn at random; or
            'last' for each person's last one. Where the test is among a few candidates, so is
            the validation: among as many unseen films, drawn at random.
        seed: Of these draws.
        data: The data set whose ids the files use, for titles and people; without it the
            ids are those of the files.

    Raises:
        ConfigError: If the share is out of range.
        DataError: If a file cannot be read, an id is not in `data`, a pair occurs twice, or
            the negatives do not fit the test file. File and line are named.
    """
    tables = [_read(Path(train)), _read(Path(test))]
    if tables[0].frame.columns != tables[1].frame.columns:
        raise DataError(f"{train} and {test} have different numbers of columns")
    asked = None if negatives is None else _read_negatives(Path(negatives))
    user_ids, catalogue = _ids(tables, asked) if data is None else (data.user_ids, data.catalogue)
    parts = [_encode(table, user_ids, catalogue) for table in tables]
    both = parts[0].merge(parts[1])
    if data is not None:
        both = replace(both, people=data.people)
    _check_twice(both)
    part = np.where(_among(both, parts[1]), TEST, TRAIN).astype(np.int8)
    if valid:
        part[_among(both, _validating(parts[0], valid, seed))] = VALID
    arguments = _arguments(train, test, negatives, valid, seed)
    split = cut("files", both, part, arguments, validated=bool(valid))
    if asked is None:
        return split
    candidates = _candidates(asked, split.test.held_out)
    test_fold = replace(split.test, candidates=candidates)
    drawn = split.valid and with_candidates(split.valid, candidates.shape[1] - 1, seed=seed)
    return replace(split, test=test_fold, valid=drawn)


def _validating(train: Interactions, valid: float | Literal["last"], seed: int) -> Interactions:
    """The training ratings to validate with."""
    if valid == "last":
        return leave_last_split(train, valid=False).test.held_out
    return random_split(train, test=valid, seed=seed, stratified=True).test.held_out


def read_candidates(path: str | Path, held_out: Interactions) -> LongArray:
    """The films each person of a fold is to be asked about, from a file of negatives.

    Args:
        path: File as described in `files_split`.
        held_out: One rating for each person.

    Returns:
        `[B, C]`, the held-out film first, padded with -1.

    Raises:
        DataError: If the file cannot be read or does not fit.
    """
    return _candidates(_read_negatives(Path(path)), held_out)


def _arguments(
    train: str | Path,
    test: str | Path,
    negatives: str | Path | None,
    valid: float | str,
    seed: int,
) -> dict[str, Any]:
    names = {"train": train, "test": test, "negatives": negatives}
    files = {key: Path(path).name for key, path in names.items() if path is not None}
    return files | ({"valid": valid, "seed": seed} if valid else {})


def _read(path: Path) -> _Table:
    """The rows of a tab or comma separated file, as text."""
    first = _first_line(path)
    header = re.split(r"[\t,]", first)[0].strip().casefold() in HEADERS
    try:
        frame = pl.read_csv(
            path,
            separator="\t" if "\t" in first else ",",
            has_header=False,
            skip_rows=int(header),
            infer_schema=False,
        )
    except PolarsError as error:
        raise DataError(f"cannot be read: {error}", where=str(path)) from None
    if not 2 <= frame.width <= 4:
        raise DataError(
            f"a line has {frame.width} fields",
            where=str(path),
            expected="user item [rating [time]], separated by tabs or commas",
        )
    names = dict(zip(frame.columns, COLUMNS, strict=False))
    return _Table(path, frame.rename(names), header + 1)


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            line = file.readline().rstrip()
    except FileNotFoundError:
        raise DataError("no such file", where=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read: {error}", where=str(path)) from None
    if not line:
        raise DataError("the file is empty or begins with an empty line", where=str(path))
    return line


def _read_negatives(path: Path) -> _Negatives:
    users: list[str] = []
    items: list[list[str]] = []
    _first_line(path)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        pair, *others = line.split("\t")
        match = PAIR.fullmatch(pair.strip())
        if match is None:
            raise DataError(
                f"{pair[:40]!r} begins a line of negatives",
                where=f"{path}:{number}",
                expected="(user,item), then films, separated by tabs",
            )
        users.append(match[1].strip())
        items.append([match[2].strip(), *(o.strip() for o in others if o.strip())])
    return _Negatives(path, users, items)


def _ids(tables: list[_Table], asked: _Negatives | None) -> tuple[Vocabulary, Catalogue]:
    """The ids that occur in the files, numbers in their order, then other text."""
    users = pl.concat([table.frame["user"] for table in tables]).drop_nulls().unique()
    items = pl.concat([table.frame["item"] for table in tables]).drop_nulls().unique()
    films = set(items).union(*(asked.items if asked else []))
    films_sorted = Vocabulary(sorted(films, key=_by_number), sort="film")
    people = Vocabulary(sorted(users, key=_by_number), sort="person")
    return people, Catalogue.bare(films_sorted)


def _by_number(text: str) -> tuple[int, str]:
    return (int(text), "") if text.isdecimal() else (2**63, text)


def _encode(table: _Table, user_ids: Vocabulary, catalogue: Catalogue) -> Interactions:
    """A table as interactions, its ids those of the vocabularies."""
    frame = table.frame
    numbers = {"rating": pl.Float32, "time": pl.Int64}
    values = {
        name: _series(table, name, frame[name].cast(dtype, strict=False))
        for name, dtype in numbers.items()
        if name in frame.columns
    }
    return Interactions.build(
        _series(table, "user", _look_up(frame["user"], user_ids)),
        _series(table, "item", _look_up(frame["item"], catalogue.ids)),
        values.get("rating"),
        values.get("time"),
        user_ids=user_ids,
        catalogue=catalogue,
    )


def _look_up(texts: pl.Series, ids: Vocabulary) -> pl.Series:
    known = pl.Series(list(ids), dtype=pl.String())
    return texts.replace_strict(
        known, pl.int_range(len(ids), eager=True), default=None, return_dtype=pl.Int32
    )


def _series(table: _Table, name: str, values: pl.Series) -> NDArray[Any]:
    """The values of a column, all of which must have been understood."""
    if values.null_count():
        row = int(values.is_null().arg_max() or 0)
        text = table.frame[name][row]
        what = f"the {name} is missing" if text is None else f"the {name} {text!r} is not known"
        if name in ("rating", "time") and text is not None:
            what = f"the {name} {text!r} is not a number"
        raise DataError(what, where=table.where(row))
    return values.to_numpy()


def _keys(data: Interactions) -> LongArray:
    """One number for each pair of person and film."""
    return data.users.astype(np.int64) * data.n_items + data.items


def _among(data: Interactions, some: Interactions) -> NDArray[np.bool_]:
    return np.isin(_keys(data), _keys(some))


def _check_twice(data: Interactions) -> None:
    pairs, counts = np.unique(_keys(data), return_counts=True)
    if len(pairs) < len(data):
        user, item = divmod(int(pairs[counts.argmax()]), data.n_items)
        raise DataError(
            f"person {data.user_ids[user]!r} and film {data.catalogue.ids[item]!r} occur"
            f" together {counts.max()} times in the two files",
            expected="each pair once",
        )


def _candidates(asked: _Negatives, held_out: Interactions) -> LongArray:
    """The candidates of each person of a fold, `[B, C]`, padded with -1."""
    ids = held_out.catalogue.ids
    width = max(map(len, asked.items))
    rows = {int(user): row for row, user in enumerate(held_out.active_users)}
    candidates = np.full((len(rows), width), -1, np.int64)
    given = np.zeros(len(rows), np.int64)
    pairs = set(_keys(held_out).tolist())
    for line, (user, given_films) in enumerate(zip(asked.users, asked.items, strict=True), start=1):
        where = f"{asked.path}:{line}"
        person = held_out.user_ids.find(user)
        # In the published files a positive is now and then among its own negatives.
        films = list(dict.fromkeys(given_films))
        numbers = [n for film in films if (n := ids.find(film)) is not None]
        if person is None or len(numbers) < len(films):
            raise DataError("a person or film is not known", where=where)
        if person not in rows:
            continue
        if person * held_out.n_items + numbers[0] not in pairs:
            raise DataError(f"({user},{films[0]}) is not in the test file", where=where)
        candidates[rows[person], : len(numbers)] = numbers
        given[rows[person]] += 1
    _check_once(asked, held_out, given)
    return candidates


def _check_once(asked: _Negatives, held_out: Interactions, given: LongArray) -> None:
    """Everyone asked must have one test rating, and one line of negatives for it."""
    ratings = np.diff(held_out.offsets)[held_out.active_users]
    wrong = np.flatnonzero((given != 1) | (ratings != 1))
    if len(wrong):
        row = wrong[0]
        user = held_out.user_ids[int(held_out.active_users[row])]
        raise DataError(
            f"person {user!r} has {ratings[row]} test ratings and {given[row]} lines of negatives",
            where=str(asked.path),
            expected="one of each",
        )
