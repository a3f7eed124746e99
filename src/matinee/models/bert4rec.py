"""BERT4Rec: self-attention over what a person rated, from both sides."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from matinee.config import Search
from matinee.data.batches import Batch, SequenceBatches
from matinee.data.interactions import Interactions
from matinee.models.attention import AttentionConfig, Block
from matinee.models.base import Sizes
from matinee.models.sequential import Sequential


class BERT4RecConfig(AttentionConfig):
    """Settings of `BERT4Rec`."""

    masked: Annotated[float, Field(gt=0, lt=1), Search(0.1, 0.6)] = 0.2
    """Share of each sequence that is hidden, to be foretold from the rest."""
    widening: Annotated[int, Field(ge=1), Search(choices=(1, 2, 4))] = 4
    """How many times as wide as the vectors the inner layer of a block is."""


class BERT4Rec(Sequential[BERT4RecConfig]):
    """Self-attention in both directions; hidden films are foretold by a softmax.

    Sun et al., 'BERT4Rec: sequential recommendation with bidirectional encoder representations
    from transformer', CIKM 2019. In training a mark stands in place of some films, drawn anew
    in each epoch; when asked, after the last one. Places are counted from the end, so that the
    one that is asked about later is one that was trained.
    """

    name: ClassVar[str] = "bert4rec"
    Config = BERT4RecConfig

    def __init__(self, config: BERT4RecConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.places = nn.Embedding(config.length + 1, config.dim)
        self.begin(self.items, self.places)
        self.blocks = nn.ModuleList(
            Block(config.dim, config.heads, config.dropout, config.widening)
            for _ in range(config.blocks)
        )
        self.norm = nn.LayerNorm(config.dim)

    @property
    def widths(self) -> int:
        """Inputs and the norm, and what a block keeps."""
        return 12 + 20 * self.config.blocks

    def batches(self, data: Interactions, *, batch_size: int, seed: int) -> SequenceBatches:
        """Sequences, each person's once an epoch, asked about the share that is hidden."""
        length, asked = self.config.length + 1, self.config.masked
        return SequenceBatches(data, length=length, batch_size=batch_size, seed=seed, asked=asked)

    def foretell(self, batch: Batch, noise: torch.Generator | None = None) -> Tensor:
        """Each hidden place from all that is shown."""
        items, asked = batch["items"], batch["asked"]
        real = asked | (items < self.sizes.items)
        tokens = self.items(items.masked_fill(asked, self.sizes.items))
        hidden = self.dropout(tokens + self.places(self.following(batch)), noise)
        for block in self.blocks:
            hidden = block(hidden, noise, real=real)
        return self.norm(hidden)
