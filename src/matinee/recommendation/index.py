"""An approximate index of films, for catalogues too large to score whole for everyone.

A graph of films near each other (Malkov and Yashunin, 'Efficient and robust approximate nearest
neighbor search using hierarchical navigable small world graphs', TPAMI 2020) finds candidates,
whose scores are then exact. The graph compares directions, while scores are inner products: a
film's vector gets one more number, so that all are of one length and the film of the largest
product is the one of the nearest direction (Bachrach et al., 'Speeding up the Xbox recommender
system using a Euclidean transformation', RecSys 2014). A few very long vectors would make all
others look alike. So the longest are left out of the graph, and scored for everyone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from matinee.data.queries import Queries
from matinee.data.vocabulary import LongArray
from matinee.errors import ConfigError
from matinee.models.asking import check_numbers
from matinee.models.base import DotProduct, Recommender

LONGEST = 4096
"""Films of the longest vectors, which are scored for everyone."""
PRECISION = "f16"
"""Of the graph's own copy of the vectors."""
CONNECTIVITY = 32
"""Neighbours of a film in the graph."""
EFFORT = 64
"""Films visited for each film put into the graph."""
LOOKED_AT = 1024
"""Films visited for each person at least; more find more of the best, and take longer."""


class FilmIndex:
    """The films of a model, to be found by their inner product with a person's vector.

    It is made from the model and lives in memory, beside a copy of the films' vectors.

    Args:
        model: A model whose scores are inner products.
        rank: `[n_items]` each film's place among films of equal score.

    Raises:
        ConfigError: If the model's scores are something else, or usearch is not installed.
    """

    def __init__(self, model: Recommender, rank: LongArray) -> None:
        if not isinstance(model, DotProduct):
            raise ConfigError(
                f"the scores of {model.name} are not inner products, so films cannot be indexed",
                where="index",
                expected="a model such as mf or ials",
            )
        self._model = model
        films = model.film_factors().detach().float().cpu()
        self._order = films.norm(dim=1).argsort(descending=True)
        self._films = films[self._order]
        self._rank = torch.from_numpy(rank)
        self._graph = _graph(self._films[LONGEST:])

    def search(self, queries: Queries, count: int) -> tuple[Tensor, Tensor]:
        """Films that are nearly always among the best of each person.

        Args:
            queries: B people.
            count: How many to find.

        Returns:
            Film integers `[B, K]`, those of lowest rank first, and their scores `[B, K]`, with K
            at least `count` unless there are not so many films.

        Raises:
            EvaluationError: If the model gives scores that are not numbers.
        """
        asked = self._model.person_factors(queries.to(self._model.device))
        people, offset = (part.float().cpu() for part in asked)
        longest = people @ self._films[:LONGEST].T
        found = longest.topk(min(count, longest.shape[1])).indices
        if self._graph is not None:
            found = torch.cat([found, self._near(people, count)], 1)
        found = found.gather(1, self._rank[self._order[found]].argsort(1))
        scores = torch.bmm(self._films[found], people[:, :, None]).squeeze(2) + offset
        check_numbers(scores, self._model, "scores")
        return self._order[found], scores

    def _near(self, people: Tensor, count: int) -> Tensor:
        """What the graph finds: rows of the films in their order, `[B, K]`."""
        assert self._graph is not None
        self._graph.expansion_search = max(LOOKED_AT, 2 * count)
        # Films have one more number than people, of whom it is 0.
        asked = functional.pad(people, (0, 1)).numpy()
        found = self._graph.search(asked, count, threads=torch.get_num_threads())
        return LONGEST + torch.from_numpy(found.keys.astype(np.int64)).view(len(people), -1)


def _graph(films: Tensor) -> Any:
    """The graph over films' vectors `[n, d]`, made as long as the longest; None of no films."""
    try:
        from usearch.index import Index  # noqa: PLC0415 - an extra, of which most have no need
    except ImportError:
        raise ConfigError(
            "usearch is not installed, which the index of films is made with",
            where="index",
            remedy="Install it with: pip install 'matinee[index]'",
        ) from None
    if not len(films):
        return None
    squares = films.square().sum(1, keepdim=True)
    directions = torch.cat([films, (squares.amax() - squares).sqrt()], 1).numpy()
    graph = Index(
        ndim=directions.shape[1],
        metric="cos",
        dtype=PRECISION,
        connectivity=CONNECTIVITY,
        expansion_add=EFFORT,
    )
    graph.add(np.arange(len(films)), directions, threads=torch.get_num_threads())
    return graph
