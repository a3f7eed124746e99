"""An approximate index of films, for catalogues too large to score whole for everyone.

A graph of films near each other (Malkov and Yashunin, 'Efficient and robust approximate nearest
neighbor search using hierarchical navigable small world graphs', TPAMI 2020), where near means of
large inner product (Morozov and Babenko, 'Non-metric similarity graphs for maximum inner product
search', NeurIPS 2018), finds candidates; their scores are then exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from matinee.data.queries import Queries
from matinee.data.vocabulary import LongArray
from matinee.errors import ConfigError
from matinee.models.asking import check_numbers
from matinee.models.base import DotProduct, Recommender

PRECISION = "f16"
"""Of the graph's own copy of the vectors; scores are had from the exact ones."""
CONNECTIVITY = 32
"""Neighbours of a film in the graph."""
EFFORT = 128
"""Films visited for each film put into the graph."""
LOOKED_AT = 256
"""Films visited for each person at least; more find more of the best, and take longer."""


class FilmIndex:
    """The films of a model, to be found by their inner product with a person's vector.

    It is made from the model and lives in memory, beside a copy of the films' vectors.

    Args:
        model: A model whose scores are inner products.
        favour: `[n_items]` all film integers, the most favoured first, for films of equal score.

    Raises:
        ConfigError: If the model's scores are something else, or usearch is not installed.
    """

    def __init__(self, model: Recommender, favour: LongArray) -> None:
        if not isinstance(model, DotProduct):
            raise ConfigError(
                f"the scores of {model.name} are not inner products, so films cannot be indexed",
                where="index",
                expected="a model such as mf or ials",
            )
        self._model = model
        self._films = model.film_factors().detach().float().cpu()
        self._place = torch.from_numpy(np.argsort(favour))
        self._graph = _graph(self._films)

    def search(self, queries: Queries, count: int) -> tuple[Tensor, Tensor]:
        """Films that are among the best of each person, nearly always the best.

        Args:
            queries: B people.
            count: How many to find.

        Returns:
            Film integers `[B, K]`, the most favoured first, and their scores `[B, K]`, with K up
            to `count`; minus infinity where no more were found.

        Raises:
            EvaluationError: If the model gives scores that are not numbers.
        """
        people = self._model.person_factors(queries.to(self._model.device)).float().cpu()
        self._graph.expansion_search = max(LOOKED_AT, 2 * count)
        found = self._graph.search(people.numpy(), count, threads=torch.get_num_threads())
        keys = torch.from_numpy(found.keys.astype(np.int64)).view(len(people), -1)
        items = keys.gather(1, self._place[keys].argsort(1))
        scores = torch.bmm(self._films[items], people[:, :, None]).squeeze(2)
        check_numbers(scores, self._model, "scores")
        return items, scores


def _graph(films: Tensor) -> Any:
    """The graph over the films' vectors `[n_items, d]`."""
    try:
        from usearch.index import Index  # noqa: PLC0415 - an extra, of which most have no need
    except ImportError:
        raise ConfigError(
            "usearch is not installed, which the index of films is made with",
            where="index",
            remedy="Install it with: pip install 'matinee[index]'",
        ) from None
    graph = Index(
        ndim=films.shape[1],
        metric="ip",
        dtype=PRECISION,
        connectivity=CONNECTIVITY,
        expansion_add=EFFORT,
    )
    graph.add(np.arange(len(films)), films.numpy(), threads=torch.get_num_threads())
    return graph
