"""The whole state of a training as named tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from matinee.engine.checkpoint import Tensors, load_checkpoint, save_checkpoint

Facts = dict[str, Any]


def capture(model: nn.Module, optimizers: Sequence[torch.optim.Optimizer] = ()) -> Tensors:
    """Copies of a model's and its optimisers' tensors, under names that tell whose they are."""
    named = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for which, optimizer in enumerate(optimizers):
        for number, state in optimizer.state_dict()["state"].items():
            for key, value in state.items():
                if isinstance(value, Tensor):
                    named[f"optimizer.{which}.{number}.{key}"] = value
    return {name: tensor.detach().cpu().clone() for name, tensor in named.items()}


def restore(
    tensors: Mapping[str, Tensor],
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer] = (),
) -> None:
    """Put captured tensors back where they came from."""
    weights = {
        name.removeprefix("model."): tensor
        for name, tensor in tensors.items()
        if name.startswith("model.")
    }
    model.load_state_dict(weights)
    for which, optimizer in enumerate(optimizers):
        states: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith(f"optimizer.{which}."):
                _, _, number, key = name.split(".", 3)
                states.setdefault(int(number), {})[key] = tensor
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": states, "param_groups": groups})


class Snapshots:
    """Two snapshots of a training, the latest and the best, on disk or in memory.

    Args:
        folder: Where `last.safetensors` and `best.safetensors` are kept; None is memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._kept: dict[str, tuple[Tensors, Facts]] = {}

    def save(self, name: str, tensors: Tensors, facts: Facts) -> None:
        """Keep a snapshot as `name`, in place of an older one."""
        if self.folder is None:
            self._kept[name] = (tensors, facts)
        else:
            save_checkpoint(self._path(name), tensors, facts)

    def load(self, name: str) -> tuple[Tensors, Facts]:
        """The snapshot `name`.

        Raises:
            TrainingError: If there is none, or it is damaged.
        """
        if self.folder is None:
            return self._kept[name]
        return load_checkpoint(self._path(name))

    def has(self, name: str) -> bool:
        """Whether there is a snapshot `name`."""
        return name in self._kept or (self.folder is not None and self._path(name).exists())

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{name}.safetensors"
