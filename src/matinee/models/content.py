"""Models that know films by what is said of them: genres, years, tags, titles, texts."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from scipy.sparse import csr_array
from torch import Tensor, nn
from torch.nn import functional

from matinee.config import Config, Search
from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.data.texts import FIELDS, heaviest, tfidf
from matinee.errors import DataError
from matinee.models.base import Sizes, Solved, pick
from matinee.models.layers import normalised
from matinee.models.linear import bag

USUAL = 5.0
"""As many ratings at the mean of all are added to a person's own before their mean is taken."""


class GenreMeanConfig(Config):
    """Settings of `GenreMean`."""

    similarity: Literal["dot", "cosine", "euclidean"] = "cosine"
    """How vectors are compared: inner product, cosine, or the distance between them."""
    shrinkage: Annotated[float, Field(ge=0), Search(0, 50)] = 0.0
    """So many ratings at the mean of all films are added to each film's own."""


class GenreMean(Solved[GenreMeanConfig]):
    """Films as their mean rating in each of their genres, people as the mean of their films.

    The vector of a film is its mean rating where a genre applies and 0 elsewhere; a film
    that nobody rated has the mean of all ratings. A person is the mean of the films of the
    history, each weighing as many times as it was given stars.
    """

    name: ClassVar[str] = "genre-mean"
    Config = GenreMeanConfig
    films: Tensor

    def __init__(self, config: GenreMeanConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.register_buffer("films", torch.zeros(sizes.items, sizes.item_fields.get("genres", 0)))

    def solve(self, data: Interactions) -> None:
        """Multiply the genres of each film by its mean rating.

        Raises:
            DataError: If no genres are known.
        """
        if "genres" not in data.item_fields:
            raise DataError(
                "no genres are known, so films cannot be compared by them",
                expected="a film table with genres",
            )
        sums = np.bincount(data.items, weights=data.ratings, minlength=data.n_items)
        # The smallest weight leaves rated films as they are and gives others the mean of all.
        added = max(self.config.shrinkage, 1e-9)
        means = (sums + added * data.ratings.mean()) / (data.item_counts + added)
        genres = data.item_fields["genres"] > 0
        self.films.copy_(torch.from_numpy(genres * means[:, None]))

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """The likeness of each film to the person; 0 for all where the history is empty."""
        given = bag(queries.ratings.new_ones(self.sizes.items, 1), queries, queries.ratings)
        people = bag(self.films, queries, queries.ratings) / given.clamp_min(1e-9)
        known = (queries.lengths > 0)[:, None]
        return pick(self._likeness(people) * known, items)

    def item_vectors(self) -> Tensor:
        """The films' vectors."""
        return self.films

    def alike(self, item: int) -> Tensor | None:
        """The likeness by the measure of the settings."""
        if not bool(self.films[item].any()):
            return None
        return self._likeness(self.films[item : item + 1])[0]

    def _likeness(self, vectors: Tensor) -> Tensor:
        """Of each of `[B, n_genres]` to each film: `[B, n_items]`, higher is more."""
        match self.config.similarity:
            case "dot":
                return vectors @ self.films.T
            case "cosine":
                # Rounded, so that films of the same genres tie in spite of their ratings.
                return (normalised(vectors) @ normalised(self.films).T).round(decimals=5)
            case "euclidean":
                return -torch.cdist(vectors, self.films)


class TermsConfig(Config):
    """Settings of what terms describe films."""

    genres: Annotated[float, Field(ge=0), Search(0, 2)] = 1.0
    """Emphasis of genres."""
    year: Annotated[float, Field(ge=0), Search(0, 2)] = 0.5
    """Emphasis of the year, which films of about the same year share."""
    tags: Annotated[float, Field(ge=0), Search(0, 2)] = 1.0
    """Emphasis of tags."""
    title: Annotated[float, Field(ge=0), Search(0, 2)] = 0.3
    """Emphasis of the words of titles."""
    text: Annotated[float, Field(ge=0), Search(0, 2)] = 1.0
    """Emphasis of the words of all free text columns together."""
    vocabulary: Annotated[int, Field(ge=1), Search(256, 16384, log=True)] = 4096
    """Most terms there may be; those of most films are kept."""

    def weigh(self, catalogue: Catalogue) -> csr_array:
        """The films by their terms; see `tfidf`."""
        emphasis = self.model_dump(include=set(FIELDS))
        return tfidf(catalogue, emphasis, vocabulary=self.vocabulary)


class FilmTermsConfig(TermsConfig):
    """Settings of models that keep the terms of each film."""

    terms: Annotated[int, Field(ge=1)] = 64
    """Most terms of a film; the weightiest are kept."""


class Terms(nn.Module):
    """What is said of each film, as a table of term numbers and weights of fixed shape.

    Args:
        config: What terms there are, and how many.
        films: Number of films.
    """

    columns: Tensor
    weights: Tensor

    def __init__(self, config: FilmTermsConfig, films: int) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("columns", torch.zeros(films, config.terms, dtype=torch.int32))
        self.register_buffer("weights", torch.zeros(films, config.terms))

    def fill(self, catalogue: Catalogue) -> None:
        """Describe the films."""
        columns, weights = heaviest(self.config.weigh(catalogue), self.config.terms)
        self.columns.copy_(torch.from_numpy(columns))
        self.weights.copy_(torch.from_numpy(weights))

    def forward(self, table: Tensor, weights: Tensor | None = None) -> Tensor:
        """The weighted sum of the rows of `table` `[vocabulary, d]` a film: `[n_films, d]`."""
        weights = self.weights if weights is None else weights
        return functional.embedding_bag(self.columns, table, mode="sum", per_sample_weights=weights)

    def of(self, queries: Queries, weights: Tensor) -> Tensor:
        """The weighted sum of the terms of each history, weights `[n]`: `[B, vocabulary]`."""
        width = self.config.vocabulary
        people = weights.new_zeros(len(queries) * width)
        places = queries.rows[:, None] * width + self.columns[queries.items]
        values = weights[:, None] * self.weights[queries.items]
        return people.index_add(0, places.flatten(), values.flatten()).view(-1, width)


class TfIdfConfig(FilmTermsConfig):
    """Settings of `TfIdf`: the terms, and how ratings count."""

    watched: Annotated[float, Field(gt=0), Search(0.1, 10, log=True)] = 1.0
    """Weight of having seen a film, beside the stars in standard deviations from one's mean."""


class TfIdf(Solved[TfIdfConfig]):
    """Films as their telling terms, people as the terms of what they liked, by cosine.

    Films are TF-IDF vectors over genres, years, tags and words (see `data.texts.tfidf`). A
    person is the sum of the films of the history, each weighing `watched` and how many
    standard deviations the rating lies above the person's mean: likes add, dislikes take
    away. That mean is held near the mean of all ratings while there are few, so that someone
    who names three favourites likes all three (Rocchio's relevance feedback).
    """

    name: ClassVar[str] = "tfidf"
    Config = TfIdfConfig
    mean: Tensor
    deviation: Tensor

    def __init__(self, config: TfIdfConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.terms = Terms(config, sizes.items)
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("deviation", torch.ones(()))

    def solve(self, data: Interactions) -> None:
        """Weigh the terms of the films, and note how ratings are spread."""
        self.terms.fill(data.catalogue)
        self.mean.fill_(float(data.ratings.mean()))
        # Where all ratings are alike, stars say nothing.
        self.deviation.fill_(float(data.ratings.std()) or math.inf)

    def solving_bytes(self) -> int:
        """The terms of all films before most are dropped."""
        return super().solving_bytes() + 64 * self.terms.weights.numel()

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """The cosine of each film with the person; 0 for all where nothing is known."""
        people = self.terms.of(queries, self.leanings(queries))
        return pick(self.terms(normalised(people).T.contiguous()).T, items)

    def leanings(self, queries: Queries) -> Tensor:
        """What each film of the histories weighs, `[n]`; see the class."""
        rows, ratings = queries.rows, queries.ratings
        sums = ratings.new_zeros(len(queries)).index_add(0, rows, ratings)
        means = (sums + USUAL * self.mean) / (queries.lengths + USUAL)
        return self.config.watched + (ratings - means[rows]) / self.deviation

    def item_vectors(self) -> Tensor:
        """The films' terms, `[n_items, vocabulary]`."""
        return self.terms(torch.eye(self.config.vocabulary, device=self.device))

    def alike(self, item: int) -> Tensor | None:
        """The cosine of the terms, without a table of all of them."""
        alone = Queries.anonymous([[item]]).to(self.device)
        terms = self.terms.of(alone, alone.ratings)
        return self.terms(terms.T.contiguous()).squeeze(1) if bool(terms.any()) else None
