"""Fitting any model: solved in one go, or trained, with its branches first if it asks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from matinee.data.interactions import Interactions
from matinee.engine.history import History, Watcher
from matinee.engine.trainer import Trainer, Validate, choose_device
from matinee.models.base import Learned, Recommender, Solved
from matinee.training import TrainerConfig


def fit(
    model: Recommender,
    data: Interactions,
    config: TrainerConfig | None = None,
    *,
    seed: int = 0,
    validate: Validate | None = None,
    folder: Path | None = None,
    watcher: Watcher | None = None,
    resume: bool = False,
) -> History:
    """Fit a model to training ratings.

    What a solved model rehearses with, and then its parts, are fitted first, each as it would be
    alone; their checkpoints and logs go into folders of their own.

    Args:
        model: The model; left fitted.
        data: Training ratings.
        config: Settings of the training loop; by default those that suit the model.
        seed: Of all that is random in training.
        validate: Validation metrics of the model as it is, for early stopping.
        folder: Where checkpoints go, or None.
        watcher: Told of progress.
        resume: Go on from the folder's checkpoints.

    Returns:
        What happened; without records for a model that is solved.
    """
    if isinstance(model, Solved):
        device = choose_device(config.device if config else "auto")
        return _solve(model, data, device, _Way(seed, folder, watcher, resume))
    assert isinstance(model, Learned)
    config = config or TrainerConfig(**model.defaults)
    model = _pretrained(model, data, config, _Way(seed, folder, watcher, resume))
    trainer = Trainer(
        model, data, config, seed=seed, validate=validate, folder=folder, watcher=watcher
    )
    return trainer.run(resume=resume and trainer.snapshots.has("last"))


@dataclass(frozen=True)
class _Way:
    """How parts of a model are fitted; the arguments of `fit` that they share."""

    seed: int
    folder: Path | None
    watcher: Watcher | None
    resume: bool

    def fit(
        self,
        part: Recommender,
        data: Interactions,
        loop: TrainerConfig | None,
        *place: str,
        again: int = 0,
    ) -> None:
        """Fit a part in a folder of its own, going on where it was cut short.

        Args:
            part: The part.
            data: Training ratings.
            loop: Settings of its training loop.
            place: Folders on the way to its own.
            again: How many parts of the same kind came before it; it draws otherwise than they.
        """
        own, seed = self.folder.joinpath(*place) if self.folder else None, self.seed + again
        fit(part, data, loop, seed=seed, folder=own, watcher=self.watcher, resume=self.resume)


def _solve(model: Solved, data: Interactions, device: torch.device, way: _Way) -> History:
    """Fit what a solved model rehearses with, then its parts, then itself."""
    rehearsed, some = model.rehearsal(data)
    rounds = (("rehearsal", rehearsed, some), ("members", model.parts(), data))
    for kind, parts, learned in rounds:
        names = [part.name for part in parts]
        for place, (part, loop) in enumerate(parts.items()):
            again = names[:place].count(part.name)
            way.fit(part, learned, loop, kind, f"{place + 1}-{part.name}", again=again)
    model.to(device).solve(data)
    return History()


def _pretrained(model: Learned, data: Interactions, config: TrainerConfig, way: _Way) -> Learned:
    """The model as it starts: from smaller ones fitted first, if it has any."""
    branches = model.pretraining()
    loop = config.updated({"patience": None})  # only the whole is validated
    for name, branch in branches.items():
        way.fit(branch, data, loop, "pretraining", name)
    return model.adopt(branches, data) if branches else model
