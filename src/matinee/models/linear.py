"""Linear item-to-item models."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from scipy.sparse import csr_array
from torch import Tensor
from torch.nn import functional
from typing_extensions import TypeVar

from matinee.config import Config, Search
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models.base import Sizes, Solved, pick
from matinee.models.gram import inverted, upper_gram


class EASEConfig(Config):
    """Settings of `EASE`."""

    l2: Annotated[float, Field(gt=0), Search(10, 5000, log=True)] = 500.0
    """Ridge penalty; grows with the number of people."""


E = TypeVar("E", bound=EASEConfig, default=EASEConfig)


class EASE(Solved[E]):
    """Embarrassingly shallow autoencoder: the best linear item-to-item weights, in closed form.

    With the Gram matrix G = XᵀX + λI and P = G⁻¹, the weights are B = I - P / diag(P),
    whose diagonal is zero (Steck, 'Embarrassingly Shallow Autoencoders for Sparse Data',
    WWW 2019, eq. 8). Memory and time are those of one `[n_items, n_items]` inverse.
    """

    name: ClassVar[str] = "ease"
    Config = EASEConfig
    weights: Tensor

    def __init__(self, config: E, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.register_buffer("weights", torch.zeros(sizes.items, sizes.items))

    def solve(self, data: Interactions) -> None:
        """Invert the regularised Gram matrix of the films of which anything is observed."""
        matrix = self.observations(data)
        seen = np.flatnonzero(np.bincount(matrix.indices, minlength=data.n_items))
        gram = torch.from_numpy(upper_gram(matrix[:, seen])).to(self.weights)
        gram.diagonal().add_(self.config.l2)
        weights = inverted(gram)
        weights.div_(-weights.diagonal().clone())
        weights.fill_diagonal_(0.0)
        films = torch.from_numpy(seen).to(self.weights.device)
        self.weights.zero_()
        self.weights[films[:, None], films] = weights

    def solving_bytes(self) -> int:
        """Three more matrices of films by films, or one sparse and one dense: it is quadratic."""
        return super().solving_bytes() + 12 * self.sizes.items**2

    def observations(self, data: Interactions) -> csr_array:
        """The rows, films in columns, that the weights are to reproduce: the people's ratings."""
        return data.matrix()

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
