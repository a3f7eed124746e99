"""What a comparison consists of. Imported on every side, so numpy and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
Quality = dict[str, float]


@dataclass(frozen=True)
class Task:
    """What is timed, and how good its outcome is, which is not.

    Attributes:
        run: Does the work.
        judge: Figures of quality of what `run` gave; none if it did not do all of it.
        share: How much of the work it does; its time is told as if it had done all.
    """

    run: Callable[[], Any]
    judge: Callable[[Any], Quality]
    share: float = 1.0


@dataclass(frozen=True)
class Work:
    """What cannot be done without: floating-point operations, and bytes read and written."""

    operations: float
    bytes: float


@dataclass(frozen=True)
class Comparison:
    """One piece of work, done by several packages on the same arrays.

    Attributes:
        title: What is done.
        bar: How many times as fast as the fastest peer ours is meant to be.
        sides: Each package's way to do it; the first word of the name is its environment.
        work: The least that has to be done.
        people: The array with a row for each person, if speed is told in people a second.
        tolerance: How far figures of quality may differ, as a share of ours, and still be equal;
            None if a lower figure is simply better.
        counted: What `work` counts, in words.
        note: What else a reader must know.
    """

    title: str
    bar: float
    sides: Mapping[str, Callable[[Arrays], Task]]
    work: Callable[[Arrays], Work]
    counted: str
    people: str = ""
    tolerance: float | None = 1e-3
    note: str = ""


def environment(side: str) -> str:
    """The environment a side runs in: 'implicit' of 'implicit conjugate gradient'."""
    return side.split(maxsplit=1)[0]


def offsets(users: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Where each person's rows begin in an ascending column, and where the last ones end."""
    return np.searchsorted(users, np.arange(count + 1)).astype(np.int64)
