"""Models that know no one: what is popular, always or of late."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from matinee.config import Config, Search
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models.base import Sizes, Solved, pick


class PopularityConfig(Config):
    """Settings of `Popularity`."""

    half_life: Annotated[float, Field(gt=0), Search(7, 1000, log=True)] | None = None
    """Days after which a rating counts half, seen from the last rating; None counts all alike."""


class Popularity(Solved[PopularityConfig]):
    """The same list for everyone: films by their number of ratings, old ones fading if asked."""

    name: ClassVar[str] = "popularity"
    Config = PopularityConfig

    def __init__(self, config: PopularityConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.register_buffer("weights", torch.zeros(sizes.items))

    weights: Tensor

    def solve(self, data: Interactions) -> None:
        """Count the ratings of each film.

        Raises:
            DataError: If ratings are to fade but have no times.
        """
        half_life = self.config.half_life
        fading = None if half_life is None else data.fading(half_life)
        counts = np.bincount(data.items, weights=fading, minlength=data.n_items)
        self.weights.copy_(torch.from_numpy(counts))

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """The weights of the films, once for each person."""
        return pick(self.weights.expand(len(queries), -1), items)
