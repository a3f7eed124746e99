"""Building blocks that several models share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from matinee import kernels

CACHED = 1 << 19
"""Activations of a layer held at once when all films are scored: what stays in the cache."""
PAIRS = 1 << 16
"""Pairs of people and films from which a compiled loop is worth loading. What it is chosen by is
told by the question alone: were it by what the process has loaded, a training that goes on in
another process would end with other bits."""
NARROW = 1 << 12
"""Weights of a layer up to which products are so small that a compiled loop is faster."""


class Table(nn.Embedding):
    """A table of vectors whose gradient is sparse, so that a step touches only its own rows.

    Args:
        rows: Number of vectors.
        dim: Their width.
        std: Standard deviation of the initial values.
        weight: The initial values `[rows, dim]`, if they are given; else they are drawn.
    """

    def __init__(
        self, rows: int, dim: int, *, std: float = 0.01, weight: Tensor | None = None
    ) -> None:
        super().__init__(rows, dim, sparse=True, _weight=weight)
        if weight is None:
            nn.init.normal_(self.weight, std=std)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name PyTorch gives it
        """The rows `input` names, `[..., dim]`."""
        return _outside_compiler(self.weight, input)

    def sums(self, rows: Tensor, items: Tensor, weights: Tensor, count: int) -> Tensor:
        """Weighted sums of rows, `[count, dim]`; what goes into them is never held side by side.

        Args:
            rows: `[n]` int64, ascending, the sum each entry goes into.
            items: `[n]` int64, the row of the table that goes in.
            weights: `[n]`, what it weighs; no gradient goes to it.
            count: Number of sums.
        """
        return _summed_outside_compiler(self.weight, rows, items, weights, count)


class _Sums(torch.autograd.Function):
    """A sparse matrix `[count, n_items]` times a table; its transpose takes gradients back."""

    @staticmethod
    def forward(
        ctx: Any, table: Tensor, rows: Tensor, items: Tensor, weights: Tensor, count: int
    ) -> Tensor:
        ctx.save_for_backward(rows, items, weights)
        ctx.shape = table.shape
        return _sums(table, items, torch.bincount(rows, minlength=count), weights)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        rows, items, weights = ctx.saved_tensors
        # Short integers are sorted in half the time.
        short = torch.int16 if ctx.shape[0] <= 1 << 15 else torch.int32
        order = items.to(short).argsort(stable=True)
        touched, counts = items[order].unique_consecutive(return_counts=True)
        values = _sums(slopes[0], rows[order], counts, weights[order])
        gradient = torch.sparse_coo_tensor(touched[None], values, ctx.shape, check_invariants=False)
        return gradient, None, None, None, None


def _sums(table: Tensor, entries: Tensor, counts: Tensor, weights: Tensor) -> Tensor:
    """The weighted sum of the next so many rows of `table`, for each of `counts`."""
    starts = counts.cumsum(0) - counts
    return functional.embedding_bag(entries, table, starts, mode="sum", per_sample_weights=weights)


def _gather(weight: Tensor, rows: Tensor) -> Tensor:
    return functional.embedding(rows, weight, sparse=True)


_outside_compiler: Any = torch.compiler.disable(_gather)
_summed_outside_compiler: Any = torch.compiler.disable(_Sums.apply)
"""The compiler knows no sparse gradients; all around the gathering is compiled."""


class Dropout(nn.Dropout):
    """Dropout whose random numbers come from where it is told.

    On a processor it takes sixteen bits for each unit: a fifth of the time of PyTorch's.
    """

    def forward(self, input: Tensor, noise: torch.Generator | None = None) -> Tensor:  # noqa: A002
        """`input` with units dropped, in training; `noise` is where random bits come from."""
        if not self.training or self.p == 0:
            return input
        if input.device.type != "cpu":
            return super().forward(input)
        bits = torch.empty(-(-input.numel() // 4), dtype=torch.int64)
        bits.random_(-(2**63), None, generator=noise)
        parts = bits.view(torch.int16)[: input.numel()].view(input.shape)
        kept = (parts >= round(self.p * 2**16) - 2**15).to(input.dtype)
        return input * kept.mul_(1 / (1 - self.p))


def tower(widths: Sequence[int], *, dropout: float = 0.0) -> nn.Sequential:
    """Linear layers of the given widths, each followed by ReLU (and dropout).

    Args:
        widths: Input width, then the output width of each layer.
        dropout: Share of units dropped in training.
    """
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(widths):
        linear = nn.Linear(wide, narrow)
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU(inplace=True)]  # nothing else reads what it overwrites
        if dropout:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)


class PairTower(nn.Module):
    """A tower over a person and a film side by side, for many films at the price of few.

    The first layer is applied to the two sides apart and the results are added, which is
    the same as applying it to both together, so that a person's part is computed once for
    all films and a film's part once for all people.

    Args:
        person: Width of a person's side.
        film: Width of a film's side.
        widths: Output widths of the layers, each followed by ReLU (and dropout).
        dropout: Share of units dropped in training.
    """

    def __init__(self, person: int, film: int, widths: Sequence[int], dropout: float = 0.0) -> None:
        super().__init__()
        self.person, self.film = person, film
        self.layers = tower([person + film, *widths], dropout=dropout)

    def forward(self, people: Tensor, films: Tensor) -> Tensor:
        """Outputs `[B, K, widths[-1]]` of `[B, person]` with `[K, film]` or `[B, K, film]`."""
        if films.ndim == 3 and films.shape[1] == 1:
            # Nothing is shared with a film each: one product costs less than two and their sum.
            return self.layers(torch.cat([people, films[:, 0]], 1))[:, None]
        return self.joined(self.of_people(people), self.of_films(films))

    def of_people(self, people: Tensor) -> Tensor:
        """What the first layer makes of people `[B, person]`, by themselves."""
        first = self._first
        return functional.linear(people, first.weight[:, : self.person], first.bias)

    def of_films(self, films: Tensor) -> Tensor:
        """What the first layer makes of films `[..., film]`, by themselves."""
        return functional.linear(films, self._first.weight[:, self.person :])

    def joined(self, left: Tensor, right: Tensor) -> Tensor:
        """Outputs `[B, K, widths[-1]]` from what the first layer made of both sides."""
        return self.layers[1:](left[:, None] + right)

    def weighed(self, people: Tensor, films: Tensor, weight: Tensor) -> Tensor:
        """Outputs `[B, K]`, each unit times its `weight`, without gradients.

        Args:
            people: `[B, person]`.
            films: `[K, film]` for everyone, or `[B, K, film]` for each.
            weight: `[widths[-1]]`.
        """
        left, right = self.of_people(people), self.of_films(films)
        many = films.ndim == 2 and len(left) * len(films) >= PAIRS
        if many and self._narrow and kernels.available():
            return self._weighed_compiled(left, right, weight)
        scores = left.new_empty(len(left), films.shape[-2])
        for rows in row_chunks(len(left), films.shape[-2] * left.shape[1], limit=CACHED):
            some = right if films.ndim == 2 else right[rows]
            scores[rows] = self.joined(left[rows], some) @ weight
        return scores

    def _weighed_compiled(self, left: Tensor, right: Tensor, weight: Tensor) -> Tensor:
        from matinee.kernels import tower as loop  # noqa: PLC0415 - needs numba

        upper = [(_array(layer.weight), _array(layer.bias)) for layer in self._linear[1:]]
        people, films = _array(left), _array(right)
        threads = torch.get_num_threads()
        return torch.from_numpy(loop.weigh(people, films, upper, _array(weight), threads))

    @property
    def _narrow(self) -> bool:
        """Whether a compiled loop can take the layers, and is the faster way."""
        largest = max((layer.weight.numel() for layer in self._linear[1:]), default=0)
        on_cpu = self._first.weight.device.type == "cpu"
        return on_cpu and largest <= NARROW and not self.training  # which may drop units

    @property
    def _linear(self) -> list[nn.Linear]:
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    @property
    def _first(self) -> nn.Linear:
        first = self.layers[0]
        assert isinstance(first, nn.Linear)
        return first


def _array(tensor: Tensor) -> Any:
    return tensor.detach().numpy()


def row_chunks(rows: int, floats_a_row: int, *, limit: int = 1 << 24) -> list[slice]:
    """Slices of rows so that a block of `floats_a_row` each stays under `limit` floats."""
    size = max(limit // max(floats_a_row, 1), 1)
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


def normalised(vectors: Tensor) -> Tensor:
    """Vectors `[n, d]` of length 1; null vectors stay null."""
    return functional.normalize(vectors, dim=-1)
