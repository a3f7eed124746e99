"""An epoch of the wide regression at the size of MovieLens-20M, beside the loop people write.

python -m benchmarks.plain_loop [FOLDER] [--whole]

FOLDER holds the ratings of `benchmarks.own.simulated`. Four fifths of them train the model of
reference system 3: two vectors of 64, a layer of 1,024 units, SGD with momentum, batches of
1,024. Beside it the same model in plain PyTorch: a `Dataset` that gives a row, a `DataLoader`
that collates rows, and `torch.optim.SGD` over dense embeddings; and that with sparse ones, which
SGD only takes without momentum. The three take turns of some steps in one process and on one
thread, so that whatever else the machine does falls on all of them; what is told is the
processor's time of a step, which waiting for other processes is no part of. An epoch is told by
the time of its steps. Beside them the bound: the three products of matrices that a step cannot do
without. `--whole` trains one whole epoch of ours as well, by the clock, on all threads.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.measure import peak_mb
from matinee.data import load
from matinee.data.interactions import Interactions
from matinee.engine import Trainer, TrainerConfig
from matinee.models import Learned, Sizes, build

DIM, WIDE, BATCH, RATE, MOMENTUM = 64, 1024, 1024, 0.08, 0.9
TURNS, STEPS, WARM = 12, 20, 5
"""Turns that each loop takes, steps a turn, and steps before the first turn."""


class Rows(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Ratings, one at a time."""

    def __init__(self, data: Interactions) -> None:
        self.users = torch.from_numpy(data.users.astype(np.int64))
        self.items = torch.from_numpy(data.items.astype(np.int64))
        self.ratings = torch.from_numpy(data.ratings - data.ratings.mean())

    def __len__(self) -> int:
        return len(self.users)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor, Tensor]:
        return self.users[row], self.items[row], self.ratings[row]


class Wide(nn.Module):
    """The model as it is written without Matinee."""

    def __init__(self, users: int, items: int, *, sparse: bool) -> None:
        super().__init__()
        self.users = nn.Embedding(users, DIM, sparse=sparse)
        self.items = nn.Embedding(items, DIM, sparse=sparse)
        self.dense = nn.Sequential(nn.Linear(2 * DIM, WIDE), nn.ReLU(), nn.Linear(WIDE, 1))

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        return self.dense(torch.cat([self.users(users), self.items(items)], 1)).squeeze(1)


def ours(data: Interactions) -> tuple[Trainer, Callable[[int], None]]:
    """Matinee's training loop, and how to take so many steps of it."""
    settings = {"inputs": ["user", "item"], "dim": DIM, "hidden": [WIDE], "dropout": 0.0}
    model = build("ratingdnn", settings, Sizes.of(data))
    assert isinstance(model, Learned)
    loop = TrainerConfig(
        epochs=1, optimizer="sgd", learning_rate=RATE, momentum=MOMENTUM, batch_size=BATCH
    )
    trainer = Trainer(model, data, loop)
    place = iter(range(len(trainer.batches)))

    def steps(count: int) -> None:
        for step in islice(place, count):
            trainer.step(0, step)

    return trainer, steps


def plain(data: Interactions, *, sparse: bool) -> Callable[[int], None]:
    """The loop as it is written without Matinee, and how to take so many steps of it."""
    model = Wide(data.n_users, data.n_items, sparse=sparse)
    momentum = 0.0 if sparse else MOMENTUM
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=momentum)
    loader = iter(DataLoader(Rows(data), batch_size=BATCH, shuffle=True))

    def steps(count: int) -> None:
        for users, items, ratings in islice(loader, count):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(users, items), ratings)
            loss.backward()
            optimizer.step()

    return steps


def take_turns(loops: dict[str, Callable[[int], None]]) -> dict[str, list[float]]:
    """Milliseconds a step of each loop in each of its turns."""
    for steps in loops.values():
        steps(WARM)
    taken: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(TURNS):
        for name, steps in loops.items():
            start = time.process_time()
            steps(STEPS)
            taken[name].append(1000 * (time.process_time() - start) / STEPS)
    return taken


def products(count: int) -> None:
    """So many steps of nothing but the products: the wide layer, forward and back."""
    inputs, weight = torch.ones(BATCH, 2 * DIM), torch.ones(2 * DIM, WIDE)
    for _ in range(count):
        outputs = inputs @ weight
        inputs.T @ outputs
        outputs @ weight.T


def spread(values: list[float]) -> dict[str, float]:
    """Median, and the range of the middle half."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return {"median": float(middle), "quarter": float(low), "three_quarters": float(high)}


def main(folder: Path, *, whole: bool) -> None:
    """Print a JSON line of each measurement."""
    data = load(folder)
    rows = np.random.default_rng(0).permutation(len(data))[: len(data) * 4 // 5]
    data = data.take(np.sort(rows))
    trainer, steps = ours(data)
    all_threads, count = torch.get_num_threads(), len(trainer.batches)
    torch.set_num_threads(1)
    others = {"dense": plain(data, sparse=False), "sparse": plain(data, sparse=True)}
    taken = take_turns({"ours": steps, **others, "products alone": products})
    told(rows=len(data), steps=count)
    for name, times in taken.items():
        ratios = [theirs / own for theirs, own in zip(times, taken["ours"], strict=True)]
        epoch = float(np.median(times)) * count / 1000
        told(loop=name, step_ms=spread(times), epoch_seconds=epoch, times_ours=spread(ratios))
    if whole:
        torch.set_num_threads(all_threads)
        history = ours(data)[0].run()
        told(epoch_of_ours=history.records[0].seconds, loss=history.records[0].loss)
    told(peak_mb=peak_mb())


def told(**facts: Any) -> None:
    """Print facts as one JSON line."""
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    folders = [argument for argument in sys.argv[1:] if argument != "--whole"]
    main(Path(folders[0] if folders else "build/simulated-20m"), whole="--whole" in sys.argv)
