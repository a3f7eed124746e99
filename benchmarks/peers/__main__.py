"""Speed beside other packages.

python -m benchmarks.peers setup [PEER ...]          makes the peers' environments in build/peers
python -m benchmarks.peers run [COMPARISON ...]      measures and writes the page

Figures are kept in benchmarks/results. Peers without an environment are left out. `run` takes
`--rounds N` as well, of which 5 are usual.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks import page, peers
from benchmarks.peers import inputs
from benchmarks.peers.environments import setup
from benchmarks.peers.rounds import compare

ROUNDS = 5


def run(names: list[str], rounds: int = ROUNDS) -> None:
    """Measure and store each comparison."""
    for name in names or peers.COMPARISONS:
        file = inputs.write(peers.named(name).data)
        if file is None:
            print(f"{name} is left out: its data are not under MATINEE_DATA", file=sys.stderr)
            continue
        page.store(name, compare(name, file, rounds))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("what", choices=["setup", "run"], nargs="?", default="run")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    if asked.what == "setup":
        return setup(asked.names)
    if unknown := set(asked.names) - set(peers.COMPARISONS):
        parser.error(f"no {', '.join(unknown)}; there are {', '.join(peers.COMPARISONS)}")
    run(asked.names, asked.rounds)
    return page.write()


if __name__ == "__main__":
    main()
