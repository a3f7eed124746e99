"""A variational autoencoder whose encoder is held back by what it was before."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn
from torch.nn import functional

from matinee.config import Search
from matinee.data.batches import Batch
from matinee.data.interactions import Interactions
from matinee.models.autoencoders import Autoencoder, AutoencoderConfig, Encoder, drawn, linear
from matinee.models.base import Batches, Sizes
from matinee.models.losses import linear_cross_entropy

WIDE = 10.0
"""Logarithm of the variance of the prior's wide part."""
NORM_EPSILON = 0.1
"""Added to the variance that a norm divides by, as in the authors' program."""

Share = Annotated[float, Field(gt=0)]


class RecVAEConfig(AutoencoderConfig):
    """Settings of `RecVAE`."""

    width: Annotated[int, Field(ge=1), Search(200, 800, log=True)] = 600
    """Width of the layers from the films to the code."""
    layers: Annotated[int, Field(ge=1), Search(2, 6)] = 5
    """How many of them there are."""
    gamma: Annotated[float, Field(ge=0), Search(5e-4, 5e-2, log=True)] = 0.005
    """Weight of the divergence of a person's code from the prior, for each film watched."""
    prior: tuple[Share, Share, Share] = (0.15, 0.75, 0.1)
    """Weights of the prior's three parts: standard normal, the encoder of before, wide normal."""
    passes: Annotated[int, Field(ge=1), Search(1, 5)] = 3
    """Passes over the people that the encoder learns from in an epoch, before the decoder's one."""

    @field_validator("prior")
    @classmethod
    def _check_prior(cls, prior: tuple[float, ...]) -> tuple[float, ...]:
        if not math.isclose(sum(prior), 1, abs_tol=1e-6):
            raise ValueError("three weights that sum to 1")
        return prior


