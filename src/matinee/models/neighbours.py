"""Neighbourhood models: films that go together, and people who are alike."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from scipy.sparse import csr_array
from torch import Tensor

from matinee.config import Config, Search
from matinee.data.interactions import Interactions, dense
from matinee.data.queries import Queries
from matinee.models.base import Sizes, Solved, pick

BLOCK = 1024
"""Columns of a similarity matrix that are held densely at a time."""


class NeighboursConfig(Config):
    """Settings of the neighbourhood models."""

    neighbours: Annotated[int, Field(ge=1), Search(10, 500, log=True)] = 100
    """How many of the most similar films (or people) count."""
    shrinkage: Annotated[float, Field(ge=0), Search(0, 200)] = 10.0
    """Added to the denominator of the cosine, so that a similarity on few ratings counts less."""


class ItemNeighbours(Solved[NeighboursConfig]):
    """Films that the same people rated, by shrunk cosine; a list sums over the history.

    sim(i, j) = |U_i ∩ U_j| / (√(|U_i| |U_j|) + shrinkage), and score(i) is the sum of
    sim(i, j) over the films j of the history that are among the nearest of i
    (Sarwar et al., 'Item-based collaborative filtering', WWW 2001; shrinkage as in Bell and
    Koren, 'Scalable collaborative filtering', ICDM 2007).
    """

    name: ClassVar[str] = "itemknn"
    Config = NeighboursConfig
    nearest: Tensor
    similarity: Tensor

    def __init__(self, config: NeighboursConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        width = min(config.neighbours, max(sizes.items - 1, 1))
        self.register_buffer("nearest", torch.zeros(sizes.items, width, dtype=torch.int64))
        self.register_buffer("similarity", torch.zeros(sizes.items, width))

    def solve(self, data: Interactions) -> None:
        """Find the nearest films of each, a block of films at a time."""
        matrix = data.matrix()
        norms = np.sqrt(data.item_counts).astype(np.float32)
        width = self.nearest.shape[1]
        transposed = matrix.T.tocsr()
        for start in range(0, data.n_items, BLOCK):
            stop = min(start + BLOCK, data.n_items)
            block = dense(transposed[start:stop] @ matrix)
            block /= np.outer(norms[start:stop], norms) + max(self.config.shrinkage, 1e-9)
            cosine = torch.from_numpy(block)
            cosine[torch.arange(stop - start), torch.arange(start, stop)] = 0.0
            top = cosine.topk(width, dim=1)
            self.similarity[start:stop] = top.values
            self.nearest[start:stop] = top.indices

    def solving_bytes(self) -> int:
        """Both matrices, and a block of the products of films, sparse and dense."""
        block = min(BLOCK, self.sizes.items) * self.sizes.items
        return super().solving_bytes() + 20 * block

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Sums over the nearest films of each film that are in the history."""
        history = queries.dense(self.sizes.items).T
        return pick((self._sparse() @ history).T, items)

    def item_vectors(self) -> Tensor:
        """The row of similarities of each film, with 1 for the film itself."""
        return self._sparse().to_dense() + torch.eye(self.sizes.items, device=self.device)

    def _sparse(self) -> Tensor:
        n, width = self.nearest.shape
        rows = torch.arange(n, device=self.device).repeat_interleave(width)
        indices = torch.stack([rows, self.nearest.flatten()])
        values = self.similarity.flatten()
        return torch.sparse_coo_tensor(indices, values, (n, n), check_invariants=True)


class UserNeighbours(Solved[NeighboursConfig]):
    """People who rated the same films, by shrunk cosine; a list sums over their films.

    sim(u, v) = |I_u ∩ I_v| / (√(|I_u| |I_v|) + shrinkage), and score(i) is the sum of
    sim(u, v) over the nearest people v who rated i (Resnick et al., 'GroupLens', CSCW 1994,
    for unary feedback). A known person is never their own neighbour.
    """

    name: ClassVar[str] = "userknn"
    Config = NeighboursConfig
    offsets: Tensor
    items: Tensor

    def __init__(self, config: NeighboursConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.register_buffer("offsets", torch.zeros(sizes.users + 1, dtype=torch.int64))
        self.register_buffer("items", torch.zeros(sizes.ratings, dtype=torch.int32))

    def solve(self, data: Interactions) -> None:
        """Remember who rated what."""
        self.offsets.copy_(torch.from_numpy(data.offsets))
        self.items.copy_(torch.tensor(data.items))

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Sums over the films of the people nearest to each history."""
        matrix = self._matrix()
        asked = csr_array(
            (
                np.ones(len(queries.items), np.float32),
                queries.items.cpu().numpy(),
                queries.offsets.cpu().numpy(),
            ),
            shape=(len(queries), self.sizes.items),
        )
        near = self._nearest(self._similarity(matrix, asked), queries.users.cpu())
        scores = torch.from_numpy(dense(near @ matrix)).to(self.device)
        return pick(scores, items)

    def item_vectors(self) -> Tensor | None:
        """None: similarity of films is not what this model knows."""
        return None

    def _matrix(self) -> csr_array:
        items = self.items.cpu().numpy()
        return csr_array(
            (np.ones(len(items), np.float32), items, self.offsets.cpu().numpy()),
            shape=(self.sizes.users, self.sizes.items),
        )

    def _similarity(self, matrix: csr_array, asked: csr_array) -> Tensor:
        """Shrunk cosine of B histories with everyone: `[B, n_users]`."""
        common = dense(asked @ matrix.T)
        theirs = np.sqrt(np.diff(matrix.indptr)).astype(np.float32)
        ours = np.sqrt(np.diff(asked.indptr)).astype(np.float32)
        return torch.from_numpy(
            common / (np.outer(ours, theirs) + max(self.config.shrinkage, 1e-9))
        )

    def _nearest(self, similarity: Tensor, users: Tensor) -> csr_array:
        """The similarities of the nearest people alone, as `[B, n_users]`."""
        known = (users >= 0).nonzero().squeeze(1)
        similarity[known, users[known]] = 0.0
        width = min(self.config.neighbours, self.sizes.users)
        top = similarity.topk(width, dim=1)
        pointers = np.arange(len(users) + 1) * width
        return csr_array(
            (top.values.flatten().numpy(), top.indices.flatten().numpy(), pointers),
            shape=tuple(similarity.shape),
        )
