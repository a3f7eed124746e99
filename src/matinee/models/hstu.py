"""HSTU: attention without a softmax, told where films stand and when they were rated."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from matinee.config import Search
from matinee.data.batches import Batch
from matinee.data.interactions import Interactions
from matinee.models.base import Sizes
from matinee.models.causal import Causal, CausalConfig
from matinee.models.layers import Dropout
from matinee.training import TrainerConfig

BUCKETS = 64
"""Sorts of time between two events: three for each factor of e seconds, up to 33 years."""
UNSEEN = -1e4
"""What is added to the attention to a later place: SiLU makes nothing of it."""


class HSTUConfig(CausalConfig):
    """Settings of `HSTU`."""

    eras: Annotated[int, Field(ge=0), Search(choices=(0, 1, 64))] = 0
    """Spans of the calendar, of as many ratings each, that are told apart. With any, what is asked
    is told its era, and how long after the film before it comes; 0 is the published model."""


class HSTU(Causal[HSTUConfig]):
    """Attention by SiLU, with biases of distance and time, and a gate; the next film by a softmax.

    Hierarchical sequential transduction units (Zhai et al., 'Actions speak louder than words',
    ICML 2024, section 3), without the actions. A weight of attention grows with everything
    that speaks for it and is not shared out, so that how much of something there was is heard.
    What is asked is the film of a known time: in training that at which it was rated, later
    that of the request or, if none is told, that of the latest rating. Without times all is taken
    to have happened at once.

    The biases tell attention how old each film of the history is. With `eras`, vectors tell of the
    question itself: how long after the latest film it is asked, since whoever comes back after
    a year is after something else than who rates on, and when, since films come and go.
    """

    name: ClassVar[str] = "hstu"
    Config = HSTUConfig
    timed: ClassVar[bool] = True
    ends: Tensor

    def __init__(self, config: HSTUConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.blocks = nn.ModuleList(
            Unit(config.dim, config.heads, config.length + 1, config.dropout)
            for _ in range(config.blocks)
        )
        if config.eras:
            self.waits, self.eras = (nn.Embedding(n, config.dim) for n in (BUCKETS, config.eras))
            self.begin(self.waits, self.eras)
            self.register_buffer("ends", torch.zeros(config.eras - 1, dtype=torch.int64))

    def prepare(self, data: Interactions) -> None:
        """Note when an era ends and the next begins."""
        if self.config.eras:
            ranks = np.arange(1, self.config.eras) * len(data) // self.config.eras
            self.ends.copy_(torch.from_numpy(np.sort(data.times)[ranks]))

    @property
    def widths(self) -> int:
        """Inputs and the norm, what a question is told besides, and what a block keeps."""
        return 12 + 4 * bool(self.config.eras) + 14 * self.config.blocks

    def training_bytes(self, loop: TrainerConfig) -> int:
        """The weights of attention besides, which are held."""
        pairs = self.places_of(loop) * (min(self.config.length, self.sizes.ratings) + 1)
        kept = self.config.blocks * (3 * self.config.heads + 1) + 2
        return super().training_bytes(loop) + 4 * pairs * kept

    def foretell(self, batch: Batch, noise: torch.Generator | None = None) -> Tensor:
        """Each place from what stands before it and from its time."""
        hidden, times = self.read(batch, noise), batch["times"]
        rated = torch.cat([times[:, :1], times[:, :-1]], 1)  # the mark comes with the first film
        waits = bucket(times[:, :, None] - rated[:, None, :])
        if self.config.eras:
            era = torch.bucketize(times, self.ends, right=True)
            era = torch.where(times > 0, era, self.config.eras - 1)  # not known: as late as may be
            hidden = hidden + self.waits(bucket(times - rated)) + self.eras(era)
        for unit in self.blocks:
            hidden = unit(hidden, waits, noise)
        return self.norm(hidden)


def bucket(seconds: Tensor) -> Tensor:
    """Which of `BUCKETS` sorts each time is of, int64; what is negative counts as none."""
    return (seconds.clamp_min(0).float().log1p() * 3).long().clamp_max(BUCKETS - 1)


class Unit(nn.Module):
    """One layer of HSTU, equations 1 to 3, around a shortcut.

    The paper divides the attended by the length, which the norm that follows undoes.

    Args:
        dim: Width.
        heads: Attention heads.
        length: Places of a sequence at most.
        dropout: Share of units dropped in training.
    """

    def __init__(self, dim: int, heads: int, length: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.after = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.parts, self.joined = nn.Linear(dim, 4 * dim), nn.Linear(dim, dim)
        self.distance = nn.Parameter(torch.empty(length).normal_(std=0.02))
        self.wait = nn.Parameter(torch.empty(BUCKETS).normal_(std=0.02))
        self.dropout = Dropout(dropout)

    def forward(
        self, hidden: Tensor, waits: Tensor, noise: torch.Generator | None = None
    ) -> Tensor:
        """What becomes of `[b, l, dim]`; place i sees those up to itself.

        Args:
            hidden: States of all places.
            waits: `[b, l, l]` int64, the bucket of the time from what is at j to what i asks for.
            noise: Where dropout draws from.
        """
        gate, *others = functional.silu(self.parts(self.before(hidden))).chunk(4, -1)
        value, query, key = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in others)
        weights = functional.silu(query @ key.transpose(2, 3) + self.biases(waits))
        seen = self.after((weights @ value).transpose(1, 2).flatten(2))
        return hidden + self.joined(self.dropout(gate * seen, noise))

    def biases(self, waits: Tensor) -> Tensor:
        """What distance and time add to the attention, `[b, 1, l, l]`; later places are hidden."""
        length = waits.shape[1]
        places = torch.arange(length, device=waits.device)
        back = places[:, None] - places
        distance = self.distance[back.clamp_min(0)].masked_fill(back < 0, UNSEEN)
        rows = waits.flatten(0, 1)
        wait = self.wait.expand(len(rows), -1).gather(1, rows).view_as(waits)
        return (wait + distance)[:, None]
