"""Speed beside other packages.

python -m benchmarks.peers setup [PEER ...]          makes the peers' environments in build/peers
python -m benchmarks.peers run [COMPARISON ...]      measures, into build/bench, and writes the page
python -m benchmarks.peers page                      writes docs/reference/benchmarks.md anew

Peers without an environment are left out. `run` takes `--rounds N` as well, of which 5 are usual.
"""

from __future__ import annotations

import argparse
import json

from benchmarks.peers import inputs, page
from benchmarks.peers.environments import ROOT, setup
from benchmarks.peers.rounds import compare

COMPARISONS = [
    *("ranking", "topk", "ease", "ials", "mf", "neumf256", "neumf2048", "neumftop"),
    *("sasrec", "sasrec_long", "multvae"),
]
FOLDER = ROOT / "build" / "bench"
ROUNDS = 5


def run(names: list[str], rounds: int) -> None:
    """Measure and store each comparison."""
    file = inputs.write(FOLDER)
    for name in names or COMPARISONS:
        result = compare(name, file, rounds)
        (FOLDER / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("what", choices=["setup", "run", "page"], nargs="?", default="run")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    if asked.what == "setup":
        return setup(asked.names)
    if asked.what == "run":
        run(asked.names, asked.rounds)
    return page.write(page.stored(FOLDER, COMPARISONS))


if __name__ == "__main__":
    main()
