"""The films of a model of inner products, in blocks of like length and like direction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from matinee.data.vocabulary import LongArray
from matinee.models.base import DotProduct

WIDTH = 128
"""Films of a block: with vectors of 64, as many as the nearest cache holds."""
CHUNK = 16
"""Blocks whose centres stand side by side."""
BAND = 512 * WIDTH
"""Films of like length among which those of like direction are put together, at most."""
SAMPLE = 256
"""Films that tell in which direction a group is spread most."""
SQUARINGS = 5
"""Of a group's covariance, of which the greatest direction is then nearly all that is left."""


@dataclass(frozen=True, slots=True)
class FilmBlocks:
    """Films in the order in which a search for the largest products looks at them.

    Those of the longest vectors come first, and among as many as `BAND` each block has films of
    like direction. A person's product with a film is that with the centre of its block, and at
    most their length times the radius more.

    Attributes:
        order: `[n_items]` film integers.
        places: `[n_items]` where each film is in it.
        vectors: `[blocks, d, WIDTH]` float32, side by side, in this order; the last film fills
            what is spare.
        centres: `[chunks, d, CHUNK]` float32, the means of so many blocks each, side by side;
            what is spare is 0.
        radii: `[blocks]` float64, distance of the centre from the farthest film at most, a little
            larger than what rounding can add to any product.
        most: `[blocks]` float64, length of any film from a block on at most; infinite up to where
            the last film is that has a vector of no numbers.
        rank: `[n_items]` a film's place among films of equal score, in this order.
    """

    order: LongArray
    places: LongArray
    vectors: NDArray[np.float32]
    centres: NDArray[np.float32]
    radii: NDArray[np.float64]
    most: NDArray[np.float64]
    rank: LongArray

    @classmethod
    def of(cls, model: DotProduct, rank: LongArray) -> Self:
        """The films of a model.

        Args:
            model: The model, which must not change from now on.
            rank: `[n_items]` each film's place among films of equal score.
        """
        return cls.from_vectors(model.film_factors().detach().float().cpu(), rank)

    @classmethod
    def from_vectors(cls, films: Tensor, rank: LongArray) -> Self:
        """Films of vectors `[n_items, d]`."""
        # What is no number is looked at first.
        longest = films.double().norm(dim=1).argsort(descending=True, stable=True)
        order = torch.cat([_by_direction(films, band) for band in _bands(longest)])
        blocks = films[torch.cat([order, order[-1:].expand(-len(order) % WIDTH)])]
        blocks = blocks.view(-1, WIDTH, films.shape[1])
        centres = blocks.mean(1)
        slack = films.shape[1] * 2.0**-22
        greatest = blocks.double().norm(dim=2).amax(1)
        radii = (blocks - centres[:, None]).double().norm(dim=2).amax(1) * (1 + slack)
        most = greatest.nan_to_num(nan=torch.inf).flip(0).cummax(0).values.flip(0)
        return cls(
            order=order.numpy(),
            places=order.argsort().numpy(),
            vectors=blocks.mT.contiguous().numpy(),
            centres=_side_by_side(centres),
            radii=(radii + slack * greatest).numpy(),
            most=most.numpy(),
            rank=rank[order.numpy()],
        )

    def centre(self, blocks: LongArray) -> NDArray[np.float32]:
        """The centres of blocks, the last axis of the result."""
        return self.centres[blocks // CHUNK, :, blocks % CHUNK]


def _bands(order: Tensor) -> Iterator[Tensor]:
    """Films in parts, each as large a power of two of blocks as there is left, but for the last."""
    while blocks := len(order) // WIDTH:
        size = min(WIDTH << (blocks.bit_length() - 1), BAND)
        yield order[:size]
        order = order[size:]
    yield order


def _by_direction(films: Tensor, band: Tensor) -> Tensor:
    """The same films, halved across their greatest spread until each part is a block."""
    vectors = films[band].nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    groups = torch.arange(len(band))[None]
    while groups.shape[1] > WIDTH:
        along = torch.bmm(vectors[groups], _spread(vectors, groups)).squeeze(2)
        halves = groups.gather(1, along.sort(dim=1, stable=True).indices)
        groups = halves.view(2 * len(groups), -1)
    return band[groups.flatten()]


def _spread(vectors: Tensor, groups: Tensor) -> Tensor:
    """The direction in which the films of each group `[g, n]` differ most, `[g, d, 1]`, nearly."""
    some = vectors[groups[:, :: max(groups.shape[1] // SAMPLE, 1)]]
    some = some - some.mean(1, keepdim=True)
    power = some.mT @ some
    for _ in range(SQUARINGS):
        power = power / power.norm(dim=(1, 2), keepdim=True).clamp_min(1e-30)
        power = power @ power
    best = power.diagonal(dim1=1, dim2=2).argmax(1)
    return power[torch.arange(len(power)), :, best, None]


def _side_by_side(centres: Tensor) -> NDArray[np.float32]:
    """Centres `[blocks, d]` as `FilmBlocks.centres`."""
    spare = torch.nn.functional.pad(centres, (0, 0, 0, -len(centres) % CHUNK))
    return spare.view(-1, CHUNK, centres.shape[1]).mT.contiguous().numpy()
