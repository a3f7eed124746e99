"""What the diversity regulariser adds to an epoch, against the same loop without it.

python -m benchmarks.regulariser [DATA]

Two trainers that differ in the weight alone take turns, `STEPS` steps each, `TURNS` times, on
one thread. Times are of the processor, so that other work on the machine counts for little.
"""

from __future__ import annotations

import json
import sys
import time
from statistics import median

import torch

from matinee.data import load
from matinee.data.interactions import Interactions
from matinee.engine import Trainer, TrainerConfig
from matinee.models import Learned, Sizes, build

TOWER = [16, 32, 16, 8]
BATCHES = (2048, 8192)
STEPS, TURNS = 20, 15


def trainer(data: Interactions, batch_size: int, weight: float) -> Trainer:
    model = build("mlp", {"tower": TOWER, "diversity": weight}, Sizes.of(data))
    assert isinstance(model, Learned)
    return Trainer(model, data, TrainerConfig(batch_size=batch_size))


def turn(of: Trainer, first: int) -> float:
    """Milliseconds of a step, a mean over one turn."""
    start = time.process_time()
    for step in range(first, first + STEPS):
        of.step(0, step % len(of.batches))
    return 1000 * (time.process_time() - start) / STEPS


def measured(data: Interactions, batch_size: int) -> dict[str, float]:
    plain, varied = (trainer(data, batch_size, weight) for weight in (0.0, 1e-3))
    turns = [(turn(plain, n * STEPS), turn(varied, n * STEPS)) for n in range(TURNS + 1)][1:]
    without, regularised = (median(column) for column in zip(*turns, strict=True))
    ratios = sorted(b / a for a, b in turns)
    return {
        "batch_size": batch_size,
        "without_ms": without,
        "with_ms": regularised,
        "ratio": median(ratios),
        "lowest": ratios[0],
        "highest": ratios[-1],
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    ratings = load(sys.argv[1] if len(sys.argv) > 1 else "ml-latest-5000")
    for size in BATCHES:
        print(json.dumps(measured(ratings, size)), flush=True)
