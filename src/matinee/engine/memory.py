"""How much memory a fit will take, whether there is that much, and what it took in the end.

A model is built on PyTorch's device 'meta', where tensors have shapes but no storage: so its
state is known to the byte before any of it exists. What a fit holds besides, the models
estimate themselves (`solving_bytes`, `training_bytes`).
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from matinee.config import Config
from matinee.engine.optim import tables
from matinee.engine.trainer import choose_device
from matinee.errors import TooLarge
from matinee.models.base import Learned, Recommender, Sizes, Solved
from matinee.training import TrainerConfig

SNAPSHOTS = 2
"""Copies of state and optimiser that a checkpoint makes: of the tensors, then of its bytes."""
VIEW = 24
"""Bytes for each rating that a view of the data and its order take."""
ALWAYS = 24 << 20
"""Bytes that every fit takes: what libraries load and set aside when they are first used."""
CGROUPS = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")
STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Needs:
    """Bytes that a fit is expected to take, the data not counted.

    Attributes:
        state: Weights and buffers of the model.
        working: What fitting holds besides, at its peak.
    """

    state: int
    working: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.state + self.working

    def __str__(self) -> str:
        """As people read it."""
        return f"{told(self.total)}, {told(self.state)} of it the model"


def needs(
    kind: type[Recommender], config: Config, sizes: Sizes, loop: TrainerConfig | None = None
) -> Needs:
    """What fitting a model will take; nothing of that size is made to find out.

    Args:
        kind: The model.
        config: Its settings.
        sizes: Table sizes.
        loop: Settings of the training loop; by default those that suit the model.
    """
    with torch.device("meta"):
        model = kind(config, sizes)
    return Needs(_bytes(model.state_dict().values()), ALWAYS + _working(model, loop))


def check(needed: Needs, device: str = "auto") -> None:
    """Refuse what cannot fit.

    Args:
        needed: What a fit is expected to take.
        device: Where it is to run.

    Raises:
        TooLarge: If there is less memory than that.
    """
    there = available(choose_device(device))
    if there is not None and needed.total > there:
        raise TooLarge(
            f"training is expected to need {needed}",
            expected=f"no more than the {told(there)} that are free",
            remedy="Take fewer films, narrower vectors, a smaller batch or another model; "
            "--no-memory-check tries it all the same.",
        )


def available(device: torch.device | None = None) -> int | None:
    """Bytes that can still be had: of the device, or of the machine and its control group.

    Returns:
        None if the system does not tell.
    """
    if device is not None and device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    limits = [_machine(), _control_group()]
    return min((limit for limit in limits if limit is not None), default=None)


def told(size: float) -> str:
    """Bytes as people read them: '1.5 GB'."""
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.5:
            return f"{size:.2g} {unit}" if size < 10 else f"{size:.0f} {unit}"
    return f"{size / 1000:,.1f} TB"


def _working(model: Recommender, loop: TrainerConfig | None) -> int:
    """Bytes beside the state: parts, and smaller models at first, are fitted one by one."""
    if isinstance(model, Solved):
        parts = (_working(part, own) for part, own in model.parts().items())
        return max(model.solving_bytes(), *parts, 0)
    assert isinstance(model, Learned)
    loop = loop or TrainerConfig(**model.defaults)
    with torch.device("meta"):
        branches = model.pretraining().values()
        before = max((_working(branch, loop) for branch in branches), default=0)
    kept = sum(_bytes(branch.state_dict().values()) for branch in branches)
    moments, gradients = _optimiser_bytes(model, loop)
    snapshots = SNAPSHOTS * (_bytes(model.state_dict().values()) + moments)
    step = gradients + model.training_bytes(loop) + VIEW * model.sizes.ratings
    # A checkpoint is written between steps, when gradients and activations are gone.
    return kept + max(before, moments + max(snapshots, step))


def _optimiser_bytes(model: Learned, loop: TrainerConfig) -> tuple[int, int]:
    """Of the optimisers' state, and of the gradients of dense weights."""
    rows = _bytes(tables(model))
    dense = _bytes(weight for weight in model.parameters() if weight.requires_grad) - rows
    of_rows = {"adam": 2, "adagrad": 1, "sgd": 0}[loop.optimizer]
    of_dense = {"adam": 2, "adagrad": 1, "sgd": 1}[loop.optimizer]
    return of_rows * rows + of_dense * dense, dense


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _machine() -> int | None:
    """What the kernel holds to be available; None where it is another system's."""
    if not MEMINFO.exists():
        return None
    fields = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines())
    return int(fields["MemAvailable"].split()[0]) * 1024


def _control_group() -> int | None:
    """What the control group leaves, of version 2 or 1; files it caches can be dropped."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        file = CGROUPS / limit
        if file.exists() and (text := file.read_text().strip()).isdigit():
            stat = (CGROUPS / used).with_name("memory.stat").read_text().splitlines()
            cached = int(dict(line.split() for line in stat).get("inactive_file", 0))
            return max(int(text) - int((CGROUPS / used).read_text()) + cached, 0)
    return None


def peak_mb() -> float:
    """Largest resident memory of this process so far, in MB (10^6 bytes)."""
    if STATUS.exists():  # where `getrusage` counts what the parent had when it started this one
        lines = STATUS.read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
