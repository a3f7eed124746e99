"""Counts what PyTorch is made to do: operations, and the numbers that come out of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

INTO_ROWS = ("index_copy_", "index_add_", "index_put_")


@dataclass
class Counts:
    """What was done.

    Attributes:
        operations: How often each operation was called; those that only look are left out.
        numbers: Numbers in all results together.
        largest: Numbers in the largest result.
    """

    operations: Counter[str] = field(default_factory=Counter[str])
    numbers: int = 0
    largest: int = 0

    @property
    def total(self) -> int:
        """Operations of all kinds."""
        return self.operations.total()


class _Counting(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.counts = Counts()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.counts.operations[str(func)] += 1
            # What goes to some rows of a table in place touches no more than it brings along.
            some_rows = any(part in str(func) for part in INTO_ROWS)
            sizes = [*map(_size, _tensors(args[-1] if some_rows else result))]
            self.counts.numbers += sum(sizes)
            self.counts.largest = max(self.counts.largest, *sizes, 0)
        return result


def counted(job: Callable[[], object]) -> Counts:
    """What a job has PyTorch do."""
    with _Counting() as counting:
        job()
    return counting.counts


def _size(tensor: Tensor) -> int:
    return tensor._values().numel() if tensor.is_sparse else tensor.numel()


def _tensors(result: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
