"""Linear item-to-item models."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from matinee.config import Config, Search
from matinee.data.interactions import Interactions, dense
from matinee.data.queries import Queries
from matinee.models.base import Sizes, Solved, pick


class EASEConfig(Config):
    """Settings of `EASE`."""

    l2: Annotated[float, Field(gt=0), Search(10, 5000, log=True)] = 500.0
    """Ridge penalty; grows with the number of people."""


class EASE(Solved[EASEConfig]):
    """Embarrassingly shallow autoencoder: the best linear item-to-item weights, in closed form.

    With the Gram matrix G = XᵀX + λI and P = G⁻¹, the weights are B = I - P / diag(P),
    whose diagonal is zero (Steck, 'Embarrassingly Shallow Autoencoders for Sparse Data',
    WWW 2019, eq. 8). Memory and time are those of one `[n_items, n_items]` inverse.
    """

    name: ClassVar[str] = "ease"
    Config = EASEConfig
    weights: Tensor

    def __init__(self, config: EASEConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.register_buffer("weights", torch.zeros(sizes.items, sizes.items))

    def solve(self, data: Interactions) -> None:
        """Invert the regularised Gram matrix of the films that have ratings."""
        rated = torch.from_numpy(data.item_counts > 0)
        matrix = data.matrix()[:, rated.numpy()]
        gram = torch.from_numpy(dense(matrix.T @ matrix)).to(self.weights)
        gram.diagonal().add_(self.config.l2)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
        weights = inverse.div_(-inverse.diagonal().clone())
        weights.fill_diagonal_(0.0)
        films = rated.nonzero().squeeze(1).to(self.weights.device)
        self.weights.zero_()
        self.weights[films[:, None], films] = weights

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """The sum of the rows of B that belong to the history."""
        return pick(bag(self.weights, queries), items)

    def item_vectors(self) -> Tensor:
        """What each film says of all others: the rows of B, with 1 for the film itself."""
        return self.weights + torch.eye(self.sizes.items, device=self.weights.device)


def bag(table: Tensor, queries: Queries, weights: Tensor | None = None) -> Tensor:
    """The (weighted) sum of the table's rows `[n_items, d]` over each history: `[B, d]`."""
    return functional.embedding_bag(
        queries.items, table, queries.offsets[:-1], mode="sum", per_sample_weights=weights
    )
