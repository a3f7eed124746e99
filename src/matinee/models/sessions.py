"""Session neighbours: stretches of other people's histories that are like the latest films."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from scipy.sparse import csr_array
from torch import Tensor

from matinee.config import Config, Search
from matinee.data.interactions import Interactions, dense
from matinee.data.queries import Queries
from matinee.data.vocabulary import BoolArray
from matinee.models.base import Sizes, Solved, pick
from matinee.models.layers import row_chunks

HOUR = 3600
HELD = 20
"""Floats that are held at a time for each place of a neighbour, numbers of films among them."""


class SessionNeighboursConfig(Config):
    """Settings of `SessionNeighbours`."""

    neighbours: Annotated[int, Field(ge=1), Search(50, 1000, log=True)] = 500
    """How many of the most similar sessions count."""
    pause: Annotated[float, Field(gt=0), Search(0.5, 48, log=True)] = 6.0
    """Hours without a rating after which a session has ended."""
    length: Annotated[int, Field(ge=1), Search(5, 100, log=True)] = 30
    """Films of a session at most; a longer one is several. So many of the latest films of a history
    are its session, however long ago the first of them."""
    past: Annotated[float, Field(gt=0), Search(1, 50, log=True)] = 5.0
    """Ratings since which a film of the history has lost all but 1/e of its weight."""
    reach: Annotated[float, Field(gt=0), Search(0.5, 50, log=True)] = 3.0
    """Places from the film that was seen in common at which a film of a session has lost all but
    1/e of its weight."""
    before: Annotated[float, Field(ge=0, le=1), Search(0, 1)] = 0.1
    """What a film counts that was rated before the one in common, next to 1 for one after it."""


class SessionNeighbours(Solved[SessionNeighboursConfig]):
    """Sessions that share the latest films of a history; a list sums over what stands nearby.

    A session s is likened to a history by the films they share, each by how lately it was rated,
    sim(s) = Σ exp(-d / past) / √|s| for those d ratings back. A film of the k nearest sessions
    scores sim(s) exp(-|places from a| / reach), where a is the film of s that was rated last
    in the history; only `before` of it if it stands no later than a. (Garg et al., 'Sequence and
    time aware neighborhood for session-based recommendations', SIGIR 2019, without the age of
    sessions, after vector multiplication in Ludewig and Jannach, 'Evaluation of session-based
    recommendation algorithms', UMUAI 2018.)

    Sessions of a known person are not among their own neighbours.
    """

    name: ClassVar[str] = "sessionknn"
    Config = SessionNeighboursConfig
    offsets: Tensor
    items: Tensor
    sessions: Tensor
    film_offsets: Tensor
    film_sessions: Tensor
    film_weights: Tensor

    def __init__(self, config: SessionNeighboursConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        for name, rows in (("offsets", sizes.users), ("film_offsets", sizes.items)):
            self.register_buffer(name, torch.zeros(rows + 1, dtype=torch.int64))
        for name in ("items", "sessions", "film_sessions"):
            self.register_buffer(name, torch.zeros(sizes.ratings, dtype=torch.int32))
        self.register_buffer("film_weights", torch.zeros(sizes.ratings))

    def solve(self, data: Interactions) -> None:
        """Remember histories, which session each rating is of, and the sessions of each film."""
        sessions = np.cumsum(self._begins(data)) - 1
        by_film = np.argsort(data.items, kind="stable")
        weights = 1 / np.sqrt(np.bincount(sessions))[sessions]
        self.offsets.copy_(torch.from_numpy(data.offsets))
        self.film_offsets[1:] = torch.from_numpy(data.item_counts).cumsum(0)
        self.items.copy_(torch.tensor(data.items))
        self.sessions.copy_(torch.from_numpy(sessions))
        self.film_sessions.copy_(torch.from_numpy(sessions[by_film]))
        self.film_weights.copy_(torch.from_numpy(weights[by_film]))

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Sums over the sessions nearest to the end of each history."""
        scores = torch.zeros(len(queries), self.sizes.items, device=self.device)
        if len(self.items):
            count = int(self.sessions[-1]) + 1
            index = _sparse(self.film_weights, self.film_sessions, self.film_offsets, count)
            places = min(self.config.neighbours, count) * self.config.length
            for rows in row_chunks(len(queries), 3 * count + HELD * places + self.sizes.items):
                scores[rows] = self._scores(queries.block(rows), index)
        return pick(scores, items)

    def _begins(self, data: Interactions) -> BoolArray:
        """Whether each rating is the first of its session, `[n]`."""
        places, new = np.arange(len(data)), np.ones(len(data), bool)
        new[1:] = np.diff(data.users) != 0
        new[1:] |= np.diff(data.times) > self.config.pause * HOUR
        since = places - np.maximum.accumulate(np.where(new, places, 0))
        return since % self.config.length == 0

    def _scores(self, queries: Queries, index: csr_array) -> Tensor:
        """Those of all films, `[B, n_items]`; the index holds the sessions of each film."""
        latest, weights = self._latest(queries)
        similarity = self._similarity(latest, weights, index)
        width = min(self.config.neighbours, similarity.shape[1])
        near, sessions = similarity.topk(width, dim=1)
        films = self._films(sessions).flatten(1)
        nothing = near.new_zeros(len(queries), self.sizes.items + 1)  # the last is for padding
        entries = latest.rows * nothing.shape[1] + latest.items
        rated = nothing.flatten().scatter_reduce(0, entries, weights, "amax").view_as(nothing)
        shared = rated.gather(1, films).unflatten(1, (width, -1))
        counts = near[:, :, None] * self._nearness(shared.argmax(2, keepdim=True))
        return nothing.scatter_add(1, films, counts.flatten(1))[:, :-1]

    def _nearness(self, anchors: Tensor) -> Tensor:
        """What places of sessions count, `[B, k, length]`, by the one `[B, k, 1]` in common."""
        ahead = torch.arange(self.config.length, device=anchors.device) - anchors
        near = torch.exp(-ahead.abs() / self.config.reach)
        return torch.where(ahead > 0, near, self.config.before * near)

    def _latest(self, queries: Queries) -> tuple[Queries, Tensor]:
        """The ends of histories, and the weight of each film there."""
        places = torch.arange(len(queries.items), device=queries.items.device)
        back = queries.offsets[1:][queries.rows] - 1 - places
        kept = back < self.config.length
        offsets = torch.cat([queries.offsets[:1], kept.cumsum(0)])[queries.offsets]
        latest = Queries(
            queries.users,
            offsets,
            queries.items[kept],
            queries.ratings[kept],
            queries.times[kept],
            queries.at,
        )
        return latest, torch.exp(-back[kept] / self.config.past)

    def _similarity(self, queries: Queries, weights: Tensor, index: csr_array) -> Tensor:
        """How like each session is, `[B, sessions]`; 0 for the asker's own."""
        asked = _sparse(weights, queries.items, queries.offsets, self.sizes.items)
        found = torch.from_numpy(dense(asked @ index))
        for row, user in enumerate(queries.users.tolist()):
            if user >= 0 and self.offsets[user] < self.offsets[user + 1]:
                own = self.sessions[self.offsets[user] : self.offsets[user + 1]]
                found[row, own[0] : own[-1] + 1] = 0
        return found.to(self.device)

    def _films(self, sessions: Tensor) -> Tensor:
        """Films of sessions `[B, k]`, `[B, k, length]`, padded with the number of films."""
        start = torch.searchsorted(self.sessions, sessions.to(torch.int32))
        places = start[:, :, None] + torch.arange(self.config.length, device=start.device)
        entries = places.clamp_max(len(self.items) - 1)
        inside = (self.sessions[entries] == sessions[:, :, None]) & (entries == places)
        return torch.where(inside, self.items[entries].long(), self.sizes.items)


def _sparse(values: Tensor, columns: Tensor, offsets: Tensor, width: int) -> csr_array:
    parts = (part.cpu().numpy() for part in (values, columns, offsets))
    return csr_array(tuple(parts), shape=(len(offsets) - 1, width))
