"""Networks that predict stars, or likes, from who, what, and what is known of both."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from matinee.config import Config, Search
from matinee.data.batches import Batch, RatingBatches
from matinee.data.features import Fields
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models.base import Learned, Sizes
from matinee.models.foldin import fold_in
from matinee.models.inputs import chosen
from matinee.models.layers import PairTower, Table, row_chunks
from matinee.training import TrainerConfig

MEMORY = 0.99
"""Share of the running residual variance that a batch leaves as it was."""


class RatingDNNConfig(Config):
    """Settings of `RatingDNN`."""

    inputs: tuple[str, ...] = ("user", "item", "genres")
    """'user', 'item', any field of films or people, or 'people' for all fields of people."""
    dim: Annotated[int, Field(ge=1), Search(16, 256, log=True)] = 64
    """Width of the vector of each input."""
    hidden: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (32,)
    """Widths of the layers on top of the inputs side by side."""
    head: Literal["classes", "stars", "like"] = "stars"
    """A softmax over the ratings there are, the rating itself, or whether it is a like."""
    biases: bool = False
    """Whether each person and film also has a number that goes straight to the output."""
    dropout: Annotated[float, Field(ge=0, lt=1), Search(0, 0.6)] = 0.05
    """Share of the inputs and of each layer dropped in training."""
    l2: Annotated[float, Field(ge=0), Search(1e-5, 0.3, log=True)] = 0.0
    """Penalty on the squared vectors of the person and the film of a rating."""
    like_at: float | None = None
    """The smallest rating that is a like; None is three quarters up the scale."""


class RatingDNN(Learned[RatingDNNConfig]):
    """Vectors of person, film and their fields, side by side, under a few dense layers.

    A field of several values, such as genres, is the mean of the vectors of its values. The
    head is a softmax over the levels of the scale, trained by cross-entropy, whose answer is
    the expected rating; or a regression by squared error; or both a like, by binary
    cross-entropy, and the rating. The model is 'wide and deep' (Cheng et al., DLRS 2016) with
    `biases`. A new person's vector is fitted to the history; their fields count as unknown.
    """

    name: ClassVar[str] = "ratingdnn"
    Config = RatingDNNConfig
    defaults: ClassVar[dict[str, Any]] = {"epochs": 20, "batch_size": 512, "learning_rate": 2e-3}
    monitor: ClassVar[str] = "rmse"
    user_features: Tensor
    item_features: Tensor
    levels: Tensor
    mean: Tensor
    variance: Tensor
    like_at: Tensor

    def __init__(self, config: RatingDNNConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.user_inputs, self.item_inputs = chosen(config.inputs, sizes, ("user", "item"))
        self.users = _table("user" in config.inputs, sizes.users, config)
        self.items = _table("item" in config.inputs, sizes.items, config)
        self.user_vectors = _pooling(self.user_inputs, config.dim)
        self.film_vectors = _pooling(self.item_inputs, config.dim)
        outputs = {"classes": sizes.levels, "stars": 1, "like": 2}[config.head]
        person = config.dim * (len(self.user_inputs) + (self.users is not None))
        film = config.dim * (len(self.item_inputs) + (self.items is not None))
        self.tower = PairTower(person, film, config.hidden, config.dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.out = nn.Linear(config.hidden[-1], outputs)
        self.outputs, self.width = outputs, max(config.hidden)
        buffers = {
            "user_features": (sizes.users, sum(self.user_inputs.values())),
            "item_features": (sizes.items, sum(self.item_inputs.values())),
            "levels": (sizes.levels,),
            **dict.fromkeys(("mean", "variance", "like_at"), ()),
        }
        for name, shape in buffers.items():
            self.register_buffer(name, torch.zeros(shape))

    def prepare(self, data: Interactions) -> None:
        """Note the fields, the scale and the mean of the ratings."""
        scale = data.scale
        self.user_features.copy_(_features(data.user_fields, self.user_inputs, data.n_users))
        self.item_features.copy_(_features(data.item_fields, self.item_inputs, data.n_items))
        self.levels.copy_(torch.tensor(scale.levels))
        self.mean.fill_(float(data.ratings.mean()))
        self.variance.fill_(float(data.ratings.var()))
        usual = scale.low + 0.75 * (scale.high - scale.low)
        self.like_at.fill_(usual if self.config.like_at is None else self.config.like_at)

    def batches(self, data: Interactions, *, batch_size: int, seed: int) -> RatingBatches:
        """Ratings as they are."""
        return RatingBatches(data, batch_size=batch_size, seed=seed)

    def held_out_batches(
        self, held_out: Interactions, train: Interactions, *, batch_size: int, seed: int
    ) -> RatingBatches:
        """Held-out ratings as they are."""
        del train  # it has drawn nothing that would have to be avoided
        return self.batches(held_out, batch_size=batch_size, seed=seed)

    def training_bytes(self, loop: TrainerConfig) -> int:
        """Inputs and activations of a batch; the fields of everyone, once more in passing."""
        inputs = self.tower.person + self.tower.film + self.user_features.shape[1]
        units = inputs + self.item_features.shape[1] + sum(self.config.hidden) + self.outputs
        fields = 4 * (self.user_features.numel() + self.item_features.numel())
        return 40 * min(loop.batch_size, self.sizes.ratings) * units + fields

    def forward(self, batch: Batch) -> Tensor:
        """Mean loss of the head, with the penalty of the rows that took part."""
        people, films = self._person(batch["users"]), self._film(batch["items"])
        raw = self._raw(people, films[:, None])
        if self.training and self.config.head != "classes":
            error = (self._stars(raw).detach().squeeze(1) - batch["ratings"]).square().mean()
            self.variance.lerp_(error, 1 - MEMORY)
        loss = self._loss(raw, batch["ratings"][:, None]).mean()
        if self.config.l2:
            own = slice(0, self.config.dim)
            squares = people[:, own].square().sum(1) + films[:, own].square().sum(1)
            loss = loss + self.config.l2 * squares.mean()
        return loss

    @torch.no_grad()
    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Expected stars; with the head 'like', the log-odds of a like."""
        raw = self._asked(queries, items)
        return raw[..., 0] if self.config.head == "like" else self._stars(raw)

    @torch.no_grad()
    def predict(self, queries: Queries, items: Tensor) -> Tensor:
        """Expected stars on the scale of the data."""
        return self._stars(self._asked(queries, items)).clamp(self.levels[0], self.levels[-1])

    def stars(self, scores: Tensor) -> Tensor | None:
        """Scores are expected stars but for the ends of the scale, unless they are log-odds."""
        if self.config.head == "like":
            return None
        return scores.clamp(self.levels[0], self.levels[-1])

    @torch.no_grad()
    def probability(self, queries: Queries, items: Tensor) -> Tensor:
        """Probability of a like, `[B, K]`.

        With the head 'stars', ratings are taken as normal around the prediction with the
        variance seen in training, cut half a step below the lowest level that is a like.
        """
        raw = self._asked(queries, items)
        if self.config.head == "like":
            return raw[..., 0].sigmoid()
        if self.config.head == "classes":
            return raw.softmax(-1)[..., self.levels >= self.like_at].sum(-1)
        step = (self.levels[-1] - self.levels[0]) / max(len(self.levels) - 1, 1)
        least = torch.where(self.levels >= self.like_at, self.levels, torch.inf).amin()
        beyond = (self._stars(raw) - least + step / 2) / (2 * self.variance).sqrt()
        return 0.5 * (1 + torch.erf(beyond))

    @torch.no_grad()
    def likeliest(self, queries: Queries, items: Tensor) -> Tensor:
        """The most probable ratings, `[B, K]`; but for the head 'classes', those expected."""
        raw = self._asked(queries, items)
        if self.config.head == "classes":
            return self.levels[raw.argmax(-1)]
        return self._stars(raw).clamp(self.levels[0], self.levels[-1])

    def item_vectors(self) -> Tensor:
        """The film's side of the network: its own vector and those of its fields."""
        with torch.no_grad():
            return self._film(torch.arange(self.sizes.items, device=self.device))[
                :, : self.tower.film
            ]

    def _person(self, users: Tensor) -> Tensor:
        """A person's side, their bias last: `[b, person + 1]`."""
        own = None if self.users is None else self.users(users)
        fields = _pooled(self.user_features[users], self.user_vectors, self.user_inputs)
        return _side(own, fields, len(users))

    def _film(self, items: Tensor) -> Tensor:
        """A film's side, its bias last: `[..., film + 1]`."""
        flat = items.flatten()
        own = None if self.items is None else self.items(flat)
        fields = _pooled(self.item_features[flat], self.film_vectors, self.item_inputs)
        return _side(own, fields, len(flat)).unflatten(0, items.shape)

    def _raw(self, people: Tensor, films: Tensor) -> Tensor:
        """Outputs `[B, K, outputs]` of sides `[B, p + 1]` and `[K, f + 1]` or `[B, K, f + 1]`."""
        left, right = self.dropout(people[:, :-1]), self.dropout(films[..., :-1])
        raw = self.out(self.tower(left, right))
        if not self.config.biases:
            return raw
        bias = (people[:, None, -1] + films[..., -1])[..., None]
        # A bias raises the odds of each class in proportion to its stars.
        return raw + (bias * (self.levels - self.mean) if self.config.head == "classes" else bias)

    def _stars(self, raw: Tensor) -> Tensor:
        if self.config.head == "classes":
            return raw.softmax(-1) @ self.levels
        return raw[..., -1] + self.mean

    def _loss(self, raw: Tensor, ratings: Tensor) -> Tensor:
        """Loss of each rating, of the shape of `ratings`."""
        if self.config.head == "classes":
            wanted = (ratings[..., None] - self.levels).abs().argmin(-1)
            return functional.cross_entropy(raw.movedim(-1, 1), wanted, reduction="none")
        error = (self._stars(raw) - ratings).square()
        if self.config.head == "stars":
            return error
        liked = (ratings >= self.like_at).to(raw.dtype)
        likes = functional.binary_cross_entropy_with_logits(raw[..., 0], liked, reduction="none")
        return likes + error

    def _asked(self, queries: Queries, items: Tensor | None) -> Tensor:
        """Outputs `[B, K, outputs]` for those who ask."""
        people = self._people(queries)
        everything = torch.arange(self.sizes.items, device=self.device)
        films = self._film(everything if items is None else items)
        count = films.shape[-2]
        raw = people.new_empty(len(queries), count, self.outputs)
        for rows in row_chunks(len(queries), count * self.width):
            raw[rows] = self._raw(people[rows], films if films.ndim == 2 else films[rows])
        return raw

    def _people(self, queries: Queries) -> Tensor:
        sides = self._person(queries.users.clamp_min(0)).detach().clone()
        strangers = (queries.users < 0).nonzero().squeeze(1)
        sides[strangers] = 0.0
        if self.users is not None and len(strangers):
            found = self._fold_in(queries.take(strangers), self.users.weight.detach())
            sides[strangers[:, None], self._own()] = found
        return sides

    def _own(self) -> Tensor:
        """The columns of a person's side that are theirs alone: the vector and the bias."""
        own = torch.arange(self.config.dim, device=self.device)
        return torch.cat([own, own.new_tensor([self.tower.person])])

    def _fold_in(self, queries: Queries, known: Tensor) -> Tensor:
        """Vectors and biases `[B, dim + 1]` fitted to histories, fields unknown."""
        rows = queries.rows
        films = self._film(queries.items).detach()[:, None]
        noise = 1.0 if self.config.head == "classes" else 2 * self.variance
        blank = known.new_zeros(len(queries), self.tower.person + 1 - known.shape[1])

        def loss(own: Tensor) -> Tensor:
            sides = torch.cat([own[:, :-1], blank, own[:, -1:]], 1)
            raw = self._raw(sides[rows], films)
            each = self._loss(raw, queries.ratings[:, None]).squeeze(1) / noise
            return own.new_zeros(len(own)).index_add(0, rows, each)

        return fold_in(loss, len(queries), known)


