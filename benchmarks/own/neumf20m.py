"""A whole epoch of NeuMF on 20 million ratings, between two on a million.

What a positive costs, its four negatives included, is compared within a turn: the large epoch with
the mean of the small ones before and after it.
"""

from __future__ import annotations

import os
from typing import Any

from benchmarks.goals import Bar
from benchmarks.measure import alone
from benchmarks.own import simulated
from benchmarks.own.measurement import Figure, Floor, Measurement
from benchmarks.peers.neumf import NEGATIVES, RATE, SMALL, least
from benchmarks.roofline import Work

BATCH = 256
"""Examples a step, as NeuMF has them by default."""


def epoch(data: str) -> dict[str, Any]:
    """Train an epoch, after a step that compiles what is compiled."""
    import numpy as np

    from matinee.data import load
    from matinee.engine import Trainer, TrainerConfig
    from matinee.models import Learned, Sizes, build

    if data != "ml-1m":
        os.environ["MATINEE_HOME"] = os.devnull  # where no cache of 0.4 GB is left behind
    ratings = load(data)
    loop = TrainerConfig(epochs=1, batch_size=BATCH, learning_rate=RATE)
    for part in (ratings.take(np.arange(BATCH)), ratings):
        model = build("neumf", SMALL.ours, Sizes.of(part))
        assert isinstance(model, Learned)
        (record,) = Trainer(model, part, loop).run().records
    return {"seconds": record.seconds, "each": 1e6 * record.seconds / len(ratings)}


def turn() -> dict[str, float]:
    """A small epoch, the large one, and a small one again."""
    small, large = simulated.small(), str(simulated.large())
    before, whole, after = (alone(epoch, data) for data in (small, large, small))
    each = (before["each"] + after["each"]) / 2
    return {
        "seconds": whole["seconds"],
        "gb": whole["peak_mb"] / 1000,
        "each": whole["each"],
        "small_each": each,
        "times": whole["each"] / each,
    }


def one() -> Work:
    """What a positive and its negatives need."""
    return least(SMALL, 1)


FLOOR = Floor("three products a weight and example; a film's row and means moved", one)
MEASUREMENT = Measurement(
    title="An epoch of NeuMF on 20 million ratings",
    figures={
        "seconds": Figure("the epoch", "s"),
        "gb": Figure("peak memory, reading included", "GB"),
        "each": Figure("a positive of 20 million", "µs a positive", FLOOR),
        "small_each": Figure("a positive of one million", "µs a positive", FLOOR),
        "times": Figure("a positive of 20 million beside one of a million", "times"),
    },
    bars=[
        Bar("peak memory", "gb", 4, "GB"),
        Bar("a positive", "times", 1.3, "x one of MovieLens-1M"),
    ],
    turns=lambda rounds: [turn() for _ in range(rounds)],
    note=f"GMF {SMALL.dim}, tower {'-'.join(map(str, SMALL.tower))}, {NEGATIVES} negatives, a "
    f"batch of {BATCH:,} examples; simulated ratings of the shape of MovieLens-20M beside "
    "MovieLens-1M (or simulated ones of its shape, where it is not here). Larger steps cost both "
    "less, but the small one more so, as they share more of a small catalogue: at 65,536 an epoch "
    "on 20 million took 14.7 s once, twice the price of a positive of a million.",
)
