"""Implicit alternating least squares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from scipy.sparse import csr_array
from torch import Tensor

from matinee import kernels
from matinee.config import Config, Search
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models.base import Sizes, Solved
from matinee.models.ragged import BLOCK, blocks


class IALSConfig(Config):
    """Settings of `IALS`."""

    dim: Annotated[int, Field(ge=1), Search(16, 512, log=True)] = 64
    """Width of the factors."""
    epochs: Annotated[int, Field(ge=1), Search(4, 32)] = 16
    """Sweeps; each solves for everyone and then for every film."""
    unobserved: Annotated[float, Field(gt=0), Search(1e-3, 2, log=True)] = 0.3
    """Weight of a pair that was not rated, next to 1 for a rated one."""
    l2: Annotated[float, Field(gt=0), Search(1e-4, 0.1, log=True)] = 0.005
    """Ridge penalty λ, scaled by frequency (see `exponent`)."""
    exponent: Annotated[float, Field(ge=0, le=1), Search(0, 1)] = 1.0
    """ν in λ_u = λ (|I_u| + unobserved · n)^ν: 0 penalises all alike, 1 by frequency."""
    steps: Annotated[int, Field(ge=1)] = 3
    """Steps of conjugate gradient that a sweep takes towards each vector's solution."""
    init: Annotated[float, Field(gt=0)] = 0.1
    """Standard deviation of a film's initial vector, divided by √dim."""
    seed: int = 0
    """Of the initial vectors."""


