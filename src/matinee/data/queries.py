"""What a model is asked: people and their histories, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Queries:
    """B people asking: a user index or -1, and a ragged history, oldest first.

    The history of person `b` is `items[offsets[b]:offsets[b + 1]]`, with ratings and times
    alike. A model that has learned something of user `users[b]` may use it; with -1 all
    that is known of the person is the history.

    The time of asking counts only where it is known and later than the history: whoever
    reads it must take the history's latest time where it is not.

    Attributes:
        users: `[B]` int64.
        offsets: `[B + 1]` int64, from 0 to n.
        items: `[n]` int64.
        ratings: `[n]` float32, on the scale of the data (1 where there are no ratings).
        times: `[n]` int64, Unix seconds (0 where unknown).
        at: `[B]` int64, Unix seconds, when each person asks (0 where unknown).
    """

    users: Tensor
    offsets: Tensor
    items: Tensor
    ratings: Tensor
    times: Tensor
    at: Tensor

    @classmethod
    def anonymous(
        cls,
        histories: Sequence[Sequence[int]],
        ratings: Sequence[Sequence[float]] | None = None,
        *,
        rating: float = 1.0,
    ) -> Self:
        """People of whom only a list of films is known.

        Args:
            histories: A list of film integers for each person, oldest first.
            ratings: Ratings of the same shape; without them every film gets `rating`.
            rating: The rating a bare like stands for.
        """
        lengths = torch.tensor([0, *(len(h) for h in histories)])
        items = torch.tensor([i for h in histories for i in h], dtype=torch.int64)
        if ratings is None:
            values = torch.full((len(items),), rating)
        else:
            values = torch.tensor([r for rs in ratings for r in rs], dtype=torch.float32)
        return cls(
            users=torch.full((len(histories),), -1),
            offsets=lengths.cumsum(0),
            items=items,
            ratings=values,
            times=torch.zeros(len(items), dtype=torch.int64),
            at=torch.zeros(len(histories), dtype=torch.int64),
        )

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """The people of several, one after the other.

        Args:
            parts: At least one.
        """
        if len(parts) == 1:
            return parts[0]
        lengths = torch.cat([part.lengths for part in parts])
        return cls(
            users=torch.cat([part.users for part in parts]),
            offsets=torch.cat([lengths.new_zeros(1), lengths.cumsum(0)]),
            items=torch.cat([part.items for part in parts]),
            ratings=torch.cat([part.ratings for part in parts]),
            times=torch.cat([part.times for part in parts]),
            at=torch.cat([part.at for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.users)

    @property
    def lengths(self) -> Tensor:
        """History lengths `[B]`."""
        return self.offsets.diff()

    @property
    def rows(self) -> Tensor:
        """Which person each history entry belongs to: `[n]`, ascending."""
        return torch.repeat_interleave(self.lengths)

    def to(self, device: torch.device | str) -> Self:
        """The same on another device."""
        if self.items.device == torch.device(device):
            return self
        return type(self)(
            self.users.to(device),
            self.offsets.to(device),
            self.items.to(device),
            self.ratings.to(device),
            self.times.to(device),
            self.at.to(device),
        )

    def forget_users(self) -> Self:
        """The same histories asked by strangers: every user is -1."""
        return replace(self, users=torch.full_like(self.users, -1))

    def take(self, rows: Tensor) -> Self:
        """Some of the people, in the order given by `rows` `[b]`."""
        lengths = self.lengths[rows]
        offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        within = torch.arange(int(offsets[-1]), device=rows.device)
        within -= torch.repeat_interleave(offsets[:-1], lengths)
        entries = torch.repeat_interleave(self.offsets[rows], lengths) + within
        return type(self)(
            self.users[rows],
            offsets,
            self.items[entries],
            self.ratings[entries],
            self.times[entries],
            self.at[rows],
        )

    def block(self, rows: slice) -> Self:
        """Some of the people in a row; their histories are views of these."""
        offsets = self.offsets[rows.start : rows.stop + 1]
        entries = slice(int(offsets[0]), int(offsets[-1]))
        return type(self)(
            self.users[rows],
            offsets - offsets[0],
            self.items[entries],
            self.ratings[entries],
            self.times[entries],
            self.at[rows],
        )

    def dense(self, n_items: int, values: Tensor | None = None) -> Tensor:
        """Histories as rows of a matrix `[B, n_items]`.

        Args:
            n_items: Number of columns.
            values: `[n]` what to put at each entry; 1 by default. A film that occurs
                twice in one history keeps one of its values.
        """
        values = torch.ones_like(self.ratings) if values is None else values
        matrix = torch.zeros(len(self), n_items, dtype=values.dtype, device=values.device)
        matrix[self.rows, self.items] = values
        return matrix

    def leave_each_out(self, row: int, positions: Tensor | None = None) -> Self:
        """Person `row` as many strangers, each of whom lacks one film of the history.

        Args:
            row: The person.
            positions: `[m]` places in the history, of which stranger `j` lacks the `j`-th;
                every place by default.
        """
        start, stop = int(self.offsets[row]), int(self.offsets[row + 1])
        device = self.items.device
        within = torch.arange(stop - start, device=device)
        lacking = within if positions is None else positions.to(device)
        keep = within != lacking[:, None]
        entries = within.expand(len(lacking), -1)[keep] + start
        return type(self)(
            users=torch.full((len(lacking),), -1, device=device),
            offsets=torch.arange(len(lacking) + 1, device=device) * max(stop - start - 1, 0),
            items=self.items[entries],
            ratings=self.ratings[entries],
            times=self.times[entries],
            at=self.at[row].expand(len(lacking)),
        )
