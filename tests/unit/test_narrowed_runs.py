"""What a run leaves out of its data, and what order it takes them to stand in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from matinee.errors import ConfigError, DataError
from matinee.experiment import RunSpec, cut

ROWS = ["b 3", "a 1", "a 2", "b 1", "a 3", "b 2", "a 9", "b 8"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two people's films in the order of time, without times."""
    path = tmp_path / "ratings.txt"
    path.write_text("\n".join(ROWS) + "\n")
    return path


def spec(data: Path, **rest: Any) -> RunSpec:
    return RunSpec(model="slit", data=str(data), split="leave-last", **rest)


def test_the_order_of_the_rows_stands_for_time_where_it_is_said_to(data: Path) -> None:
    with pytest.raises(DataError, match="needs times"):
        cut(spec(data))
    whole, split = cut(spec(data, ordered=True))
    held = split.test.held_out
    assert [whole.catalogue.ids[film] for film in held.items.tolist()] == ["9", "8"]
    assert split.valid is not None
    held = split.valid.held_out
    assert [whole.catalogue.ids[film] for film in held.items.tolist()] == ["3", "2"]


def test_films_of_few_ratings_are_left_out(data: Path) -> None:
    whole, split = cut(spec(data, ordered=True, film_ratings=2))
    assert list(whole.catalogue.ids) == ["1", "2", "3"]
    assert split.test.held_out.n_items == 3


@pytest.mark.parametrize("given", [{"ordered": True}, {"film_ratings": 2}, {"at_least": 3}])
def test_what_others_have_split_is_taken_as_it_is(data: Path, given: dict[str, Any]) -> None:
    files = {"split": "files", "train": str(data), "test": str(data)}
    with pytest.raises(ConfigError, match="taken as it is") as raised:
        cut(RunSpec(model="slit", **files, **given))
    assert str(raised.value).startswith(f"{next(iter(given))}: ")  # what was given, no other
