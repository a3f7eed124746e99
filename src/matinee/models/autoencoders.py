"""Autoencoders of what people watched: from the films of a history to the odds of all films."""

from __future__ import annotations

from abc import abstractmethod
from itertools import pairwise
from typing import Annotated, Any, ClassVar, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import TypeVar

from matinee.config import Config, Search
from matinee.data.batches import Batch, PeopleBatches
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models.base import Batches, Learned, Sizes
from matinee.models.layers import Dropout, Table, row_chunks
from matinee.models.losses import linear_cross_entropy, softmax_bytes
from matinee.training import TrainerConfig

Widths = tuple[Annotated[int, Field(ge=1)], ...]


class AutoencoderConfig(Config):
    """Settings of every autoencoder."""

    dim: Annotated[int, Field(ge=1), Search(64, 512, log=True)] = 200
    """Width of the code of a person."""
    dropout: Annotated[float, Field(ge=0, lt=1), Search(0, 0.8)] = 0.5
    """Share of a person's films that are not shown in training."""


class MultDAEConfig(AutoencoderConfig):
    """Settings of `MultDAE`."""

    hidden: Widths = ()
    """Widths of the layers from the films to the code; those from the code mirror them."""


class MultVAEConfig(MultDAEConfig):
    """Settings of `MultVAE`."""

    hidden: Widths = (600,)
    """Widths of the layers from the films to the code; those from the code mirror them."""
    beta: Annotated[float, Field(ge=0), Search(0, 1)] = 0.2
    """Weight of the divergence of codes from the prior, once it has risen to it."""
    anneal: Annotated[float, Field(ge=0), Search(5, 200, log=True)] = 50.0
    """Epochs in which that weight rises from 0, a little each step."""
    noise: Annotated[float, Field(ge=0), Search(0.01, 1, log=True)] = 1.0
    """Share of the standard deviation of codes by which they are drawn in training; the paper's is
    1. Where there are few people, codes that hardly vary teach more."""

    def weight(self, epochs: float) -> float:
        """The weight of the divergence after so many epochs."""
        return self.beta * min(epochs / self.anneal, 1.0) if self.anneal else self.beta


A = TypeVar("A", bound=AutoencoderConfig, default=AutoencoderConfig)
D = TypeVar("D", bound=MultDAEConfig, default=MultDAEConfig)


class Encoder(nn.Module):
    """From the films of histories to codes: a sum of the films' vectors, then layers.

    The films are a vector of length 1, of which a share is dropped in training. Their sum costs
    what was watched, and its gradient is sparse.

    Args:
        films: Number of films.
        width: Of the sum.
        layers: From that width to the codes.
        dropout: Share of the films dropped.
    """

    def __init__(self, films: int, width: int, layers: nn.Module, dropout: float) -> None:
        super().__init__()
        first = nn.init.xavier_normal_(torch.empty(films, width))
        self.shown = Table(films, width, weight=first)
        self.offset = nn.Parameter(torch.zeros(width))
        self.dropout = Dropout(dropout)
        self.layers = layers

    def forward(self, rows: Tensor, items: Tensor, people: int) -> Tensor:
        """What is made of histories: `[people, codes * dim]`.

        Args:
            rows: `[n]` int64, ascending, whose history each film is in.
            items: `[n]` int64, the films.
            people: Number of histories; those without films count.
        """
        counts = torch.bincount(rows, minlength=people)
        weights = self.dropout(counts.rsqrt()[rows])
        if self.training:  # what was dropped need not be added up
            kept = weights.nonzero().squeeze(1)
            rows, items, weights = (x.index_select(0, kept) for x in (rows, items, weights))
        return self.layers(self.shown.sums(rows, items, weights, people) + self.offset)


