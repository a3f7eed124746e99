"""What models of order share: how histories are read, shared out, foretold and answered."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from typing_extensions import TypeVar

from matinee.config import Config, Search
from matinee.data.batches import Batch, SequenceBatches
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models.base import Learned, Sizes
from matinee.models.layers import Dropout, row_chunks
from matinee.models.losses import (
    calibrated_cross_entropy,
    linear_cross_entropy,
    sampled_cross_entropy,
    softmax_bytes,
)
from matinee.models.shares import sum_of_losses
from matinee.training import TrainerConfig


class SequentialConfig(Config):
    """Settings that all models of order have."""

    dim: Annotated[int, Field(ge=1), Search(32, 256, log=True, multiple=4)] = 64
    """Width of the vectors."""
    length: Annotated[int, Field(ge=1), Search(20, 400, log=True)] = 100
    """The latest ratings of a person that are looked at."""
    dropout: Annotated[float, Field(ge=0, lt=1), Search(0, 0.5)] = 0.2
    """Share of units dropped in training."""
    spread: Annotated[float, Field(gt=0), Search(0.01, 0.2, log=True)] = 0.02
    """Standard deviation of all vectors before the first step; logits near 0 learn fast."""
    loss: Literal["softmax", "sampled", "gbce"] = "softmax"
    """Cross-entropy over all films, over the right one and `negatives`, or gBCE over these."""
    negatives: Annotated[int, Field(ge=1), Search(64, 4096, log=True)] = 3000
    """Films drawn for each batch, or each share of it; not used by the full softmax."""
    calibration: Annotated[float, Field(ge=0, le=1), Search(0, 1)] = 0.75
    """Of gBCE: 0 is plain binary cross-entropy, 1 undoes what drawing negatives distorts."""


S = TypeVar("S", bound=SequentialConfig, default=SequentialConfig)


class Sequential(Learned[S]):
    """A model of order: from a history, in order, to the film that belongs to a place in it.

    A subclass says in `foretell` what it makes of a batch of sequences. All places that are
    asked about train at once, never one row for each prefix; and a history given at request
    time is such a sequence too, asked about the place after its last film.
    """

    defaults: ClassVar[dict[str, Any]] = {
        "epochs": 100,
        "batch_size": 128,
        "learning_rate": 1e-3,
        "patience": None,
    }
    timed: ClassVar[bool] = False
    """Whether `foretell` looks at the times."""
    share: ClassVar[int] = 1536
    """Places read in one go on a processor: what one thread does alone, near its cache."""

    def __init__(self, config: S, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.items = nn.Embedding(sizes.items + 1, config.dim)
        self.dropout = Dropout(config.dropout)

    def begin(self, *tables: nn.Embedding) -> None:
        """Draw the vectors that training starts from."""
        for table in tables:
            nn.init.normal_(table.weight, std=self.config.spread)

    @abstractmethod
    def foretell(self, batch: Batch, noise: torch.Generator | None = None) -> Tensor:
        """States `[b, l, dim]`, whose product with the films' vectors are logits of each place.

        They may not depend on the films at places that are asked about, nor on padding; those
        of places that are not asked about are not looked at.

        Args:
            batch: As `SequenceBatches` makes it, with times if the model is `timed`: those of
                places that are asked about are known, as is the time of a request.
            noise: Where dropout draws from.
        """

    @property
    @abstractmethod
    def widths(self) -> int:
        """Floats that a step holds for each place, in vectors of width `dim`."""

    @property
    def passes(self) -> int:
        """All films of a row are read."""
        return self.config.length

    def batches(self, data: Interactions, *, batch_size: int, seed: int) -> SequenceBatches:
        """Sequences, each person's once an epoch."""
        length, timed = self.config.length, self.timed
        return SequenceBatches(data, length=length, batch_size=batch_size, seed=seed, timed=timed)

    def training_bytes(self, loop: TrainerConfig) -> int:
        """Activations at all places of a batch, and what the softmax takes."""
        config, films = self.config, self.sizes.items
        places = self.places_of(loop)
        logits = softmax_bytes(places, films)
        if config.loss != "softmax":
            logits = 12 * min(places, 2 * self.share) * min(config.negatives, films)
        return 4 * places * config.dim * self.widths + 8 * films * config.dim + logits

    def places_of(self, loop: TrainerConfig) -> int:
        """Places of a batch at most."""
        longest = min(self.config.length, self.sizes.ratings)
        return min(loop.batch_size, self.sizes.users) * (longest + 1)

    def forward(self, batch: Batch) -> Tensor:
        """Mean loss of the films at the places that are asked about."""
        if batch["items"].device.type != "cpu" or not torch.is_grad_enabled():
            return self._loss(batch)
        shares = self._shares(batch)
        seeds = torch.randint(2**62, (len(shares),)).tolist()
        total = int(batch["asked"].sum())
        jobs = (partial(self._part, *job, total) for job in zip(shares, seeds, strict=True))
        return sum_of_losses(list(jobs), list(self.parameters()))

    def _shares(self, batch: Batch) -> list[Batch]:
        """People of like lengths together, longest first, each share padded to its own longest."""
        lengths = (batch["items"] < self.sizes.items).sum(1)
        order = lengths.argsort(descending=True, stable=True)
        ends = lengths[order].cumsum(0)
        count = -(-int(ends[-1]) // self.share)
        cuts = torch.searchsorted(ends, torch.arange(1, count) * ends[-1] / count).unique()
        shares = [rows for rows in order.tensor_split(cuts) if len(rows)]
        return [
            {name: column[rows, : lengths[rows[0]]] for name, column in batch.items()}
            for rows in shares
        ]

    def _part(self, batch: Batch, seed: int, total: int) -> Tensor:
        """What a share adds to the mean over `total` places."""
        noise = torch.Generator().manual_seed(seed)
        return self._loss(batch, noise) * int(batch["asked"].sum()) / total

    def _loss(self, batch: Batch, noise: torch.Generator | None = None) -> Tensor:
        states, wanted = _at_asked(batch, self.foretell(batch, noise))
        films, config = self.items.weight[:-1], self.config
        if config.loss == "softmax":
            return linear_cross_entropy(states, films, wanted)
        device = None if noise is not None else films.device
        drawn = torch.randperm(len(films), generator=noise, device=device)[: config.negatives]
        if config.loss == "sampled":
            return sampled_cross_entropy(states, films, wanted, drawn)
        return calibrated_cross_entropy(
            states, films, wanted, drawn, calibration=config.calibration
        )

    @torch.no_grad()
    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Logits of the film that comes next."""
        films = self.items.weight[:-1] if items is None else self.items(items)
        scores = films.new_empty(len(queries), films.shape[-2])
        width = self.config.length * self.config.dim * 8
        for rows in row_chunks(len(queries), width):
            question = self._question(queries.block(rows))
            state, _ = _at_asked(question, self.foretell(question))
            if films.ndim == 2:
                scores[rows] = state @ films.T
            else:
                scores[rows] = torch.bmm(films[rows], state[:, :, None]).squeeze(2)
        return scores

    def item_vectors(self) -> Tensor:
        """The films' vectors."""
        return self.items.weight.detach()[:-1]

    def following(self, batch: Batch) -> Tensor:
        """How many places of its row come after each, `[b, l]` int64; 0 for padding.

        Places are told apart by it, so that the one which a request asks about is one that every
        row has trained, however long.
        """
        real = batch["asked"] | (batch["items"] < self.sizes.items)
        return (real.flip(1).cumsum(1).flip(1) - 1).clamp_min(0)

    def before(self, items: Tensor) -> Tensor:
        """What stands before each place of `[b, l]`: a mark, then all films but the last."""
        mark = items.new_full((len(items), 1), self.sizes.items)
        return torch.cat([mark, items[:, :-1]], 1)

    def _question(self, queries: Queries) -> Batch:
        """A batch of the latest `length` films of each history, asked about what comes after."""
        lengths = queries.lengths.clamp_max(self.config.length)
        places = torch.arange(int(lengths.max()) + 1, device=lengths.device)
        inside = places < lengths[:, None]
        first = queries.offsets[1:] - lengths
        entries = torch.where(inside, first[:, None] + places, 0)
        found = queries.items[entries] if len(queries.items) else entries
        items = torch.where(inside, found, self.sizes.items)
        batch = {"items": items, "asked": places == lengths[:, None]}
        return batch | ({"times": _times(queries, entries, inside)} if self.timed else {})


def _at_asked(batch: Batch, states: Tensor) -> tuple[Tensor, Tensor]:
    """States `[m, dim]` of the places that are asked about, and the films there `[m]`."""
    asked = batch["asked"].flatten().nonzero().squeeze(1)
    return states.flatten(0, 1).index_select(0, asked), batch["items"].flatten()[asked]


def _times(queries: Queries, entries: Tensor, inside: Tensor) -> Tensor:
    """When each film was rated and, at all places after the last, when the person asks.

    That is never before the last rating, which it is right after where it is not known.
    """
    if not len(queries.times):
        return queries.at[:, None].expand(entries.shape)
    known = torch.where(inside, queries.times[entries], 0)
    return torch.where(inside, known, torch.maximum(known.amax(1), queries.at)[:, None])
