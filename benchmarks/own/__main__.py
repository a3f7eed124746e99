"""Measurements without a peer.

python -m benchmarks.own [NAME ...] [--rounds N]

measures, into benchmarks/results, and writes the page; all by default, each in as many turns as is
usual.
"""

from __future__ import annotations

import argparse

from benchmarks import own, page
from benchmarks.own.measurement import measure


def run(names: list[str], rounds: int | None = None) -> None:
    """Measure and store each."""
    for name in names or own.MEASUREMENTS:
        measurement = own.named(name)
        page.store(name, measure(measurement, rounds or measurement.rounds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.own", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--rounds", type=int)
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(own.MEASUREMENTS):
        parser.error(f"no {', '.join(unknown)}; there are {', '.join(own.MEASUREMENTS)}")
    run(asked.names, asked.rounds)
    page.write()
