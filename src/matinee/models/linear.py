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
    half_life: Annotated[float, Field(gt=0), Search(30, 3000, log=True)] | None = None
    """Days after which a rating counts half, seen from the last rating; None counts all alike."""


E = TypeVar("E", bound=EASEConfig, default=EASEConfig)


class EASE(Solved[E]):
    """Embarrassingly shallow autoencoder: the best linear item-to-item weights, in closed form.

    With the Gram matrix G = XᵀX + λI and P = G⁻¹, the weights are B = I - P / diag(P),
    whose diagonal is zero (Steck, 'Embarrassingly Shallow Autoencoders for Sparse Data',
    WWW 2019, eq. 8). Memory and time are those of one `[n_items, n_items]` inverse. Where
    ratings fade, two films of a person meet in G with the root of what both still weigh.
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
        gram.diagonal().add_(self.penalty(gram.diagonal()))
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
        """The rows, films in columns, that the weights are to reproduce: the people's ratings.

        Raises:
            DataError: If ratings are to fade but have no times.
        """
        half_life = self.config.half_life
        return data.matrix(None if half_life is None else data.fading(half_life) ** 0.5)

    def penalty(self, counts: Tensor) -> Tensor | float:
        """What is added to the diagonal of XᵀX, `[n]`, which is given."""
        del counts
        return self.config.l2

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """The sum of the rows of B that belong to the history."""
        return pick(bag(self.weights, queries), items)

    def item_vectors(self) -> Tensor:
        """What each film says of all others: the rows of B, with 1 for the film itself."""
        return self.weights + torch.eye(self.sizes.items, device=self.weights.device)


class EDLAEConfig(EASEConfig):
    """Settings of `EDLAE`."""

    l2: Annotated[float, Field(gt=0), Search(10, 2000, log=True)] = 300.0
    """Ridge penalty, beside that of the dropout; grows with the number of people."""
    dropout: Annotated[float, Field(ge=0, lt=1), Search(0.05, 0.7)] = 0.4
    """Share of the films that are hidden from the model and to be foretold; 0 is `EASE`."""


F = TypeVar("F", bound=EDLAEConfig, default=EDLAEConfig)


class EDLAE(EASE[F]):
    """`EASE` that learned to foretell what is hidden from it, with as many draws as there are.

    Of each person a share p of the films is dropped, and only those count in the error. The
    best weights over all draws are those of EASE with a penalty of λ + p / (1 - p) · G_ii for
    film i: what is often watched is held back in proportion (Steck, 'Autoencoders that don't
    overfit towards the identity', NeurIPS 2020, section 3.3, at full rank).
    """

    name: ClassVar[str] = "edlae"
    Config = EDLAEConfig

    def penalty(self, counts: Tensor) -> Tensor:
        """The ridge, and what dropping films comes to."""
        dropout = self.config.dropout
        return self.config.l2 + dropout / (1 - dropout) * counts


def bag(table: Tensor, queries: Queries, weights: Tensor | None = None) -> Tensor:
    """The (weighted) sum of the table's rows `[n_items, d]` over each history: `[B, d]`."""
    return functional.embedding_bag(
        queries.items, table, queries.offsets[:-1], mode="sum", per_sample_weights=weights
    )
