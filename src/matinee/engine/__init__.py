"""Training: one loop for every learned model."""

from matinee.engine.fit import fit
from matinee.engine.history import History, Progress, Record, Watcher
from matinee.engine.trainer import Trainer
from matinee.training import TrainerConfig

__all__ = ["History", "Progress", "Record", "Trainer", "TrainerConfig", "Watcher", "fit"]
