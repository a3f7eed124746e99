"""Implicit alternating least squares."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

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
    init: Annotated[float, Field(gt=0)] = 0.1
    """Standard deviation of a film's initial vector, divided by √dim."""
    seed: int = 0
    """Of the initial vectors."""


class IALS(Solved[IALSConfig]):
    """Matrix factorisation of 'rated or not' over all pairs, by alternating least squares.

    Minimises Σ_rated (1 - wᵤ·hᵢ)² + α Σ_all (wᵤ·hᵢ)² + Σᵤ λᵤ|wᵤ|² + Σᵢ λᵢ|hᵢ|²
    (Hu, Koren and Volinsky, ICDM 2008; weighting and frequency-scaled penalty as in Rendle
    et al., 'Revisiting the performance of iALS on item recommendation benchmarks',
    RecSys 2022, eq. 1-4). A person's vector is solved from the history whenever asked, so
    that known and new people are served alike and only films are remembered.
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
        matrix = data.matrix()
        by_user = _ragged(matrix.indptr, matrix.indices, self.device)
        transposed = matrix.T.tocsr()
        by_item = _ragged(transposed.indptr, transposed.indices, self.device)
        for _ in range(self.config.epochs):
            users = self._half_sweep(*by_user, items)
            items = self._half_sweep(*by_item, users)
        self.factors.copy_(items)
        self.gram.copy_(items.T @ items)

    def solving_bytes(self) -> int:
        """The vectors of everyone, and the equations of a block of people."""
        dim, rows = self.config.dim, max(self.sizes.users, self.sizes.items)
        together = 4 * (3 * BLOCK + 3 * dim**2 * min(rows, BLOCK // (8 * dim)))
        return 2 * super().solving_bytes() + 8 * rows * dim + together

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Inner products of the films with the vector solved from each history."""
        vectors = self.person_factors(queries)
        if items is not None and items.ndim == 2:
            return torch.einsum("bd,bkd->bk", vectors, self.factors[items])
        return vectors @ (self.factors if items is None else self.factors[items]).T

    def person_factors(self, queries: Queries) -> Tensor:
        """The vector solved from each history."""
        return self._half_sweep(queries.offsets, queries.items, self.factors, self.gram)

    def film_factors(self) -> Tensor:
        """The films' factors."""
        return self.factors

    def item_vectors(self) -> Tensor:
        """The films' factors."""
        return self.factors

    def _half_sweep(
        self, offsets: Tensor, indices: Tensor, fixed: Tensor, gram: Tensor | None = None
    ) -> Tensor:
        """Solve every row's vector with the other side `fixed` `[m, dim]`: `[n, dim]`.

        Row r has the entries `indices[offsets[r]:offsets[r + 1]]`; each solves
        (Σ hhᵀ + α FᵀF + λ_r I) w = Σ h, in chunks of rows of like length.
        """
        config = self.config
        gram = fixed.T @ fixed if gram is None else gram
        lengths = offsets.diff()
        penalty = config.l2 * (lengths + config.unobserved * len(fixed)) ** config.exponent
        solution = fixed.new_zeros(len(lengths), config.dim)
        padded = torch.cat([fixed, fixed.new_zeros(1, config.dim)])
        for rows, entries, inside in blocks(offsets, config.dim):
            films = indices[entries] if len(indices) else entries
            gathered = padded[torch.where(inside, films, len(fixed))]  # [r, L, dim]
            normal = torch.baddbmm(gram, gathered.mT, gathered, beta=config.unobserved)
            normal.diagonal(dim1=1, dim2=2).add_(penalty[rows, None])
            right = gathered.sum(1, keepdim=True).mT
            solved = torch.cholesky_solve(right, torch.linalg.cholesky(normal))
            solution[rows] = solved.squeeze(2)
        return solution


def _ragged(
    pointers: np.ndarray, indices: np.ndarray, device: torch.device
) -> tuple[Tensor, Tensor]:
    offsets = torch.from_numpy(pointers.astype(np.int64))
    return offsets.to(device), torch.from_numpy(indices.astype(np.int64)).to(device)
