"""Models of order: what comes after what a person rated last."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from matinee.config import Config, Search
from matinee.data.batches import Batch, SequenceBatches
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models.base import Learned, Sizes
from matinee.models.layers import Dropout, row_chunks
from matinee.models.losses import linear_cross_entropy, softmax_bytes
from matinee.models.shares import sum_of_losses
from matinee.training import TrainerConfig

SHARE = 1536
"""Films foretold in one go on a processor: what one thread does alone, near its cache."""


class SASRecConfig(Config):
    """Settings of `SASRec`."""

    dim: Annotated[int, Field(ge=1), Search(32, 256, log=True, multiple=4)] = 64
    """Width of the vectors."""
    blocks: Annotated[int, Field(ge=1), Search(1, 4)] = 2
    """Layers of attention."""
    heads: Annotated[int, Field(ge=1), Search(choices=(1, 2, 4))] = 2
    """Attention heads; a divisor of `dim`."""
    length: Annotated[int, Field(ge=1), Search(20, 400, log=True)] = 100
    """The latest ratings of a person that are looked at."""
    dropout: Annotated[float, Field(ge=0, lt=1), Search(0, 0.5)] = 0.2
    """Share of units dropped in training."""
    widening: Annotated[int, Field(ge=1), Search(choices=(1, 2, 4))] = 4
    """How many times as wide as the vectors the inner layer of a block is; 1 in the paper."""


class SASRec(Learned[SASRecConfig]):
    """Self-attention over what a person rated, in order; the next film by a full softmax.

    A causal transformer (Kang and McAuley, 'Self-attentive sequential recommendation', ICDM
    2018) trained at all positions at once by cross-entropy over all films (Klenitskiy and
    Vasilev, 'Turning dross into gold loss', RecSys 2023). A mark stands before the first
    film, so that the first one too is foretold and someone without a history is answered.
    """

    name: ClassVar[str] = "sasrec"
    Config = SASRecConfig
    defaults: ClassVar[dict[str, Any]] = {
        "epochs": 100,
        "batch_size": 128,
        "learning_rate": 1e-3,
        "patience": None,
    }

    def __init__(self, config: SASRecConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.items = nn.Embedding(sizes.items + 1, config.dim)
        self.places = nn.Embedding(config.length + 1, config.dim)
        for table in (self.items, self.places):
            nn.init.normal_(table.weight, std=config.dim**-0.5)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            Block(config.dim, config.heads, config.dropout, config.widening)
            for _ in range(config.blocks)
        )
        self.norm = nn.LayerNorm(config.dim)

    @property
    def passes(self) -> int:
        """All films of a row are foretold, each from those before it."""
        return self.config.length

    def batches(self, data: Interactions, *, batch_size: int, seed: int) -> SequenceBatches:
        """Sequences, each person's once an epoch."""
        return SequenceBatches(data, length=self.config.length, batch_size=batch_size, seed=seed)

    def training_bytes(self, loop: TrainerConfig) -> int:
        """Activations at all places of a batch, and what the softmax over all films takes."""
        config, films = self.config, self.sizes.items
        places = min(loop.batch_size, self.sizes.users) * (
            min(config.length, self.sizes.ratings) + 1
        )
        widths = 12 + 20 * config.blocks
        tables = 8 * films * config.dim
        return 4 * places * config.dim * widths + tables + softmax_bytes(places, films)

    def forward(self, batch: Batch) -> Tensor:
        """Mean cross-entropy of each film given those before it."""
        wanted = batch["items"]
        if wanted.device.type != "cpu" or not torch.is_grad_enabled():
            return self._loss(wanted)
        shares = self._shares(wanted)
        seeds = torch.randint(2**62, (len(shares),)).tolist()
        total = int((wanted < self.sizes.items).sum())
        jobs = (partial(self._part, *job, total) for job in zip(shares, seeds, strict=True))
        return sum_of_losses(list(jobs), list(self.parameters()))

    def _shares(self, wanted: Tensor) -> list[Tensor]:
        """People of like lengths together, longest first, each share padded to its own longest."""
        lengths = (wanted < self.sizes.items).sum(1)
        order = lengths.argsort(descending=True, stable=True)
        ends = lengths[order].cumsum(0)
        count = -(-int(ends[-1]) // SHARE)
        cuts = torch.searchsorted(ends, torch.arange(1, count) * ends[-1] / count).unique()
        shares = order.tensor_split(cuts)
        return [wanted[rows, : lengths[rows[0]]] for rows in shares if len(rows)]

    def _part(self, wanted: Tensor, seed: int, total: int) -> Tensor:
        """What a share adds to the mean over `total` films."""
        noise = torch.Generator().manual_seed(seed)
        return self._loss(wanted, noise) * int((wanted < self.sizes.items).sum()) / total

    def _loss(self, wanted: Tensor, noise: torch.Generator | None = None) -> Tensor:
        hidden = self._read(wanted[:, :-1], noise)
        real = (wanted < self.sizes.items).flatten().nonzero().squeeze(1)
        states = hidden.flatten(0, 1).index_select(0, real)
        return linear_cross_entropy(states, self.items.weight[:-1], wanted.flatten()[real])

    @torch.no_grad()
    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Logits of the film that comes next."""
        films = self.items.weight[:-1] if items is None else self.items(items)
        scores = films.new_empty(len(queries), films.shape[-2])
        width = self.config.length * self.config.dim * 8
        for rows in row_chunks(len(queries), width):
            some = torch.arange(len(queries), device=films.device)[rows]
            state = self._last(queries.take(some))
            if films.ndim == 2:
                scores[rows] = state @ films.T
            else:
                scores[rows] = torch.bmm(films[rows], state[:, :, None]).squeeze(2)
        return scores

    def item_vectors(self) -> Tensor:
        """The films' vectors."""
        return self.items.weight.detach()[:-1]

    def _read(self, items: Tensor, noise: torch.Generator | None = None) -> Tensor:
        """States `[b, l + 1, dim]` before each of `[b, l]` films and after the last."""
        mark = items.new_full((len(items), 1), self.sizes.items)
        tokens = self.items(torch.cat([mark, items], 1))
        places = self.places.weight[: tokens.shape[1]]
        hidden = self.dropout(tokens + places, noise)
        for block in self.blocks:
            hidden = block(hidden, noise)
        return self.norm(hidden)

    def _last(self, queries: Queries) -> Tensor:
        """States `[B, dim]` after the latest `length` films of each history."""
        lengths = queries.lengths.clamp_max(self.config.length)
        places = torch.arange(int(lengths.max()), device=lengths.device)
        inside = places < lengths[:, None]
        first = queries.offsets[1:] - lengths
        entries = torch.where(inside, first[:, None] + places, 0)
        found = queries.items[entries] if len(queries.items) else entries
        hidden = self._read(torch.where(inside, found, self.sizes.items))
        return hidden[torch.arange(len(queries), device=lengths.device), lengths]


class Block(nn.Module):
    """Causal self-attention and a feed-forward layer, each after a norm and around a shortcut.

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

    def forward(self, hidden: Tensor, noise: torch.Generator | None = None) -> Tensor:
        """`[b, l, dim]`; position i sees positions up to i."""
        parts = self.attention(self.before_attention(hidden)).chunk(3, -1)
        query, key, value = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in parts)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        hidden = hidden + self.dropout(self.joined(seen.transpose(1, 2).flatten(2)), noise)
        return hidden + self.dropout(self.dense(self.before_dense(hidden)), noise)
