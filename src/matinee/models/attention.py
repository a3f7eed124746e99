"""Attention over a sequence: its settings, and the block of a transformer."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn
from torch.nn import functional

from matinee.config import Search
from matinee.models.layers import Dropout
from matinee.models.sequential import SequentialConfig


class AttentionConfig(SequentialConfig):
    """Settings of models of attention."""

    blocks: Annotated[int, Field(ge=1), Search(1, 4)] = 2
    """Layers of attention."""
    heads: Annotated[int, Field(ge=1, validate_default=True), Search(choices=(1, 2, 4))] = 2
    """Attention heads; a divisor of `dim`."""

    @field_validator("heads")
    @classmethod
    def _check_heads(cls, heads: int, told: ValidationInfo) -> int:
        if told.data.get("dim", heads) % heads:
            raise ValueError(f"a divisor of dim = {told.data['dim']}")
        return heads


class Block(nn.Module):
    """Self-attention and a feed-forward layer, each after a norm and around a shortcut.

    Args:
        dim: Width.
        heads: Attention heads.
        dropout: Share of units dropped in training.
        widening: How many times as wide the layer between is.
    """

    def __init__(self, dim: int, heads: int, dropout: float, widening: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_dense = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention, self.joined = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        wide = widening * dim
        self.dense = nn.Sequential(nn.Linear(dim, wide), nn.GELU(), nn.Linear(wide, dim))
        self.dropout = Dropout(dropout)

    def forward(
        self,
        hidden: Tensor,
        noise: torch.Generator | None = None,
        *,
        real: Tensor | None = None,
    ) -> Tensor:
        """What becomes of `[b, l, dim]`.

        Args:
            hidden: States of all places.
            noise: Where dropout draws from.
            real: `[b, l]` bool, the places that all see; by default each sees those up to itself.
        """
        parts = self.attention(self.before_attention(hidden)).chunk(3, -1)
        query, key, value = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in parts)
        mask = None if real is None else real[:, None, None, :]
        seen = _attend(query, key, value, mask)
        hidden = hidden + self.dropout(self.joined(seen.transpose(1, 2).flatten(2)), noise)
        return hidden + self.dropout(self.dense(self.before_dense(hidden)), noise)


def _attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Attention to what a mask shows, or else to all up to each place.

    It is in full precision on a processor, where the slopes of bfloat16 take seven times as long.
    """
    if query.device.type == "cpu":
        query, key, value = query.float(), key.float(), value.float()
    with torch.autocast("cpu", enabled=False):
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=mask is None
        )