class IALS(Solved[IALSConfig]):
    """Matrix factorisation of 'rated or not' over all pairs, by alternating least squares.

    Minimises Σ_rated (1 - wᵤ·hᵢ)² + α Σ_all (wᵤ·hᵢ)² + Σᵤ λᵤ|wᵤ|² + Σᵢ λᵢ|hᵢ|²
    (Hu, Koren and Volinsky, ICDM 2008; weighting and frequency-scaled penalty as in Rendle
    et al., 'Revisiting the performance of iALS on item recommendation benchmarks',
    RecSys 2022, eq. 1-4). A sweep goes from where the last one ended some steps of conjugate
    gradient towards each solution (Takács, Pilászy and Tikk, 'Applications of the conjugate
    gradient method for implicit feedback collaborative filtering', RecSys 2011). A person's
    vector is solved for from the history whenever asked, so that known and new people are
    served alike and only films are remembered.
    """

    name: ClassVar[str] = "ials"
    Config = IALSConfig
    factors: Tensor
    gram: Tensor

    def __init__(self, config: IALSConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.register_buffer("factors", torch.zeros(sizes.items, config.dim))
        self.register_buffer("gram", torch.zeros(config.dim, config.dim))

    def solve(self, data: Interactions) -> None:
        """Alternate between people and films for `epochs` sweeps."""
        generator = torch.Generator().manual_seed(self.config.seed)
        start = torch.randn(self.factors.shape, generator=generator)
        items = start.mul_(self.config.init / self.config.dim**0.5).to(self.device)
        items[torch.from_numpy(data.item_counts == 0)] = 0.0  # their solution
        users = items.new_zeros(data.n_users, self.config.dim)
        by_user = self._rows(data.matrix())
        by_item = self._rows(data.matrix().T.tocsr())
        descend = self._descend
        if kernels.available() and self.device.type == "cpu":
            descend = self._descend_compiled
        for _ in range(self.config.epochs):
            descend(*by_user, items, users)
            descend(*by_item, users, items)
        self.factors.copy_(items)
        self.gram.copy_(items.T @ items)

    def solving_bytes(self) -> int:
        """The ratings both ways, the vectors of everyone, and those gathered for a block."""
        rows = self.sizes.users + self.sizes.items
        return 2 * super().solving_bytes() + 12 * rows * self.config.dim + 3 * 4 * BLOCK

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Inner products of the films with the vector solved from each history."""
        (people, _), films = self.person_factors(queries), self.factors
        if items is not None and items.ndim == 2:
            return torch.einsum("bd,bkd->bk", people, films[items])
        return people @ (films if items is None else films[items]).T

    def person_factors(self, queries: Queries) -> tuple[Tensor, Tensor]:
        """The vector solved from each history; nothing is added."""
        people = self._solution(queries.offsets, queries.items)
        return people, people.new_zeros(len(people), 1)

    def film_factors(self) -> Tensor:
        """The films' factors."""
        return self.factors

    def item_vectors(self) -> Tensor:
        """The films' factors."""
        return self.factors

    def _penalty(self, offsets: Tensor, fixed: Tensor) -> Tensor:
        """λ_r `[n]` of the rows that `offsets` bounds, the other side being `fixed` `[m, dim]`."""
        everything = offsets.diff() + self.config.unobserved * len(fixed)
        return self.config.l2 * everything**self.config.exponent

    def _solution(self, offsets: Tensor, indices: Tensor) -> Tensor:
        """Each person's vector, `[n, dim]`: of (Σ hhᵀ + α HᵀH + λ_r I) w = Σ h over the history."""
        penalty = self._penalty(offsets, self.factors)
        if kernels.at_hand() and self.device.type == "cpu":
            return self._solution_compiled(offsets, indices, penalty)
        solution = self.factors.new_zeros(len(penalty), self.config.dim)
        for rows, gathered in _gathered(offsets, indices, self.factors):
            normal = torch.baddbmm(self.gram, gathered.mT, gathered, beta=self.config.unobserved)
            normal.diagonal(dim1=1, dim2=2).add_(penalty[rows, None])
            right = gathered.sum(1, keepdim=True).mT
            solved = torch.cholesky_solve(right, torch.linalg.cholesky(normal))
            solution[rows] = solved.squeeze(2)
        return solution

    def _solution_compiled(self, offsets: Tensor, indices: Tensor, penalty: Tensor) -> Tensor:
        from matinee.kernels import ridge  # noqa: PLC0415 - compiles

        base = self.config.unobserved * self.gram
        penalties = penalty[:, None].repeat(1, self.config.dim)
        arrays = (self.factors, indices, torch.ones(len(indices)), offsets, base, penalties)
        solved = ridge.solve(*(array.numpy() for array in arrays), intercept=False)
        return torch.from_numpy(solved)

    def _descend(self, offsets: Tensor, indices: Tensor, fixed: Tensor, moving: Tensor) -> None:
        """Take `steps` of conjugate gradient in every row of `moving` `[n, dim]`, in place.

        Row r has the entries `indices[offsets[r]:offsets[r + 1]]`, rows of `fixed` `[m, dim]`.
        """
        gram = self.config.unobserved * fixed.T @ fixed
        penalty = self._penalty(offsets, fixed)
        for rows, gathered in _gathered(offsets, indices, fixed):

            def image(x: Tensor, rows: Tensor = rows, gathered: Tensor = gathered) -> Tensor:
                seen = (x[:, None] @ gathered.mT) @ gathered
                return x @ gram + penalty[rows, None] * x + seen.squeeze(1)

            start = moving[rows]
            right = gathered.sum(1)
            moving[rows] = conjugate_gradient(image, right, start, self.config.steps)

    def _descend_compiled(
        self, offsets: Tensor, indices: Tensor, fixed: Tensor, moving: Tensor
    ) -> None:
        """The same as `_descend`, compiled."""
        from matinee.kernels.conjugate import descend  # noqa: PLC0415 - numba is an extra

        gram = self.config.unobserved * fixed.T @ fixed
        descend(
            offsets.numpy(),
            indices.numpy(),
            fixed.numpy(),
            gram.numpy(),
            self._penalty(offsets, fixed).numpy(),
            moving.numpy(),
            self.config.steps,
            threads=torch.get_num_threads(),
        )

    def _rows(self, matrix: csr_array) -> tuple[Tensor, Tensor]:
        """Where each row of a matrix begins, and its columns."""
        offsets = torch.from_numpy(matrix.indptr.astype(np.int64))
        return offsets.to(self.device), torch.from_numpy(matrix.indices).to(self.device)


def conjugate_gradient(
    image: Callable[[Tensor], Tensor], right: Tensor, start: Tensor, steps: int
) -> Tensor:
    """Some steps from `start` towards the solution x of Ax = right, in each of n rows.

    Hestenes and Stiefel, 'Methods of conjugate gradients for solving linear systems', 1952.

    Args:
        image: x `[n, d]` to Ax `[n, d]`; each row has a positive definite A of its own.
        right: `[n, d]`.
        start: `[n, d]`.
        steps: At most; a row that has arrived stays.
    """
    x = start
    residual = right - image(x)
    direction, square = residual, residual.square().sum(1, keepdim=True)
    for _ in range(steps):
        moved = image(direction)
        far = _ratio(square, (direction * moved).sum(1, keepdim=True))
        x = x + far * direction
        residual = residual - far * moved
        before, square = square, residual.square().sum(1, keepdim=True)
        direction = residual + _ratio(square, before) * direction
    return x


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    return torch.where(below > 0, above / below, 0.0)


def _gathered(offsets: Tensor, indices: Tensor, fixed: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Blocks of rows: their numbers `[r]`, and their entries' vectors `[r, L, d]`, padded."""
    for rows, entries, inside in blocks(offsets, fixed.shape[1]):
        if len(indices):
            yield rows, fixed[indices[entries]] * inside[..., None]
        else:
            yield rows, fixed.new_zeros(*entries.shape, fixed.shape[1])
