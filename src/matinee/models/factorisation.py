"""Matrix factorisation of ratings."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from matinee import kernels
from matinee.config import Config, Search
from matinee.data.batches import Batch, LanedBatches
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models.base import Batches, CompiledLoop, Learned, Sizes
from matinee.models.layers import Table
from matinee.models.ragged import blocks
from matinee.training import TrainerConfig


class BiasedMFConfig(Config):
    """Settings of `BiasedMF`."""

    dim: Annotated[int, Field(ge=1), Search(8, 256, log=True)] = 64
    """Width of the vectors."""
    l2: Annotated[float, Field(ge=0), Search(1e-3, 0.5, log=True)] = 0.04
    """Penalty on the squared vectors of a rating, next to its squared error."""
    bias_l2: Annotated[float, Field(ge=0), Search(1e-4, 0.1, log=True)] = 0.03
    """Penalty on the squared biases of a rating."""


class BiasedMF(Learned[BiasedMFConfig]):
    """Stars as mean + bias of the person + bias of the film + inner product of their vectors.

    r̂ = μ + bᵤ + bᵢ + pᵤ·qᵢ, by least squares with an L2 penalty a rating (Koren, Bell and
    Volinsky, 'Matrix factorization techniques for recommender systems', 2009, eq. 5).
    Each row of a table is a vector with the bias in its last column. A new person's row is
    the exact ridge solution over the history, films frozen, with the penalty of someone who
    has rated at least as much as people usually have: three stars given say little.

    Training is plain stochastic gradient descent, with a learning rate that is that of a single
    rating and falls to 0. A compiled loop takes the ratings of a batch one after the other,
    PyTorch all at once: alike but for what is of second order in the learning rate, and the
    same with batches of one. What the loop does not know (another rule, decay of rows, clipping,
    bfloat16, a GPU) is left to PyTorch. It makes use of two threads at most, and ends with the
    same bits for one and two.
    """

    name: ClassVar[str] = "mf"
    Config = BiasedMFConfig
    defaults: ClassVar[dict[str, Any]] = {
        "epochs": 20,
        "batch_size": 512,
        "learning_rate": 0.015,
        "optimizer": "sgd",
        "momentum": 0.0,
        "schedule": "linear",
    }
    monitor: ClassVar[str] = "rmse"
    summed: ClassVar[bool] = True
    mean: Tensor
    low: Tensor
    high: Tensor
    usual: Tensor
    ridge: Tensor

    def __init__(self, config: BiasedMFConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.users = Table(sizes.users, config.dim + 1, std=0.1 / config.dim**0.5)
        self.items = Table(sizes.items, config.dim + 1, std=0.1 / config.dim**0.5)
        for side in (self.users, self.items):
            side.weight.data[:, -1] = 0.0
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))
        self.register_buffer("usual", torch.zeros(()))
        ridge = torch.full((config.dim + 1,), config.l2)
        ridge[-1] = config.bias_l2
        # Never quite nothing, so that the normal equations have a solution without a penalty.
        self.register_buffer("ridge", ridge + 1e-6, persistent=False)

    def prepare(self, data: Interactions) -> None:
        """Note the mean and the scale of the ratings, and how many people usually give."""
        self.mean.fill_(float(data.ratings.mean()))
        self.low.fill_(data.scale.low)
        self.high.fill_(data.scale.high)
        self.usual.fill_(len(data) / max(len(data.active_users), 1))
        # Films that nobody rated are average ones, not random ones.
        self.items.weight.data[torch.from_numpy(data.item_counts == 0)] = 0.0

    def batches(self, data: Interactions, *, batch_size: int, seed: int) -> LanedBatches:
        """Ratings as they are, in an order that two threads can share."""
        return LanedBatches(data, batch_size=batch_size, seed=seed)

    def held_out_batches(
        self, held_out: Interactions, train: Interactions, *, batch_size: int, seed: int
    ) -> LanedBatches:
        """Held-out ratings as they are."""
        del train  # it has drawn nothing that would have to be avoided
        return self.batches(held_out, batch_size=batch_size, seed=seed)

    def training_bytes(self, loop: TrainerConfig) -> int:
        """The ratings in their own order, and the rows of a batch if PyTorch takes them."""
        rows = 0 if self._looped(loop) else min(loop.batch_size, self.sizes.ratings)
        return 40 * self.sizes.ratings + 48 * rows * (self.config.dim + 1)

    def forward(self, batch: Batch) -> Tensor:
        """Mean squared error with the penalty of the rows that took part."""
        people, films = self.users(batch["users"]), self.items(batch["items"])
        error = self._affinity(people, films) + self.mean - batch["ratings"]
        penalty = self._penalty(people) + self._penalty(films)
        return (error.square() + penalty).mean()

    def compiled_loop(self, batches: Batches, config: TrainerConfig) -> CompiledLoop | None:
        """The loop of plain SGD."""
        if not self._looped(config):
            return None
        from matinee.models.mfloop import MFLoop, Stars  # noqa: PLC0415 - needs numba

        assert isinstance(batches, LanedBatches)
        stars = Stars(self.mean.item(), self.config.l2, self.config.bias_l2)
        return MFLoop(stars, batches, config.momentum)

    def _looped(self, config: TrainerConfig) -> bool:
        """Whether the compiled loop is there, and knows the rule."""
        plain = config.plain and config.optimizer == "sgd" and not config.embedding_decay
        return plain and kernels.available()

    @torch.no_grad()
    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Expected stars, not clipped to the scale so that the best films stay apart."""
        (people, offset), films = self.person_factors(queries), self.film_factors()
        if items is None or items.ndim == 1:
            return functional.linear(people, films if items is None else films[items]).add_(offset)
        return torch.bmm(films[items], people[..., None]).squeeze(2).add_(offset)

    @torch.no_grad()
    def person_factors(self, queries: Queries) -> tuple[Tensor, Tensor]:
        """People's vectors with a one for the films' biases; the stars that any film gets."""
        people = self.people(queries)
        offset = people[:, -1:] + self.mean
        people[:, -1] = 1.0
        return people, offset

    def film_factors(self) -> Tensor:
        """The films' vectors, with their biases in the last column."""
        return self.items.weight.detach()

    def predict(self, queries: Queries, items: Tensor) -> Tensor:
        """Expected stars on the scale of the data."""
        return self.stars(self.score(queries, items))

    def stars(self, scores: Tensor) -> Tensor:
        """Scores are expected stars but for the ends of the scale."""
        return scores.clamp(self.low, self.high)

    def people(self, queries: Queries) -> Tensor:
        """Rows `[B, dim + 1]` of those who ask, from the table or solved from the history."""
        new = queries.users < 0
        if bool(new.all()):
            return self._solve(queries)
        rows = self.users(queries.users.clamp_min(0)).detach().clone()
        strangers = new.nonzero().squeeze(1)
        if len(strangers):
            rows[strangers] = self._solve(queries.take(strangers))
        return rows

    def item_vectors(self) -> Tensor:
        """The films' vectors, without their bias."""
        return self.items.weight.detach()[:, :-1]

    def _affinity(self, people: Tensor, films: Tensor) -> Tensor:
        return (people[:, :-1] * films[:, :-1]).sum(1) + people[:, -1] + films[:, -1]

    def _penalty(self, rows: Tensor) -> Tensor:
        vectors, biases = rows[:, :-1].square().sum(1), rows[:, -1].square()
        return self.config.l2 * vectors + self.config.bias_l2 * biases

    def _solve(self, queries: Queries) -> Tensor:
        """The ridge solutions for B strangers, `[B, dim + 1]`; see the class."""
        films = self.items.weight.detach()
        if kernels.at_hand() and films.device.type == "cpu":
            return self._solve_compiled(queries)
        given = torch.maximum(self.usual, queries.lengths)
        rows = films.new_zeros(len(queries), films.shape[1])
        for people, entries, inside in blocks(queries.offsets, films.shape[1]):
            design = films[queries.items[entries]]  # [b, L, dim + 1]
            target = queries.ratings[entries] - self.mean - design[..., -1]
            design[..., -1] = 1.0
            design *= inside[..., None]
            normal = design.mT @ design
            normal.diagonal(dim1=1, dim2=2).addcmul_(self.ridge, given[people, None])
            right = design.mT @ target[..., None]
            rows[people] = torch.cholesky_solve(right, torch.linalg.cholesky(normal)).squeeze(2)
        return rows

    def _solve_compiled(self, queries: Queries) -> Tensor:
        from matinee.kernels import ridge  # noqa: PLC0415 - compiles

        films = self.items.weight.detach()
        targets = queries.ratings - self.mean - films[queries.items, -1]
        penalty = torch.maximum(self.usual, queries.lengths)[:, None] * self.ridge
        base = films.new_zeros(films.shape[1], films.shape[1])
        arrays = (films, queries.items, targets, queries.offsets, base, penalty)
        solved = ridge.solve(*(array.numpy() for array in arrays), intercept=True)
        return torch.from_numpy(solved)