class Autoencoder(Learned[A]):
    """From the films of a history to a code, and from there to the odds of all films.

    The loss is the multinomial log-likelihood of what was watched, a mean over films rather
    than over people. No person has a vector, so new ones are served like all others. Stars do
    not matter. The softmax costs what there is to watch.

    Args:
        config: The settings.
        sizes: Table sizes.
        encoder: From films to codes; of two vectors for a person the first is the code.
        decoder: From codes to what films are found by.
        width: Of the latter.
    """

    encoder: Encoder

    def __init__(
        self, config: A, sizes: Sizes, encoder: Encoder, decoder: nn.Module, width: int
    ) -> None:
        super().__init__(config, sizes)
        self.encoder, self.decoder = encoder, decoder
        self.films = linear(width, sizes.items)

    @property
    @abstractmethod
    def units(self) -> int:
        """Numbers that all layers hold for a person."""

    def prepare(self, data: Interactions) -> None:
        """Films that nobody watched say nothing, not something random."""
        self.encoder.shown.weight.data[torch.from_numpy(data.item_counts == 0)] = 0.0

    def batches(self, data: Interactions, *, batch_size: int, seed: int) -> Batches:
        """People and all they watched."""
        return PeopleBatches(data, batch_size=batch_size, seed=seed)

    def held_out_batches(
        self, held_out: Interactions, train: Interactions, *, batch_size: int, seed: int
    ) -> Batches:
        """What was held out, foretold from the training part of the same people."""
        return PeopleBatches(held_out, batch_size=batch_size, seed=seed, shown=train)

    def training_bytes(self, loop: TrainerConfig) -> int:
        """Layers of a batch, a block of the softmax, and gradients of both tables of films."""
        people, films = min(loop.batch_size, self.sizes.users), self.sizes.items
        tables = self.encoder.shown.weight.numel() + self.films.weight.numel()
        return 4 * (6 * people * self.units + 2 * tables) + softmax_bytes(people, films)

    def forward(self, batch: Batch) -> Tensor:
        """Mean cross-entropy of the films wanted of the people."""
        codes = self.code(batch["rows"], batch["items"], int(batch["wanted_rows"][-1]) + 1)
        return self.likelihood_loss(codes, batch)

    @torch.no_grad()
    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Logits of the films."""
        states = self.decoder(self.code(queries.rows, queries.items, len(queries)))
        weight, bias = self.films.weight, self.films.bias
        if items is None:
            return self.films(states)
        if items.ndim == 1:
            return functional.linear(states, weight[items], bias[items])
        scores = bias[items]
        for some in row_chunks(len(items), items.shape[1] * weight.shape[1]):
            scores[some] += torch.bmm(weight[items[some]], states[some, :, None]).squeeze(2)
        return scores

    def item_vectors(self) -> Tensor:
        """What films are found by."""
        return self.films.weight.detach()

    def code(self, rows: Tensor, items: Tensor, people: int) -> Tensor:
        """The codes `[people, dim]` of histories; see `Encoder.forward`."""
        return self.encoder(rows, items, people)[:, : self.config.dim]

    def likelihood_loss(self, codes: Tensor, batch: Batch) -> Tensor:
        """Mean cross-entropy of the films wanted, from codes `[B, dim]`."""
        states, rows = self.decoder(codes).float(), batch["wanted_rows"]
        weight, bias = self.films.weight, self.films.bias
        return linear_cross_entropy(states, weight, batch["wanted"], rows=rows, bias=bias)


class MultDAE(Autoencoder[D]):
    """A denoising autoencoder: from half of someone's films to the odds of all of them.

    The films of a history, as a vector of length 1 of which a share is dropped, go through
    layers with tanh to a code and back, to a softmax over all films; the loss is the
    multinomial log-likelihood (Liang et al., 'Variational autoencoders for collaborative
    filtering', WWW 2018, eq. 2), a mean over the films watched rather than over people.
    """

    name: ClassVar[str] = "multdae"
    Config = MultDAEConfig
    defaults: ClassVar[dict[str, Any]] = {"epochs": 60, "batch_size": 100, "learning_rate": 1e-3}
    codes: ClassVar[int] = 1
    """Vectors of width `dim` that the encoder gives for a person."""

    def __init__(self, config: D, sizes: Sizes) -> None:
        into = (*config.hidden, self.codes * config.dim)
        back = (config.dim, *reversed(config.hidden))
        layers, decoder = nn.Sequential(), nn.Sequential()
        encoder = Encoder(sizes.items, into[0], layers, config.dropout)
        for width, out in pairwise(into):
            layers += nn.Sequential(nn.Tanh(), linear(width, out))
        if self.codes == 1:
            layers.append(nn.Tanh())
        for width, out in pairwise(back):
            decoder += nn.Sequential(linear(width, out), nn.Tanh())
        super().__init__(config, sizes, encoder, decoder, back[-1])

    @property
    def units(self) -> int:
        """The code, and all layers to it and from it."""
        return 2 * sum(self.config.hidden) + (1 + self.codes) * self.config.dim


class MultVAE(MultDAE[MultVAEConfig]):
    """A variational autoencoder: a person is a normal distribution of codes.

    As `MultDAE`, but the encoder gives the mean and the logarithm of the variance of the
    code, which is drawn in training; those asking get the mean. To the loss is added
    `beta` times the divergence from N(0, 1), which holds the codes of people together, the
    weight rising from 0 step by step (Liang et al., section 2.2).
    """

    name: ClassVar[str] = "multvae"
    Config = MultVAEConfig
    codes: ClassVar[int] = 2

    def batches(self, data: Interactions, *, batch_size: int, seed: int) -> Batches:
        """People, all they watched, and what the divergence weighs at this step."""
        return _Annealed(super().batches(data, batch_size=batch_size, seed=seed), self.config)

    def forward(self, batch: Batch) -> Tensor:
        """The negative evidence bound a film; out of training, of mean codes and without KL."""
        if not self.training:
            return super().forward(batch)
        rows = batch["wanted_rows"]
        raw = self.encoder(batch["rows"], batch["items"], int(rows[-1]) + 1).float()
        mean, log_variance = raw.chunk(2, 1)
        loss = self.likelihood_loss(drawn(mean, log_variance, self.config.noise), batch)
        divergence = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum()
        return loss + batch["beta"] * divergence / len(rows)


class _Annealed:
    """Batches that tell what the divergence weighs: `beta` `[]`, a function of the step.

    Args:
        batches: All else of a batch.
        config: How the weight rises.
    """

    def __init__(self, batches: Batches, config: MultVAEConfig) -> None:
        self.batches, self.config = batches, config

    def __len__(self) -> int:
        return len(self.batches)

    def batch(self, epoch: int, step: int) -> Batch:
        weight = self.config.weight(epoch + step / len(self))
        return {**self.batches.batch(epoch, step), "beta": torch.tensor(weight)}


def drawn(mean: Tensor, log_variance: Tensor, noise: float = 1.0) -> Tensor:
    """A draw from each of the normal distributions, through which gradients pass.

    Args:
        mean: Of each.
        log_variance: Of each.
        noise: Share of the standard deviation that is kept.
    """
    return mean + noise * torch.randn_like(mean) * (0.5 * log_variance).exp()


def linear(width: int, out: int) -> nn.Linear:
    """A linear layer as autoencoders begin with it."""
    layer = cast("nn.Linear", nn.utils.skip_init(nn.Linear, width, out))
    nn.init.xavier_normal_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
