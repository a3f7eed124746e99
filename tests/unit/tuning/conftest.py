"""A few dozen people to tune on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from matinee.experiment import RunSpec
from support.boards import checkerboard


@pytest.fixture(scope="session")
def board_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The checkerboard as a file."""
    data = checkerboard()
    rows = zip(data.users, data.items, data.ratings, data.times, strict=True)
    path = tmp_path_factory.mktemp("board") / "ratings.csv"
    text = "\n".join(f"p{u},f{i},{r},{t}" for u, i, r, t in rows)
    path.write_text(f"user,item,rating,timestamp\n{text}\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def make_spec(board_file: str) -> Callable[..., RunSpec]:
    """A run on the board: `make_spec("ease", l2=3.0)`."""

    def make(model: str = "ease", **settings: Any) -> RunSpec:
        return RunSpec(
            model=model, data=board_file, split="stratified", valid=0.2, settings=settings
        )

    return make
