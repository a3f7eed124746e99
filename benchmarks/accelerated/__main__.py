"""Our networks on an accelerator: epochs in float32, in bfloat16, and compiled.

python -m benchmarks.accelerated [--device cuda] [--rounds N]

measures, into benchmarks/results, and writes the page. Each way trains for one epoch that does not
count, as compiling falls into it, and then for as many as there are rounds.
"""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks import page
from benchmarks.accelerated.epochs import measure
from benchmarks.peers import inputs
from matinee.engine.trainer import choose_device
from matinee.errors import ConfigError

ROUNDS = 5


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accelerated", description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    if asked.rounds < 1:
        parser.error("--rounds is to be 1 at least")
    try:
        device = choose_device(asked.device)
    except ConfigError as error:
        parser.error(error.what)
    if device.type == "cpu":
        parser.error("there is no accelerator; `benchmarks.peers` measures the processor")
    file = inputs.write("ml-1m")
    if file is None:
        parser.error("MovieLens-1M is not under MATINEE_DATA")
    with np.load(file) as arrays:
        page.store("accelerated", measure(dict(arrays), str(device), asked.rounds))
    page.write()


if __name__ == "__main__":
    main()
