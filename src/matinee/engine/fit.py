"""Fitting any model: solved in one go, or trained, with its branches first if it asks."""

from __future__ import annotations

from pathlib import Path

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
        rehearsed, some = model.rehearsal(data)
        for kind, parts, learned in (
            ("rehearsal", rehearsed, some),
            ("members", model.parts(), data),
        ):
            for place, (part, loop) in enumerate(parts.items(), start=1):
                own = folder / kind / f"{place}-{part.name}" if folder else None
                fit(part, learned, loop, seed=seed, folder=own, watcher=watcher, resume=resume)
        model.to(choose_device(config.device if config else "auto"))
        model.solve(data)
        return History()
    assert isinstance(model, Learned)
    config = config or TrainerConfig(**model.defaults)
    branches = model.pretraining()
    for name, branch in branches.items():
        place = folder / "pretraining" / name if folder else None
        started = place is not None and (place / "checkpoint" / "last.safetensors").exists()
        fit(
            branch,
            data,
            config.updated({"patience": None}),  # only the whole is validated
            seed=seed,
            folder=place,
            watcher=watcher,
            resume=resume and started,
        )
    trainer = Trainer(
        model.adopt(branches) if branches else model,
        data,
        config,
        seed=seed,
        validate=validate,
        folder=folder,
        watcher=watcher,
    )
    return trainer.run(resume=resume and trainer.snapshots.has("last"))
