"""SASRec: self-attention over what a person rated, from left to right."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from matinee.config import Search
from matinee.data.batches import Batch
from matinee.models.attention import Block
from matinee.models.base import Sizes
from matinee.models.causal import Causal, CausalConfig


class SASRecConfig(CausalConfig):
    """Settings of `SASRec`."""

    widening: Annotated[int, Field(ge=1), Search(choices=(1, 2, 4))] = 4
    """How many times as wide as the vectors the inner layer of a block is; 1 in the paper."""


class SASRec(Causal[SASRecConfig]):
    """Self-attention over what a person rated, in order; the next film by a softmax.

    A causal transformer (Kang and McAuley, 'Self-attentive sequential recommendation', ICDM
    2018) trained at all places at once by cross-entropy over all films, or over many of them
    (Klenitskiy and Vasilev, 'Turning dross into gold loss', RecSys 2023), or by gBCE (Petrov
    and Macdonald, 'gSASRec', RecSys 2023).
    """

    name: ClassVar[str] = "sasrec"
    Config = SASRecConfig

    def __init__(self, config: SASRecConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.blocks = nn.ModuleList(
            Block(config.dim, config.heads, config.dropout, config.widening)
            for _ in range(config.blocks)
        )

    @property
    def widths(self) -> int:
        """Inputs and the norm, and what a block keeps."""
        return 12 + 20 * self.config.blocks

    def foretell(self, batch: Batch, noise: torch.Generator | None = None) -> Tensor:
        """Each place from what stands before it."""
        hidden = self.read(batch, noise)
        for block in self.blocks:
            hidden = block(hidden, noise)
        return self.norm(hidden)
