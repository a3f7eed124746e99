"""Models of the graph whose edges are who rated what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array
from torch import Tensor, nn
from torch.nn import functional

from matinee.config import Config, Search
from matinee.data.batches import Batch, PeopleBatches
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models.base import Learned, Sizes
from matinee.models.linear import bag
from matinee.models.losses import linear_cross_entropy, softmax_bytes
from matinee.training import TrainerConfig


class LightGCNConfig(Config):
    """Settings of `LightGCN`."""

    dim: Annotated[int, Field(ge=1), Search(32, 256, log=True)] = 64
    """Width of the vectors."""
    layers: Annotated[int, Field(ge=1), Search(1, 4)] = 3
    """How many edges far vectors reach."""


class LightGCN(Learned[LightGCNConfig]):
    """Vectors of people and films, each blended with those of its neighbours in the graph.

    In a layer everyone's vector becomes the sum of the vectors of the films they rated, each
    divided by the root of how many ratings the film and the person have, and every film's
    likewise; what counts is the mean over all layers, the learned vectors being the first
    (He et al., 'LightGCN: simplifying and powering graph convolution network for
    recommendation', SIGIR 2020, eq. 3-4). The loss is a softmax over all films rather than
    the paper's over pairs, so that an epoch is a few steps. A step goes over all edges.

    Someone new has no learned vector, but is the sum of the layers of the history's films all the
    same, and their own vector is taken to be what it usually is, given that sum.
    """

    name: ClassVar[str] = "lightgcn"
    Config = LightGCNConfig
    defaults: ClassVar[dict[str, Any]] = {
        "epochs": 60,
        "batch_size": 512,
        "learning_rate": 0.05,
        "weight_decay": 0.2,
    }
    known: Tensor
    found: Tensor
    said: Tensor

    def __init__(self, config: LightGCNConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.people = nn.Parameter(torch.randn(sizes.users, config.dim) * 0.1)
        self.films = nn.Parameter(torch.randn(sizes.items, config.dim) * 0.1)
        for name, rows in (("known", sizes.users), ("found", sizes.items), ("said", sizes.items)):
            self.register_buffer(name, torch.zeros(rows, config.dim))
        self._graph: Graph | None = None

    def prepare(self, data: Interactions) -> None:
        """Draw the graph."""
        self._graph = Graph(data, self.device)
        self.films.data[torch.from_numpy(data.item_counts == 0)] = 0.0

    def batches(self, data: Interactions, *, batch_size: int, seed: int) -> PeopleBatches:
        """People and all they watched."""
        return PeopleBatches(data, batch_size=batch_size, seed=seed)

    def training_bytes(self, loop: TrainerConfig) -> int:
        """The edges both ways, the vectors of two layers and their gradients, and the softmax."""
        people, rows = min(loop.batch_size, self.sizes.users), self.sizes.users + self.sizes.items
        return (
            32 * self.sizes.ratings
            + 4 * 5 * rows * self.config.dim
            + softmax_bytes(people, self.sizes.items)
        )

    def forward(self, batch: Batch) -> Tensor:
        """Mean cross-entropy of the films that people rated."""
        people, films = self._means()
        rows, wanted = batch["wanted_rows"], batch["wanted"]
        return linear_cross_entropy(people[batch["people"]], films, wanted, rows=rows)

    def train(self, mode: bool = True) -> Self:
        """Go into training or out of it, when what is needed to answer is worked out."""
        if self.training and not mode and self._graph is not None:
            self._settle()
        return super().train(mode)

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Inner products of the vectors of people and films."""
        (people, _), films = self.person_factors(queries), self.found
        if items is not None and items.ndim == 2:
            return torch.einsum("bd,bkd->bk", people, films[items])
        return people @ (films if items is None else films[items]).T

    def person_factors(self, queries: Queries) -> tuple[Tensor, Tensor]:
        """The vectors of those known, and of others by their histories; nothing is added."""
        strangers = bag(self.said, queries) * _root(queries.lengths)[:, None]
        known = (queries.users >= 0)[:, None]
        people = torch.where(known, self.known[queries.users.clamp_min(0)], strangers)
        return people, people.new_zeros(len(people), 1)

    def film_factors(self) -> Tensor:
        """The films' vectors, blended."""
        return self.found

    def item_vectors(self) -> Tensor:
        """The films' vectors, blended."""
        return self.found

    def _layers(self) -> Iterator[tuple[Tensor, Tensor]]:
        assert self._graph is not None
        return self._graph.layers(self.people, self.films, self.config.layers)

    def _means(self) -> tuple[Tensor, Tensor]:
        """What people `[n_users, dim]` and films `[n_items, dim]` come out as."""
        people, films = (torch.stack(side).mean(0) for side in zip(*self._layers(), strict=True))
        return people, films

    @torch.no_grad()
    def _settle(self) -> None:
        """Keep the means, and what each film adds to someone who is not in the graph."""
        assert self._graph is not None
        people, films = (torch.stack(side) for side in zip(*self._layers(), strict=True))
        self.known.copy_(people.mean(0))
        self.found.copy_(films.mean(0))
        gathered, passed = (part.sum(0) / len(people) for part in (people[1:], films[:-1]))
        self.said.copy_(self._graph.film_roots * passed @ _best_map(gathered, self.known))


class Graph:
    """Who rated what, as a way from films to people and one back.

    Args:
        data: The ratings.
        device: Where it is to be.
    """

    def __init__(self, data: Interactions, device: torch.device) -> None:
        people, films = np.diff(data.offsets), data.item_counts
        weights = (people[data.users] * films[data.items]) ** -0.5
        matrix = data.matrix(weights.astype(np.float32))
        self._to_people = _way(matrix, device)
        self._to_films = _way(matrix.T.tocsr(), device)
        self.film_roots = _root(torch.from_numpy(films).to(device))[:, None]

    def layers(self, people: Tensor, films: Tensor, count: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Vectors `[n_users, d]` and `[n_items, d]`, then `count` times what they become."""
        there, back = self._to_people, self._to_films
        yield people, films
        for _ in range(count):
            people, films = _pass(films, there, back), _pass(people, back, there)
            yield people, films


_Way = tuple[Tensor, Tensor, Tensor]
"""For each of those who receive: who gives, where the givers begin, and what each weighs."""


class _Passing(torch.autograd.Function):
    """A sparse matrix times vectors `[n, d]`; gradients take the way back."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, way: _Way, back: _Way) -> Tensor:
        ctx.back = back
        return _received(vectors, way)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        return _received(slopes[0].contiguous(), ctx.back), None, None


_pass: Any = torch.compiler.disable(_Passing.apply)
"""The compiler has no quicker way, and would trace it anew for every graph."""


def _received(vectors: Tensor, way: _Way) -> Tensor:
    givers, starts, weights = way
    return functional.embedding_bag(givers, vectors, starts, mode="sum", per_sample_weights=weights)


def _way(matrix: csr_array, device: torch.device) -> _Way:
    """The rows of a matrix as those who receive."""
    columns: tuple[NDArray[Any], ...] = (matrix.indices, matrix.indptr[:-1], matrix.data)
    givers, starts, weights = (torch.from_numpy(column).to(device) for column in columns)
    return givers.long(), starts.long(), weights


def _root(counts: Tensor) -> Tensor:
    """One by the root of counts, 0 of 0."""
    return torch.where(counts > 0, counts.clamp_min(1).rsqrt(), 0.0)


def _best_map(given: Tensor, wanted: Tensor) -> Tensor:
    """The matrix `[d, d]` by which `given` `[n, d]` comes nearest to `wanted` `[n, d]`."""
    normal = given.T @ given
    normal.diagonal().add_(1e-6 * normal.diagonal().mean().clamp_min(1e-12))
    return torch.linalg.solve(normal, given.T @ wanted)
