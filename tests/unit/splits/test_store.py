"""Saved splits come back bit for bit, and a changed one is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matinee.data.interactions import Interactions
from matinee.data.vocabulary import Vocabulary
from matinee.errors import ConfigError, DataError
from matinee.splits import Split, leave_last_split, load_split, make_split, save_split

FORMATS = ["parquet", "csv"]


@pytest.fixture
def data() -> Interactions:
    rng = np.random.default_rng(0)
    users, items = np.divmod(np.arange(300), 15)
    ids = Vocabulary([f'o"Hara, {n}' for n in range(21)], sort="person")  # the last rates nothing
    people = pl.DataFrame({"id": list(ids), "age": range(21)})
    return Interactions.build(
        users,
        items,
        rng.integers(1, 11, 300) / 3,
        rng.integers(0, 9, 300),
        user_ids=ids,
        people=people,
    )


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("kind", "options"),
    [("random", {}), ("leave-last", {}), ("strong", {"valid": 2}), ("chronological", {})],
)
def test_round_trip(
    form: str, kind: str, options: dict[str, float], data: Interactions, tmp_path: Path
) -> None:
    split = make_split(kind, data, **options)
    again = load_split(save_split(split, tmp_path / "new" / "s", format=form))
    assert again.digest == split.digest
    assert (again.kind, again.arguments, again.counts, again.dropped) == (
        split.kind,
        split.arguments,
        split.counts,
        split.dropped,
    )
    assert again.test.strangers == (kind == "strong")
    assert again.train.people is not None
    assert again.train.people.equals(split.train.people)
    assert again.train.catalogue.frame.equals(split.train.catalogue.frame)


@pytest.mark.parametrize("form", FORMATS)
def test_candidates_round_trip_with_rows_of_unequal_length(
    form: str, data: Interactions, tmp_path: Path
) -> None:
    split = leave_last_split(data, valid=False)
    candidates = np.tile(np.arange(5), (20, 1)).astype(np.int64)
    candidates[3, 2:] = -1
    split = replace(split, test=replace(split.test, candidates=candidates))
    again = load_split(save_split(split, tmp_path, format=form))
    assert again.test.candidates is not None
    assert again.test.candidates.tolist() == candidates.tolist()
    assert again.digest == split.digest


@pytest.mark.parametrize("form", FORMATS)
def test_events_without_ratings_or_times_stay_so(form: str, tmp_path: Path) -> None:
    users, items = np.divmod(np.arange(40), 8)
    split = make_split("random", Interactions.build(users, items))
    again = load_split(save_split(split, tmp_path, format=form))
    assert not again.train.explicit
    assert not again.train.timed
    assert again.digest == split.digest


def test_csv_holds_outside_ids(data: Interactions, tmp_path: Path) -> None:
    save_split(make_split("leave-last", data), tmp_path, format="csv")
    frame = pl.read_csv(tmp_path / "test.csv", infer_schema=False)
    assert frame.columns == ["user", "item", "rating", "time"]
    assert frame["user"][0] == 'o"Hara, 0'


@pytest.fixture
def saved(data: Interactions, tmp_path: Path) -> tuple[Split, Path]:
    split = make_split("random", data)
    return split, save_split(split, tmp_path / "saved", format="csv")


def test_one_changed_rating_is_noticed(saved: tuple[Split, Path]) -> None:
    _, folder = saved
    lines = (folder / "test.csv").read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].rsplit(",", 1)[0] + ",123"
    (folder / "test.csv").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match="changed since it was saved"):
        load_split(folder)


def test_broken_folders_are_told(saved: tuple[Split, Path], tmp_path: Path) -> None:
    _, folder = saved
    with pytest.raises(DataError, match="no saved split"):
        load_split(tmp_path / "nowhere")
    facts = json.loads((folder / "split.json").read_text(encoding="utf-8"))
    (folder / "train.csv").unlink()
    with pytest.raises(DataError, match="train"):
        load_split(folder)
    (folder / "split.json").write_text(json.dumps(facts | {"version": 99}), encoding="utf-8")
    with pytest.raises(DataError, match="version 1"):
        load_split(folder)
    (folder / "split.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be read"):
        load_split(folder)


def test_an_unknown_format_is_refused(saved: tuple[Split, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="parquet or csv"):
        save_split(saved[0], tmp_path, format="xlsx")  # pyright: ignore[reportArgumentType] - the point
