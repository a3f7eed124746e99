"""Reading a table of the size of MovieLens-20M: beside polars alone, and a second time."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.goals import Bar
from benchmarks.measure import alone
from benchmarks.own import simulated
from benchmarks.own.measurement import Figure, Floor, Measurement
from benchmarks.roofline import Work

ROW = 4 + 4 + 4 + 8
"""Bytes of a rating in memory: person, film, stars, time."""


def parse(folder: str) -> dict[str, Any]:
    """Parse the file with polars alone, typed, nothing else."""
    import polars as pl

    start = time.perf_counter()
    rows = pl.read_csv(Path(folder) / "ratings.csv").height
    return {"rows": rows, "seconds": time.perf_counter() - start}


def load(folder: str, home: str) -> dict[str, Any]:
    """Read the folder into `Interactions`; the cache goes to the home, if that can be written."""
    from matinee.data import load

    os.environ["MATINEE_HOME"] = home
    start = time.perf_counter()
    rows = len(load(folder))
    return {"rows": rows, "seconds": time.perf_counter() - start}


def turn() -> dict[str, float]:
    """Polars alone; reading without a cache; the first load, which writes it; the second."""
    folder = str(simulated.large())
    polars, read = alone(parse, folder), alone(load, folder, os.devnull)
    with tempfile.TemporaryDirectory() as home:
        first, second = alone(load, folder, home), alone(load, folder, home)
    return {
        "polars": polars["seconds"],
        "read": read["seconds"],
        "read_times": read["seconds"] / polars["seconds"],
        "read_gb": read["peak_mb"] / 1000,
        "first": first["seconds"],
        "first_times": first["seconds"] / polars["seconds"],
        "second": second["seconds"],
        "second_gb": second["peak_mb"] / 1000,
    }


def reading() -> Work:
    """The file read, and the arrays written."""
    size = (simulated.large() / "ratings.csv").stat().st_size
    return Work(operations=0, bytes=size + held().bytes)


def held() -> Work:
    """The arrays written once."""
    return Work(operations=0, bytes=ROW * simulated.SHAPES[simulated.FOLDER.name]["ratings"])


READ = Floor("the file read and the arrays written, once", reading)
SECOND = Floor("the arrays written once", held)
MEASUREMENT = Measurement(
    title="Reading 20 million ratings",
    figures={
        "polars": Figure("parsing with polars alone", "s", READ),
        "read": Figure("reading into `Interactions`", "s", READ),
        "read_times": Figure("reading, beside polars", "times"),
        "read_gb": Figure("reading, peak memory", "GB"),
        "first": Figure("first load, cache written", "s"),
        "first_times": Figure("first load, beside polars", "times"),
        "second": Figure("second load", "s", SECOND),
        "second_gb": Figure("second load, peak memory", "GB"),
    },
    bars=[
        Bar("reading", "read_times", 3, "x polars' own parse"),
        Bar("second load", "second", 2, "s"),
    ],
    turns=lambda rounds: [turn() for _ in range(rounds)],
    note="138,493 people, 27,278 films, 20,000,263 simulated ratings in a CSV file of 536 MB; "
    "each figure in a process of its own, all of a turn one after the other.",
)
