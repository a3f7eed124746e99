"""Linear models of order: what a history leads to, in closed form."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from matinee.config import Config, Search
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models.base import Sizes, Solved, pick
from matinee.models.linear import bag

Kernel = NDArray[np.float64]


class SLITConfig(Config):
    """Settings of `SLIT`."""

    past: Annotated[float, Field(gt=0), Search(2, 50, log=True)] = 10.0
    """Ratings since which a film of the history has lost all but 1/e of its weight."""
    memory: Annotated[float, Field(ge=0, le=1), Search(0, 0.1)] = 0.03
    """Weight that every film of the history keeps, however long ago it was rated."""
    future: Annotated[float, Field(gt=0), Search(0.5, 20, log=True)] = 5.0
    """Ratings ahead after which a film to foretell counts 1/e of the very next one."""
    l2: Annotated[float, Field(gt=0), Search(50, 10000, log=True)] = 1000.0
    """Ridge penalty; grows with the number of ratings."""


class SLIT(Solved[SLITConfig]):
    """Item-to-item weights from what was rated lately to what was rated next.

    At each place p of each history, the films before, `x_p`, are to foretell those to come,
    `y_p`. A film d places back weighs exp(-d / past) + memory in `x_p`, one d places ahead
    exp(-d / future) in `y_p`. The weights are the ridge regression of all y on all x,
    B = (XᵀX + λI)⁻¹ XᵀY (after Choi et al., 'Session-aware linear item-item models for
    session-based recommendation', WWW 2021, section 4.2).

    Two films of one history meet in XᵀX and XᵀY with weights that depend on their places
    alone, so that neither X nor Y is ever built: time goes with the number of such pairs,
    memory with the square of the number of films.
    """

    name: ClassVar[str] = "slit"
    Config = SLITConfig
    weights: Tensor

    def __init__(self, config: SLITConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.register_buffer("weights", torch.zeros(sizes.items, sizes.items))

    def solve(self, data: Interactions) -> None:
        """Gather both products, then solve for the weights."""
        longest = int(np.diff(data.offsets).max())
        ahead = np.exp(-np.arange(longest) / self.config.future)
        products = _products(data, self._weights_back(longest), ahead)
        gram, cross = (torch.from_numpy(p).to(self.weights) for p in products)
        gram.diagonal().add_(self.config.l2)
        self.weights.copy_(torch.cholesky_solve(cross, torch.linalg.cholesky(gram)))

    def solving_bytes(self) -> int:
        """Four more matrices of films by films, and the pairs of one distance."""
        return 16 * self.sizes.items**2 + 2 * super().solving_bytes()

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """The rows of B that belong to the history, the latest with the most weight."""
        places = torch.arange(len(queries.items), device=queries.items.device)
        back = queries.offsets[1:][queries.rows] - 1 - places
        longest = int(queries.lengths.max())
        weights = torch.from_numpy(self._weights_back(longest)).to(self.weights)
        return pick(bag(self.weights, queries, weights[back]), items)

    def item_vectors(self) -> Tensor:
        """What each film leads to: the rows of B, with 1 for the film itself."""
        return self.weights + torch.eye(self.sizes.items, device=self.weights.device)

    def _weights_back(self, places: int) -> Kernel:
        """The weight of the latest film of a history, the one before it, and so on."""
        return np.exp(-np.arange(places) / self.config.past) + self.config.memory


def _products(
    data: Interactions, back: Kernel, ahead: Kernel
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """XᵀX and XᵀY, `[n_items, n_items]` each, from all pairs of a person's ratings by distance.

    Of two films `lag` places apart, the later with `after` ratings behind it, both are in
    the past at `after` places, with weights back[t] and back[t + lag]; and the later is
    ahead of the earlier at `lag` places, with weights back[s] and ahead[lag - 1 - s].
    """
    size = data.n_items
    gram, cross = np.zeros((2, size * size), np.float32)
    after = data.offsets[data.users.astype(np.int64) + 1] - 1 - np.arange(len(data))
    leads = np.convolve(back, ahead).astype(np.float32)
    earlier = np.arange(len(data))
    for lag in range(len(back)):
        earlier = earlier[after[earlier] >= lag]
        pairs = data.items[earlier].astype(np.int64) * size + data.items[earlier + lag]
        both = np.append(0.0, np.cumsum(back[lag:] * back[: len(back) - lag])).astype(np.float32)
        # The diagonal is halved, as it is met again when the other half is added below.
        np.add.at(gram, pairs, both[after[earlier + lag]] / (1 if lag else 2))
        if lag:
            np.add.at(cross, pairs, leads[lag - 1])
    gram, cross = gram.reshape(size, size), cross.reshape(size, size)
    return gram + gram.T, cross
