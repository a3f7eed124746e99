"""The films of a model of inner products, those of the longest vectors first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from matinee.data.vocabulary import LongArray
from matinee.models.base import DotProduct

WIDTH = 128
"""Films of a block: with vectors of 64, as many as the nearest cache holds."""


@dataclass(frozen=True, slots=True)
class LongestFirst:
    """Films in the order in which a search for the largest products looks at them.

    Attributes:
        order: `[n_items]` film integers.
        places: `[n_items]` where each film is in it.
        blocks: `[ceil(n_items / WIDTH), d, WIDTH]` float32 on the processor, their vectors side
            by side, in this order, as are the next two; the last film fills what is spare.
        lengths: `[n_items]` float64, descending, but NaN stands first.
        rank: `[n_items]` a film's place among films of equal score.
    """

    order: Tensor
    places: Tensor
    blocks: Tensor
    lengths: Tensor
    rank: Tensor

    @classmethod
    def of(cls, model: DotProduct, rank: LongArray) -> Self:
        """The films of a model.

        Args:
            model: The model, which must not change from now on.
            rank: `[n_items]` each film's place among films of equal score.
        """
        films = model.film_factors().detach().float().cpu()
        lengths, order = films.double().norm(dim=1).sort(descending=True, stable=True)
        ranks = torch.from_numpy(rank)[order]
        return cls(order, order.argsort(), side_by_side(films, order), lengths, ranks)


def side_by_side(films: Tensor, order: Tensor) -> Tensor:
    """Vectors `[n, d]` in an order `[n]`, as `LongestFirst.blocks`.

    A loop over the films of a block has then as many sums as registers have lanes, and need not
    add up the lanes of each.
    """
    spare = order[-1:].expand(-len(order) % WIDTH)
    rows = films[torch.cat([order, spare])]
    return rows.view(-1, WIDTH, films.shape[1]).mT.contiguous()
