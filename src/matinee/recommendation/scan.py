"""The best of many films in one pass over their vectors, shared by everyone who asks together.

Scores of a million films for 32 people are 128 MB, which take longer to write, copy, look through
and sort than to compute. Here a block of them stays in the cache, and of each group of films only
the highest score is kept. The k best films are in the k groups of highest maxima.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from matinee.data.queries import Queries
from matinee.data.vocabulary import LongArray
from matinee.models.asking import check_numbers
from matinee.models.base import DotProduct, Recommender

GROUP, GROUPS = 16, 4096
"""Films of a group, and groups of a block."""
SPARE = 8
"""Groups taken beyond those asked for, as scores are rounded otherwise in small products."""
FROM = 100_000
"""Films from which a scan takes less time than scores of all."""


class Finder(Protocol):
    """Finds films that are among the best of each person."""

    def search(self, queries: Queries, count: int) -> tuple[Tensor, Tensor]:
        """Films that are among the best of each person.

        Args:
            queries: B people.
            count: How many to find.

        Returns:
            Film integers `[B, K]`, the most favoured first, and their scores `[B, K]`, with K at
            least `count` unless there are not so many films.

        Raises:
            EvaluationError: If the model gives scores that are not numbers.
        """
        ...


class FilmScan:
    """Finds exactly the best, but for films of one score where there are too many of them.

    Args:
        model: A model whose scores are inner products.
        favour: `[n_items]` all film integers, the most favoured first, for films of equal score.
    """

    def __init__(self, model: Recommender, favour: LongArray) -> None:
        assert isinstance(model, DotProduct)
        self._model = model
        self._films = model.film_factors().detach().float().cpu()
        self._place = torch.from_numpy(np.argsort(favour))

    def search(self, queries: Queries, count: int) -> tuple[Tensor, Tensor]:
        """See `Finder`."""
        people = self._model.person_factors(queries.to(self._model.device)).float().cpu()
        maxima, firsts = zip(*self._maxima(people), strict=True)
        highest = torch.cat(maxima, 1)
        check_numbers(highest, self._model, "scores")
        best = highest.topk(min(count + SPARE, highest.shape[1])).indices
        # Groups are spread over their block, so that maxima are had of whole rows at once.
        members = torch.cat(firsts)[best][:, :, None] + torch.arange(GROUP) * GROUPS
        members = members.flatten(1)
        there = members < len(self._films)
        items = torch.where(there, members, 0)
        scores = torch.bmm(self._films[items], people[:, :, None]).squeeze(2)
        scores.masked_fill_(~there, -torch.inf)
        places = scores.topk(min(count, scores.shape[1])).indices
        items, scores = items.gather(1, places), scores.gather(1, places)
        order = self._place[items].argsort(1)
        return items.gather(1, order), scores.gather(1, order)

    def _maxima(self, people: Tensor) -> list[tuple[Tensor, Tensor]]:
        """For each block, the highest score of each group `[B, g]`, and its first film `[g]`."""
        found: list[tuple[Tensor, Tensor]] = []
        for start in range(0, len(self._films), GROUP * GROUPS):
            scores = people @ self._films[start : start + GROUP * GROUPS].T
            width = min(GROUPS, scores.shape[1])
            if short := -scores.shape[1] % GROUPS:
                scores = torch.nn.functional.pad(scores, (0, short), value=-torch.inf)
            highest = scores.view(len(people), -1, GROUPS).amax(1)[:, :width]
            found.append((highest, start + torch.arange(width)))
        return found
