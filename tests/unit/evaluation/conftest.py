"""Models whose every score and star is written down."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from matinee.config import Config
from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.data.vocabulary import Vocabulary
from matinee.models.base import Recommender, Sizes, pick


class Table(Recommender):
    """Scores read off a table `[users, items]`."""

    name = "table"
    Config = Config
    scores: Tensor

    def __init__(self, scores: ArrayLike) -> None:
        table = torch.as_tensor(np.asarray(scores))
        super().__init__(Config(), Sizes(users=len(table), items=table.shape[1], ratings=0))
        self.register_buffer("scores", table)

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        return pick(self.scores[queries.users], items)


class Popular(Table):
    """The same scores for everyone, handed out as a view of the model's own buffer."""

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        return pick(self.scores[0].expand(len(queries), -1), items)


class Stars(Table):
    """A table of stars as well."""

    def predict(self, queries: Queries, items: Tensor) -> Tensor:
        return pick(self.scores[queries.users], items)


class Likes(Stars):
    """A table of stars in 0..1 that are probabilities too."""

    def probability(self, queries: Queries, items: Tensor) -> Tensor:
        return pick(self.scores[queries.users], items)


@pytest.fixture(scope="session")
def models() -> dict[str, type[Table]]:
    return {"table": Table, "popular": Popular, "stars": Stars, "likes": Likes}


def _data(
    pairs: ArrayLike,
    n_users: int,
    n_items: int,
    ratings: ArrayLike | None = None,
    catalogue: Catalogue | None = None,
) -> Interactions:
    users, items = np.asarray(pairs, np.int64).reshape(-1, 2).T
    return Interactions.build(
        users,
        items,
        ratings,
        user_ids=Vocabulary(f"u{i}" for i in range(n_users)),
        catalogue=catalogue or Catalogue.bare(Vocabulary(f"f{i}" for i in range(n_items))),
    )


@pytest.fixture(scope="session")
def make_data() -> Callable[..., Interactions]:
    return _data
