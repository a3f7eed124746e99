"""What happened in a training: a record an epoch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

LOWER_IS_BETTER = ("rmse", "mse", "mae", "log_loss", "valid_loss")


@dataclass(frozen=True, slots=True)
class Record:
    """One epoch.

    Attributes:
        epoch: Epochs done, from 1.
        loss: Mean training loss over the epoch's examples.
        learning_rate: At the end of the epoch.
        examples: Examples trained on in the epoch.
        seconds: Time of training in the epoch, without validation.
        metrics: Validation metrics by name, `valid_loss` (the loss on held-out ratings) among
            them where the model can tell it; empty where nothing was validated.
        compiled: Whether a compiled loop took the steps, or PyTorch.
    """

    epoch: int
    loss: float
    learning_rate: float
    examples: int
    seconds: float
    metrics: dict[str, float]
    compiled: bool = False


@dataclass
class History:
    """A training so far.

    Attributes:
        monitor: The validation metric that decides, or None.
        records: One an epoch.
        stopped: Why training ended early, or None.
    """

    monitor: str | None = None
    records: list[Record] = field(default_factory=list[Record])
    stopped: str | None = None

    @property
    def best(self) -> Record | None:
        """The record with the best monitored metric, the first of equals, or None."""
        if self.monitor is None:
            return None
        told = [r for r in self.records if self.monitor in r.metrics]
        sign = 1 if lower_is_better(self.monitor) else -1
        return min(told, key=lambda r: sign * r.metrics[self.monitor or ""], default=None)

    @property
    def seconds(self) -> float:
        """Time of training, without validation."""
        return sum(record.seconds for record in self.records)

    def waited(self) -> int:
        """Validations since the best one."""
        best = self.best
        return sum(1 for r in self.records if best and r.metrics and r.epoch > best.epoch)

    def save(self, path: Path) -> None:
        """Write one JSON document a line, one an epoch; an older file is replaced whole."""
        lines = (json.dumps(asdict(record), sort_keys=True) + "\n" for record in self.records)
        beside = path.with_name(path.name + ".part")
        beside.write_text("".join(lines), encoding="utf-8")
        beside.replace(path)

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> History:
        """From what `as_dict` gave."""
        records = [Record(**record) for record in told["records"]]
        return cls(told["monitor"], records, told["stopped"])


def lower_is_better(metric: str) -> bool:
    """Whether a smaller value of a metric (`rmse`, `ndcg@10`) is the better one."""
    return metric.partition("@")[0] in LOWER_IS_BETTER


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training is.

    Attributes:
        epoch: The epoch under way, from 1.
        epochs: Epochs at most.
        step: Steps done in this epoch.
        steps: Steps of an epoch.
        loss: Mean loss of the epoch so far.
        rate: Examples a second.
        remaining: Seconds left if every epoch is trained, without validation.
        metric: Name and last value of the monitored metric, if there is one.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    rate: float
    remaining: float
    metric: tuple[str, float] | None


class Watcher(Protocol):
    """Somebody who looks on, such as a progress bar."""

    def progress(self, progress: Progress) -> None:
        """Called several times a second while training."""
        ...

    def epoch(self, record: Record) -> None:
        """Called after each epoch and its validation."""
        ...