def _table(wanted: bool, rows: int, config: RatingDNNConfig) -> Table | None:
    """A vector a row with its bias in the last column."""
    if not wanted:
        return None
    table = Table(rows, config.dim + 1, std=0.3 / math.sqrt(config.dim))
    nn.init.zeros_(table.weight.data[:, -1])
    return table


def _pooling(fields: dict[str, int], dim: int) -> nn.ModuleDict:
    """One vector a value, as a matrix product with the field's rows is their mean."""
    return nn.ModuleDict(
        {f"field_{name}": nn.Linear(width, dim, bias=False) for name, width in fields.items()}
    )


def _pooled(features: Tensor, vectors: nn.ModuleDict, fields: dict[str, int]) -> list[Tensor]:
    parts = features.split(list(fields.values()), 1) if fields else ()
    return [layer(part) for layer, part in zip(vectors.values(), parts, strict=True)]


def _side(own: Tensor | None, fields: list[Tensor], rows: int) -> Tensor:
    """Own vector, fields, bias: `[rows, width + 1]`."""
    if own is None:
        bias = fields[0].new_zeros(rows, 1) if fields else torch.zeros(rows, 1)
        return torch.cat([*fields, bias], 1)
    return torch.cat([own[:, :-1], *fields, own[:, -1:]], 1)


def _features(fields: Fields, chosen: dict[str, int], rows: int) -> Tensor:
    matrices = [np.zeros((rows, 0), np.float32), *(fields[name] for name in chosen)]
    return torch.from_numpy(np.concatenate(matrices, 1))