class RecVAE(Autoencoder[RecVAEConfig]):
    """As `MultVAE`, with a prior that remembers, and encoder and decoder learning in turn.

    The encoder gives a normal distribution of codes through densely connected layers; films are
    found from a code by a linear layer. The prior of a code is in each of its numbers a mixture
    of N(0, 1), of what the encoder gave for the person an epoch ago, and of a wide normal; the
    divergence from it is estimated by the code drawn, and weighs `gamma` for each film
    watched. In an epoch the encoder learns from histories of which a share is dropped, the
    decoder fixed; then the encoder is remembered, and the decoder learns from whole histories
    (Shenbin et al., 'RecVAE: a new variational autoencoder for top-N recommendations with
    implicit feedback', WSDM 2020).
    """

    name: ClassVar[str] = "recvae"
    Config = RecVAEConfig
    defaults: ClassVar[dict[str, Any]] = {"epochs": 50, "batch_size": 500, "learning_rate": 5e-4}

    def __init__(self, config: RecVAEConfig, sizes: Sizes) -> None:
        def encoder(dropout: float) -> Encoder:
            layers = DenseLayers(config.width, config.layers, 2 * config.dim)
            return Encoder(sizes.items, config.width, layers, dropout)

        super().__init__(config, sizes, encoder(config.dropout), nn.Sequential(), config.dim)
        self.before = encoder(0.0).requires_grad_(False)

    @property
    def units(self) -> int:
        """The layers of two encoders, of which one needs no gradients, and what leads to a loss."""
        return 4 * self.config.width * self.config.layers + 12 * self.config.dim

    def prepare(self, data: Interactions) -> None:
        """Films that nobody watched say nothing; the encoder of before is that of the start."""
        super().prepare(data)
        self._remember()

    def batches(self, data: Interactions, *, batch_size: int, seed: int) -> Batches:
        """People and all they watched, and whose turn it is to learn."""
        people = super().batches(data, batch_size=batch_size, seed=seed)
        return _InTurn(people, self.config.passes)

    def forward(self, batch: Batch) -> Tensor:
        """The loss of who learns; out of training the mean cross-entropy, of mean codes."""
        if not self.training:
            return super().forward(batch)
        people = int(batch["wanted_rows"][-1]) + 1
        if not bool(batch["decoding"]):
            return self._encoder_loss(batch, people)
        if bool(batch["first"]):
            self._remember()
        return self._decoder_loss(batch, people)

    def _encoder_loss(self, batch: Batch, people: int) -> Tensor:
        """The negative evidence bound a film, as far as the encoder can change it."""
        shown, rows, wanted = (batch["rows"], batch["items"], people), *_wanted(batch)
        with torch.no_grad():
            before = self.before(*shown).float().chunk(2, 1)
        now = self.encoder(*shown).float().chunk(2, 1)
        codes = drawn(*now)
        weight, bias = self.films.weight.detach(), self.films.bias.detach()
        loss = linear_cross_entropy(codes, weight, wanted, rows=rows, bias=bias)
        divergence = (log_density(codes, *now) - self.log_prior(codes, *before)).sum(1)
        return loss + self.config.gamma * divergence[rows].mean()

    def _decoder_loss(self, batch: Batch, people: int) -> Tensor:
        """The mean cross-entropy, as far as the decoder can change it."""
        with torch.no_grad():  # just remembered, and without dropout
            codes = drawn(*self.before(batch["rows"], batch["items"], people).float().chunk(2, 1))
        return self.likelihood_loss(codes, batch)

    def log_prior(self, codes: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
        """The logarithm of the prior's density `[B, dim]` at each number of the codes.

        Args:
            codes: `[B, dim]`.
            mean: `[B, dim]`, what the encoder of before gives.
            log_variance: `[B, dim]`, likewise.
        """
        zero = torch.zeros_like(codes)
        parts = [(zero, zero), (mean, log_variance), (zero, zero + WIDE)]
        densities = [
            log_density(codes, *part) + math.log(weight)
            for part, weight in zip(parts, self.config.prior, strict=True)
        ]
        return torch.stack(densities).logsumexp(0)

    def _remember(self) -> None:
        self.before.load_state_dict(self.encoder.state_dict())


class DenseLayers(nn.Module):
    """Layers that are each given the sum of all before them, with swish and a norm.

    Args:
        width: Of what comes in, and of each layer.
        count: Number of layers, what comes in being the first one's.
        out: Width of what comes out.
    """

    def __init__(self, width: int, count: int, out: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width, eps=NORM_EPSILON) for _ in range(count))
        self.layers = nn.ModuleList(linear(width, width) for _ in range(count - 1))
        self.out = linear(width, out)

    def forward(self, first: Tensor) -> Tensor:
        """`[B, out]` of `[B, width]`."""
        last = total = self.norms[0](functional.silu(first))
        for layer, norm in zip(self.layers, self.norms[1:], strict=True):
            last = norm(functional.silu(layer(last) + total))
            total = total + last
        return self.out(last)


class _InTurn:
    """Epochs of several passes over the people: the encoder's, then one of the decoder.

    A batch tells by `decoding` `[]` whose turn it is, and by `first` `[]` whether it has just
    become so.

    Args:
        batches: All else of a batch; an epoch of it is a pass.
        passes: Those of the encoder in an epoch.
    """

    def __init__(self, batches: Batches, passes: int) -> None:
        self.batches, self.passes = batches, passes

    def __len__(self) -> int:
        return (self.passes + 1) * len(self.batches)

    def batch(self, epoch: int, step: int) -> Batch:
        turn, place = divmod(step, len(self.batches))
        told = self.batches.batch((self.passes + 1) * epoch + turn, place)
        decoding = turn == self.passes
        flags = {"decoding": decoding, "first": decoding and place == 0}
        return told | {name: torch.tensor(flag) for name, flag in flags.items()}


def log_density(at: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """The logarithm of the density of normal distributions, element by element."""
    squares = (at - mean).square() / log_variance.exp()
    return -0.5 * (log_variance + math.log(2 * math.pi) + squares)


def _wanted(batch: Batch) -> tuple[Tensor, Tensor]:
    return batch["wanted_rows"], batch["wanted"]
