"""Splits: what is learned from, what is known when asked, and what is asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

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
        """Some of the people as askers; strangers have user -1."""
        queries = self.history.queries(users)
        return queries.forget_users() if self.strangers else queries


@dataclass(frozen=True)
class Split:
    """A data set cut for one honest experiment. All parts share people and films.

    Attributes:
        kind: How it was cut, one of `KINDS`.
        train: What models learn from.
        test: What they are judged by, once.
        valid: What settings and stopping are chosen by, or None.
    """

    kind: str
    train: Interactions
    test: Fold
    valid: Fold | None = None

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
