"""Reading and training at the size of MovieLens-20M, on simulated ratings.

python -m benchmarks.scale [FOLDER]

writes 138,493 x 27,278 x 20,000,263 simulated ratings into FOLDER (unless they are there)
and prints: what polars alone takes to parse them, what loading takes for the first and the
second time, NeuMF's examples a second with its peak memory, and how the time of a training
step changes when there are ten times the people.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import in_own_process, milliseconds, peak_mb, repeated

SHAPE = {"users": 138_493, "items": 27_278, "ratings": 20_000_263}
NEUMF = {"dim": 8, "tower": [64, 32, 16, 8], "negatives": 4}
BATCHES = (256, 2048, 16_384)
TRAINED = 1_000_000
"""Positives that NeuMF is trained on, out of all."""
ME = "benchmarks.scale"


def parse(folder: str) -> dict[str, Any]:
    """Parse the file with polars alone, typed, nothing else."""
    import polars as pl

    start = time.perf_counter()
    rows = pl.read_csv(Path(folder) / "ratings.csv").height
    return {"rows": rows, "seconds": time.perf_counter() - start}


def load(folder: str) -> dict[str, Any]:
    """Read the folder into `Interactions`."""
    from matinee.data import load

    start = time.perf_counter()
    rows = len(load(folder))
    return {"rows": rows, "seconds": time.perf_counter() - start}


def read(folder: str) -> dict[str, Any]:
    """Read the folder into `Interactions` where no cache can be written."""
    os.environ["MATINEE_HOME"] = "/dev/null"
    return load(folder)


def train(folder: str) -> dict[str, Any]:
    """Train NeuMF on the whole for some of an epoch, at each batch size."""
    import numpy as np

    from matinee.data import load
    from matinee.engine import Trainer, TrainerConfig
    from matinee.models import Learned, Sizes, build

    data = load(folder)
    random = np.random.default_rng(0)
    start, rates = time.perf_counter(), {}
    for batch in BATCHES:
        model = build("neumf", NEUMF, Sizes.of(data))
        assert isinstance(model, Learned)
        for count in (batch, TRAINED):  # the first compiles, if need be
            part = data.take(np.sort(random.permutation(len(data))[:count]))
            (record,) = (
                Trainer(model, part, TrainerConfig(batch_size=batch, epochs=1)).run().records
            )
        rates[batch] = record.examples / record.seconds
    return {"examples_per_second": rates, "seconds": time.perf_counter() - start}


def growth(users: str) -> dict[str, Any]:
    """The time of a step with that many people of 20 ratings each, 10,000 films."""
    import numpy as np
    import torch

    from matinee.data.interactions import Interactions
    from matinee.engine import Trainer, TrainerConfig
    from matinee.models import Sizes, build

    people = np.repeat(np.arange(int(users)), 20)
    items = np.random.default_rng(0).integers(10_000, size=len(people))
    data = Interactions.build(people, items)
    start, times = time.perf_counter(), {}
    for batch in BATCHES:
        model = build("neumf", NEUMF, Sizes.of(data))
        trainer = Trainer(model, data, TrainerConfig(batch_size=batch))  # type: ignore[arg-type]
        torch.set_num_threads(trainer.threads)
        times[batch] = milliseconds(lambda s, t=trainer: t.step(0, s), warm=10, steps=150)
    return {"step_ms": times, "seconds": time.perf_counter() - start}


def main(folder: Path) -> None:
    """Make the data, run each job in a process of its own, print what came out."""
    from matinee.data.simulate import simulate_to

    if not (folder / "ratings.csv").exists():
        start = time.perf_counter()
        simulate_to(folder, **SHAPE)
        told(simulate={"seconds": time.perf_counter() - start, "peak_mb": peak_mb()})
    alone = repeated(5, lambda: in_own_process(ME, "parse", str(folder)))
    told(polars_alone=alone)
    with tempfile.TemporaryDirectory() as home:
        os.environ["MATINEE_HOME"] = home
        without = repeated(5, lambda: in_own_process(ME, "read", str(folder)))
        told(read=without, ratio_to_polars=without["seconds"] / alone["seconds"])
        first = repeated(5, lambda: load_anew(folder, Path(home)))
        told(first_load=first, ratio_to_polars=first["seconds"] / alone["seconds"])
        told(second_load=repeated(5, lambda: in_own_process(ME, "load", str(folder))))
        told(neumf=in_own_process(ME, "train", str(folder)))
    few, many = (in_own_process(ME, "growth", str(n)) for n in (30_000, 300_000))
    ratios = {b: many["step_ms"][b] / few["step_ms"][b] for b in few["step_ms"]}
    told(step_at_30_000_people=few, step_at_300_000_people=many, ratio=ratios)


def load_anew(folder: Path, home: Path) -> dict[str, Any]:
    """Load with an empty cache."""
    shutil.rmtree(home)
    return in_own_process(ME, "load", str(folder))


def told(**facts: object) -> None:
    """Print facts as one JSON line each."""
    for name, fact in facts.items():
        print(name, json.dumps(fact), flush=True)


if __name__ == "__main__":
    jobs = {"parse": parse, "read": read, "load": load, "train": train, "growth": growth}
    if len(sys.argv) == 3 and sys.argv[1] in jobs:
        print(json.dumps({**jobs[sys.argv[1]](sys.argv[2]), "peak_mb": peak_mb()}))
    else:
        main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/simulated-20m"))
