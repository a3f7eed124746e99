"""Two towers: one makes a vector of a person, one of a film, by number and by content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from matinee.config import Config, Search
from matinee.data.batches import Batch, HalvedBatches
from matinee.data.features import Fields
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models.base import Learned, Sizes
from matinee.models.inputs import chosen
from matinee.models.layers import Table, normalised, tower
from matinee.models.linear import bag
from matinee.models.losses import linear_cross_entropy, softmax_bytes
from matinee.training import TrainerConfig

Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]


class TwoTowersConfig(Config):
    """Settings of `TwoTowers`."""

    dim: Annotated[int, Field(ge=1), Search(32, 256, log=True)] = 64
    """Width of the vectors of numbers, values of fields, people and films."""
    hidden: Widths = (128,)
    """Widths of the layers of each tower."""
    inputs: tuple[str, ...] | None = None
    """Fields of films and people that are looked at, 'people' being all of people; None is all."""
    dropout: Annotated[float, Field(ge=0, lt=1), Search(0, 0.6)] = 0.1
    """Share of the units of the towers dropped in training."""
    unknown: Annotated[float, Field(ge=0, lt=1), Search(0, 0.8)] = 0.3
    """Share of films in training of which only the content is known, and of people only the
    history, so that both are learned to be used alone."""
    temperature: Annotated[float, Field(gt=0), Search(0.02, 0.5, log=True)] = 0.1
    """What cosines are divided by: the lower, the further apart are the odds of films."""


class TwoTowers(Learned[TwoTowersConfig]):
    """A tower over people and one over films; a score is the cosine of what they make.

    A film is the vector of its number and those of the values of its fields, added, and put
    through a tower. A person is the mean of what goes into the tower of the history's films, added
    to the vectors of their fields, and put through another. From a part of each person's films
    the others are to be found, by a softmax over the films wanted by anyone in the batch. Such
    a film is there the more often the more popular it is, so that the logarithm of its share of
    all ratings is taken off its logit (Yi et al., 'Sampling-bias-corrected neural modeling for
    large corpus item recommendations', RecSys 2019, eq. 3-5, with shares counted rather than
    estimated). A step costs what is in the batch, whatever the number of films.

    A new film has no number's vector but its content, a new person no fields but a history; in
    training some are treated so. Stars do not matter.
    """

    name: ClassVar[str] = "twotowers"
    Config = TwoTowersConfig
    defaults: ClassVar[dict[str, Any]] = {"epochs": 40, "batch_size": 256, "learning_rate": 2e-3}
    item_features: Tensor
    user_features: Tensor
    shares: Tensor

    def __init__(self, config: TwoTowersConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        every = ("people", *sizes.item_fields)
        inputs = every if config.inputs is None else config.inputs
        self.user_fields, self.item_fields = chosen(inputs, sizes, ())
        widths = sum(self.user_fields.values()), sum(self.item_fields.values())
        self.numbers = Table(sizes.items, config.dim, std=config.dim**-0.5)
        self.of_people, self.of_films = (
            nn.Parameter(torch.randn(width, config.dim) * config.dim**-0.5) for width in widths
        )
        self.person, self.film = self._tower(), self._tower()
        self.hiding = nn.Dropout(config.unknown)
        self.register_buffer("user_features", torch.zeros(sizes.users, widths[0]))
        self.register_buffer("item_features", torch.zeros(sizes.items, widths[1]))
        self.register_buffer("shares", torch.zeros(sizes.items))

    def prepare(self, data: Interactions) -> None:
        """Note the fields and how popular films are; those without ratings have no vector."""
        self.user_features.copy_(_side(data.user_fields, self.user_fields, data.n_users))
        self.item_features.copy_(_side(data.item_fields, self.item_fields, data.n_items))
        self.shares.copy_(torch.from_numpy(data.item_counts / len(data)))
        self.numbers.weight.data[self.shares.cpu() == 0] = 0.0

    def batches(self, data: Interactions, *, batch_size: int, seed: int) -> HalvedBatches:
        """People and a part of their films that is shown."""
        return HalvedBatches(data, batch_size=batch_size, seed=seed)

    def training_bytes(self, loop: TrainerConfig) -> int:
        """What goes through both towers, the fields of the films in a batch, and the softmax."""
        config, people = self.config, min(loop.batch_size, self.sizes.users)
        films = min(self.sizes.items, self.sizes.ratings)
        units = 8 * (sum(config.hidden) + 3 * config.dim)
        fields = 2 * (self.item_features.numel() + self.user_features.numel())
        shown = people * self.sizes.ratings // max(self.sizes.users, 1)
        held = (people + films) * units + fields + shown * (config.dim + 16)
        return 4 * held + softmax_bytes(people, films)

    def forward(self, batch: Batch) -> Tensor:
        """Mean cross-entropy of the films that were not shown, given those that were."""
        rows, shown = batch["rows"], batch["shown"]
        films, at = batch["items"].unique(return_inverse=True)
        said = self._said(films)
        sums = said.new_zeros(len(batch["people"]), self.config.dim)
        sums = sums.index_add(0, rows[shown], said[at[shown]])
        counts = torch.bincount(rows[shown], minlength=len(sums))
        features = self.user_features[batch["people"]] * self._kept(len(sums))
        people = self._people(sums, counts, features)
        wanted = at[~shown]
        if not len(wanted):  # all was shown to the few people of a batch
            return people.sum() * 0.0
        often = torch.bincount(wanted, minlength=len(films))  # 0 makes it no candidate
        bias = often.log() - self.shares[films].log()
        return linear_cross_entropy(people, self._found(said), wanted, rows=rows[~shown], bias=bias)

    @torch.no_grad()
    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Logits of films, which are cosines but for the temperature."""
        (people, _), films = self.person_factors(queries), self.film_factors()
        if items is not None and items.ndim == 2:
            return torch.einsum("bd,bkd->bk", people, films[items])
        return people @ (films if items is None else films[items]).T

    @torch.no_grad()
    def person_factors(self, queries: Queries) -> tuple[Tensor, Tensor]:
        """What the people's tower makes of histories; of strangers no field is known."""
        known = (queries.users >= 0)[:, None]
        features = self.user_features[queries.users.clamp_min(0)] * known
        sums = bag(self._said(self._everything), queries)
        people = self._people(sums, queries.lengths, features)
        return people, people.new_zeros(len(people), 1)

    @torch.no_grad()
    def film_factors(self) -> Tensor:
        """What the films' tower makes of all films, `[n_items, dim]` of length 1."""
        return self._found(self._said(self._everything))

    def item_vectors(self) -> Tensor:
        """What the films' tower makes of them."""
        return self.film_factors()

    @property
    def _everything(self) -> Tensor:
        return torch.arange(self.sizes.items, device=self.device)

    def _said(self, films: Tensor) -> Tensor:
        """What goes into the tower of each of `[m]` films, and tells of those who rated it."""
        numbers = self.numbers(films) * self._kept(len(films))
        return numbers + self.item_features[films] @ self.of_films

    def _found(self, said: Tensor) -> Tensor:
        """Vectors of length 1 that films are found by, `[m, dim]`."""
        return normalised(self.film(said))

    def _people(self, sums: Tensor, counts: Tensor, features: Tensor) -> Tensor:
        """Vectors of people `[B, dim]`, from the sums of their films and their fields."""
        means = sums / counts.clamp_min(1)[:, None]
        return normalised(self.person(means + features @ self.of_people)) / self.config.temperature

    def _kept(self, count: int) -> Tensor:
        """`[count, 1]`, 0 for those of whom in training something is taken for unknown, else 1."""
        return (self.hiding(torch.ones(count, 1, device=self.device)) > 0).float()

    def _tower(self) -> nn.Sequential:
        config = self.config
        layers = tower((config.dim, *config.hidden), dropout=config.dropout)
        return nn.Sequential(layers, nn.Linear(config.hidden[-1], config.dim))


def _side(fields: Fields, widths: Mapping[str, int], rows: int) -> Tensor:
    """The matrices of some fields side by side, `[rows, sum of widths]`."""
    matrices = [np.zeros((rows, 0), np.float32), *(fields[name] for name in widths)]
    return torch.from_numpy(np.concatenate(matrices, 1))
