"""What a split is: parts of one data set, and the questions asked over them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.data.vocabulary import LongArray


@dataclass(frozen=True)
class Fold:
    """One question asked of a model: given these histories, what comes next?

    Attributes:
        history: What is known of each person when asked; never recommended again.
        held_out: What is to be found.
        candidates: `[B, C]` the only films ranked for each of the B people of `users`
            (the held-out ones among them), padded with -1; None ranks all films.
        strangers: Whether the people have nothing in the training part, so that a model
            must answer from the history alone.
    """

    history: Interactions
    held_out: Interactions
    candidates: LongArray | None = None
    strangers: bool = False

    @cached_property
    def users(self) -> LongArray:
        """The people with something held out, ascending: `[B]`."""
        return self.held_out.active_users

    def queries(self, users: LongArray) -> Queries:
        """Some of `users` as askers; strangers have user -1.

        They ask at the time of their first held-out rating: a model may know when it is asked,
        as it does in use, but not what for.
        """
        queries = self.history.queries(users)
        first = self.held_out.times[self.held_out.offsets[users]]
        queries = replace(queries, at=torch.from_numpy(first))
        return queries.forget_users() if self.strangers else queries


@dataclass(frozen=True)
class Split:
    """A data set cut for one honest experiment. All parts share people and films.

    Attributes:
        kind: How it was cut: one of `KINDS`, or `k-fold`.
        train: What models learn from.
        test: What they are judged by, once.
        valid: What settings and stopping are chosen by, or None.
        arguments: What the cut was made with, such as shares and seed.
        dropped: Ratings that are in no part, counted by reason.
    """

    kind: str
    train: Interactions
    test: Fold
    valid: Fold | None = None
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    dropped: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def counts(self) -> dict[str, int]:
        """Number of ratings in each part, and of people asked in each fold."""
        counts = {"train": len(self.train)}
        for name, fold in (("valid", self.valid), ("test", self.test)):
            if fold is not None:
                counts |= {name: len(fold.held_out), f"{name}_people": len(fold.users)}
        return counts

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all parts: two results with one digest were had on one split."""
        sha = hashlib.sha256(self.kind.encode())
        for fold in (self.valid, self.test):
            if fold is not None:
                sha.update(fold.history.digest.encode() + fold.held_out.digest.encode())
                candidates = np.empty(0) if fold.candidates is None else fold.candidates
                sha.update(np.ascontiguousarray(candidates).data)
        sha.update(self.train.digest.encode())
        return sha.hexdigest()
