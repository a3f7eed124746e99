"""The films of a model of inner products, those of the longest vectors first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from matinee.data.vocabulary import LongArray
from matinee.models.base import DotProduct


@dataclass(frozen=True, slots=True)
class LongestFirst:
    """Films in the order in which a search for the largest products looks at them.

    Attributes:
        order: `[n_items]` film integers.
        places: `[n_items]` where each film is in it.
        vectors: `[n_items, d]` float32 on the processor, in this order, as are the next two.
        lengths: `[n_items]` float64, descending, but NaN stands first.
        rank: `[n_items]` a film's place among films of equal score.
    """

    order: Tensor
    places: Tensor
    vectors: Tensor
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
        return cls(order, order.argsort(), films[order], lengths, ranks)
