"""Checkpoints: one file, written atomically, that proves it is whole."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from matinee.errors import TrainingError

Tensors = dict[str, Tensor]


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and facts to one file, in full or not at all.

    The file is a safetensors file whose metadata carry the facts as JSON and a SHA-256
    over facts and tensors. It is written beside `path`, flushed to the disk and renamed.

    Args:
        path: Where to; its folder is made.
        tensors: Named tensors.
        facts: Anything JSON can hold.
    """
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    told = json.dumps(facts, sort_keys=True)
    data = save(flat, metadata={"facts": told, "sha256": _digest(flat, told)})
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _flush_folder(path.parent)


def load_checkpoint(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Read what `save_checkpoint` wrote.

    Returns:
        The tensors and the facts.

    Raises:
        TrainingError: If the file is missing, damaged or of another kind.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise TrainingError(
            "there is no checkpoint", where=str(path), remedy="Start the training anew."
        ) from None
    except (SafetensorError, OSError) as error:
        raise TrainingError(f"the checkpoint cannot be read: {error}", where=str(path)) from None
    told = metadata.get("facts", "")
    if metadata.get("sha256") != _digest(tensors, told):
        raise TrainingError("the checkpoint is damaged: its checksum differs", where=str(path))
    return tensors, json.loads(told)


def _digest(tensors: Mapping[str, Tensor], told: str) -> str:
    sha = hashlib.sha256(told.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        sha.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
