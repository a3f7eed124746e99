"""What models of attention from left to right share: what they read of a place."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from typing_extensions import TypeVar

from matinee.data.batches import Batch
from matinee.models.attention import AttentionConfig
from matinee.models.base import Sizes
from matinee.models.sequential import Sequential


class CausalConfig(AttentionConfig):
    """Settings of models of attention from left to right."""

    counted: Literal["start", "end"] = "start"
    """Where places are counted from. From the end the place that is asked about is the same for all
    and learned best, but histories much shorter than those of training are read badly."""


C = TypeVar("C", bound=CausalConfig, default=CausalConfig)


class Causal(Sequential[C]):
    """A model that foretells each place from those before it, which it tells apart by number.

    A mark stands before the first film, so that the first one too is foretold and someone without
    a history is answered. A subclass adds its layers.
    """

    def __init__(self, config: C, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.places = nn.Embedding(config.length + 1, config.dim)
        self.begin(self.items, self.places)
        self.norm = nn.LayerNorm(config.dim)

    def read(self, batch: Batch, noise: torch.Generator | None = None) -> Tensor:
        """What a place is foretold from before any attention, `[b, l, dim]`."""
        tokens = self.items(self.before(batch["items"]))
        if self.config.counted == "end":
            places = self.places(self.following(batch))
        else:
            places = self.places.weight[: tokens.shape[1]]
        return self.dropout(tokens + places, noise)
