"""GRU4Rec: a recurrent network over what a person rated."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from matinee.config import Search
from matinee.data.batches import Batch
from matinee.models.base import Sizes
from matinee.models.sequential import Sequential, SequentialConfig


class GRU4RecConfig(SequentialConfig):
    """Settings of `GRU4Rec`."""

    state: Annotated[int, Field(ge=1), Search(64, 512, log=True)] = 256
    """Width of what is remembered from film to film."""
    layers: Annotated[int, Field(ge=1), Search(1, 2)] = 1
    """Recurrent layers."""


class GRU4Rec(Sequential[GRU4RecConfig]):
    """A recurrent network that reads film after film; the next one by a softmax.

    Gated recurrent units (Hidasi et al., 'Session-based recommendations with recurrent neural
    networks', ICLR 2016) trained at all places at once, without breaks between sessions. The
    vectors that films are read by are those they are scored with.
    """

    name: ClassVar[str] = "gru4rec"
    Config = GRU4RecConfig
    share: ClassVar[int] = 8192

    def __init__(self, config: GRU4RecConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.begin(self.items)
        self.reader = nn.GRU(config.dim, config.state, config.layers, batch_first=True)
        self.out = nn.Linear(config.state, config.dim)
        self.norm = nn.LayerNorm(config.dim)

    @property
    def widths(self) -> int:
        """Inputs and outputs, and gates, states and their gradients in each layer."""
        config = self.config
        return 12 + 12 * config.layers * -(-config.state // config.dim)

    def foretell(self, batch: Batch, noise: torch.Generator | None = None) -> Tensor:
        """Each place from what stands before it."""
        tokens = self.dropout(self.items(self.before(batch["items"])), noise)
        hidden, _ = self.reader(tokens)
        return self.norm(self.out(self.dropout(hidden, noise)))
