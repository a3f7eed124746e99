"""A network that knows films by what is said of them, and people by their films."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from matinee.config import Search
from matinee.data.batches import Batch, HalvedBatches
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models.base import Learned, Sizes, pick
from matinee.models.content import FilmTermsConfig, Terms
from matinee.models.layers import tower
from matinee.models.linear import bag
from matinee.training import TrainerConfig


class DeepContentConfig(FilmTermsConfig):
    """Settings of `DeepContent`."""

    dim: Annotated[int, Field(ge=1), Search(16, 256, log=True)] = 64
    """Width of the vectors of terms and films."""
    hidden: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (128,)
    """Widths of the layers of the film tower."""
    dropout: Annotated[float, Field(ge=0, lt=1), Search(0, 0.8)] = 0.3
    """Share of the terms of a film, and of the units of its tower, dropped in training."""


class DeepContent(Learned[DeepContentConfig]):
    """A film tower over terms, trained on who watched what; it scores films nobody has rated.

    A film is the weighted sum of the vectors of its terms (genres, year, tags, words of its
    title and texts), put through a tower that gives three things: what it says of those who
    watched it, h, what it is found by, f, and how much watched it is by the look of it, b.
    A person is what is said by the films of the history, p = Σ h / √n, and a film's score is
    p·f + b. From a part of each person's films the others are to be found, by a softmax
    over all films that have ratings (as in Covington et al., 'Deep neural networks for
    YouTube recommendations', RecSys 2016, with content in place of numbers for films). No
    film and no person has a vector of its own, so new ones are served like all others.
    Stars do not matter.
    """

    name: ClassVar[str] = "deepcontent"
    Config = DeepContentConfig
    defaults: ClassVar[dict[str, Any]] = {"epochs": 20, "batch_size": 128, "learning_rate": 3e-3}
    rated: Tensor

    def __init__(self, config: DeepContentConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.terms = Terms(config, sizes.items)
        self.table = nn.Parameter(torch.randn(config.vocabulary, config.dim) / config.dim**0.5)
        self.dropout = nn.Dropout(config.dropout)
        self.tower = tower((config.dim, *config.hidden), dropout=config.dropout)
        self.out = nn.Linear(config.hidden[-1], 2 * config.dim + 1)
        self.register_buffer("rated", torch.zeros(sizes.items, dtype=torch.bool))

    def prepare(self, data: Interactions) -> None:
        """Weigh the terms of the films, and note which films have ratings."""
        self.terms.fill(data.catalogue)
        self.rated.copy_(torch.from_numpy(data.item_counts > 0))

    def batches(self, data: Interactions, *, batch_size: int, seed: int) -> HalvedBatches:
        """People and a part of their films that is shown."""
        return HalvedBatches(data, batch_size=batch_size, seed=seed)

    def training_bytes(self, loop: TrainerConfig) -> int:
        """The tower over all films, and the logits of all films for everyone in a batch."""
        config, films = self.config, self.sizes.items
        units = 3 * config.terms + 8 * (sum(config.hidden) + config.dim)
        logits = 5 * min(loop.batch_size, self.sizes.users)
        return 4 * films * (units + logits)

    def forward(self, batch: Batch) -> Tensor:
        """Mean cross-entropy of the films that were not shown, given those that were."""
        rows, items, shown = batch["rows"], batch["items"], batch["shown"]
        said, found, watched = self.films()
        people = said.new_zeros(int(rows[-1]) + 1, self.config.dim)
        people = people.index_add(0, rows[shown], said[items[shown]])
        counts = torch.bincount(rows[shown], minlength=len(people))
        logits = self._logits(people, counts, found, watched).masked_fill(~self.rated, -torch.inf)
        likelihood = logits.log_softmax(1)[rows[~shown], items[~shown]]
        return -likelihood.sum() / (~shown).sum().clamp_min(1)

    def films(self) -> tuple[Tensor, Tensor, Tensor]:
        """What each film says of its viewers, what it is found by, and how watched it looks.

        Returns:
            `[n_items, dim]`, `[n_items, dim]` and `[n_items]`.
        """
        terms = self.terms(self.table, self.dropout(self.terms.weights))
        dim = self.config.dim
        said, found, watched = self.out(self.tower(terms)).split([dim, dim, 1], dim=1)
        return said, found, watched.squeeze(1)

    @torch.no_grad()
    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Logits of films; someone without a history gets what looks much watched."""
        said, found, watched = self.films()
        return pick(self._logits(bag(said, queries), queries.lengths, found, watched), items)

    @torch.no_grad()
    def item_vectors(self) -> Tensor:
        """What films are found by."""
        return self.films()[1]

    def _logits(self, sums: Tensor, counts: Tensor, found: Tensor, watched: Tensor) -> Tensor:
        people = sums / counts.clamp_min(1).sqrt()[:, None]
        return functional.linear(people, found, watched)
