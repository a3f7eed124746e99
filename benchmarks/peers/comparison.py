"""What a comparison consists of. Imported on every side, so numpy and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.roofline import Work

Arrays = Mapping[str, NDArray[Any]]
Quality = dict[str, float]


@dataclass
class Aside:
    """Time within a run that does not count, by the clock and of the processor."""

    clock: float = 0.0
    processor: float = 0.0

    @contextmanager
    def looking(self) -> Generator[None]:
        """While entered, nothing counts."""
        clock, processor = time.perf_counter(), time.process_time()
        yield
        self.clock += time.perf_counter() - clock
        self.processor += time.process_time() - processor


@dataclass(frozen=True)
class Task:
    """What is timed, and how good its outcome is, which is not.

    Attributes:
        run: Does the work.
        judge: Figures of quality of what `run` gave; none if it did not do all of it.
        share: How much of the work it does; its time is told as if it had done all.
        aside: What of the time of all runs does not count.
    """

    run: Callable[[], Any]
    judge: Callable[[Any], Quality]
    share: float = 1.0
    aside: Aside = field(default_factory=Aside)


@dataclass(frozen=True)
class Comparison:
    """One piece of work, done by several packages on the same arrays.

    Attributes:
        title: What is done.
        bar: How many times as fast as the fastest peer ours is meant to be.
        sides: Each package's way to do it; the first word of the name is its environment. Of
            several ways of one package the fastest counts.
        work: The least that has to be done.
        people: The array with a row for each person, if speed is told in people a second.
        tolerance: How far figures of quality may differ, as a share of ours, and still be equal;
            None if a lower figure is simply better.
        counted: What `work` counts, in words.
        note: What else a reader must know.
        over: Peers that ours is meant to be so many times as fast as.
        reach: A figure of quality that a side must reach for its time to count, and how much.
        data: The arrays of which data set; see `inputs`.
    """

    title: str
    bar: float
    sides: Mapping[str, Callable[[Arrays], Task]]
    work: Callable[[Arrays], Work]
    counted: str
    people: str = ""
    tolerance: float | None = 1e-3
    note: str = ""
    over: Mapping[str, float] = field(default_factory=dict[str, float])
    reach: tuple[str, float] | None = None
    data: str = "ml-1m"


def environment(side: str) -> str:
    """The environment a side runs in: 'implicit' of 'implicit conjugate gradient'."""
    return side.split(maxsplit=1)[0]


def offsets(users: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Where each person's rows begin in an ascending column, and where the last ones end."""
    return np.searchsorted(users, np.arange(count + 1)).astype(np.int64)
