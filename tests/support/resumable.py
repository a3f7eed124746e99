"""A training as a program of its own, to be killed: `python resumable.py FOLDER`.

Goes on from the folder's checkpoint if there is one. Prints a line before each step, so that
one can choose when to kill it, and at the end a digest of all it learned.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import torch

from matinee.data.batches import Batch
from matinee.engine import History, Trainer, TrainerConfig
from matinee.models import Learned, Sizes, build
from matinee.models.base import Batches
from support.boards import checkerboard, likes

SETTINGS = {"dim": 4, "tower": (16, 8), "dropout": 0.2}
LOOP = TrainerConfig(
    epochs=8,
    batch_size=160,
    learning_rate=0.01,
    schedule="cosine",
    checkpoint_every=3,
    clip=1.0,
    weight_decay=1e-3,
    patience=7,
)


class Counted:
    """Batches that say on stdout when one is taken."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def batch(self, epoch: int, step: int) -> Batch:
        sys.stdout.write(f"step {epoch} {step}\n")
        sys.stdout.flush()
        return self.batches.batch(epoch, step)


def train(folder: Path | None, *, counted: bool = False) -> tuple[Learned, History]:
    """Train, or go on training, with everything that has to survive a kill switched on."""
    torch.set_num_threads(1)
    data = likes(checkerboard(people=60, films=24))
    model = build("neumf", SETTINGS, Sizes.of(data), seed=3)
    assert isinstance(model, Learned)
    queries = data.queries()

    def validate() -> dict[str, float]:
        return {"ndcg@10": float(model.score(queries).double().std())}

    trainer = Trainer(model, data, LOOP, seed=3, validate=validate, folder=folder)
    if counted:
        trainer.batches = Counted(trainer.batches)
    return model, trainer.run(resume=trainer.snapshots.has("last"))


def digest(model: Learned, history: History) -> str:
    """SHA-256 of the weights and of all that was recorded, times apart."""
    sha = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        sha.update(name.encode() + tensor.numpy().tobytes())
    told = [(r.epoch, r.loss, r.learning_rate, r.examples, r.metrics) for r in history.records]
    sha.update(json.dumps(told).encode())
    return sha.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(digest(*train(Path(sys.argv[1]), counted=True)))
