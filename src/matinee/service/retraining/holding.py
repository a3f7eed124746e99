"""What both models are judged by: the newest ratings, which the old one has never seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matinee.data.interactions import Interactions
from matinee.data.vocabulary import BoolArray
from matinee.errors import EvaluationError
from matinee.service.retraining.joining import Joined, pairs
from matinee.splits import Split, random_split
from matinee.splits.cuts import TEST, TRAIN, VALID, cut

KIND = "retrained"
"""The kind of the split, as the run's card names it."""

NEWEST = 0.2
"""Share of a person's new ratings that is held out; one at least."""

ENOUGH = 5
"""Ratings a person must have for any to be held out, so that enough is left to ask with."""

VALIDATING = 0.1
"""Share of each person's other ratings that a training which validates does so with."""


def hold_out(joined: Joined, seen: Interactions, *, validate: bool, seed: int) -> Split:
    """Cut the newest ratings of the database's people off.

    ```
    data set  ==v===v===
    database      ==v=====tt   t: only such as the old model has not seen
    ```

    The test part asks as the service does: everyone is a stranger with a history.

    Args:
        joined: Data set and database.
        seen: The history of the old run.
        validate: Whether to cut a validation part as well.
        seed: Of its draw.

    Raises:
        EvaluationError: If nobody has enough ratings, new ones among them.
        DataError: If too little is left to train on.
    """
    data = joined.data
    held = newest(data, joined.given & ~_among(data, seen))
    if not held.any():
        raise EvaluationError(
            f"nobody in the database has {ENOUGH} ratings, at least one of them new, so that no"
            " new model can be judged",
            remedy="Wait for more ratings.",
        )
    parts = np.where(held, TEST, TRAIN).astype(np.int8)
    if validate:
        drawn = random_split(data.take(~held), test=VALIDATING, seed=seed, stratified=True)
        parts[np.isin(pairs(data), pairs(drawn.test.held_out))] = VALID
    arguments = {"newest": NEWEST} | ({"valid": VALIDATING, "seed": seed} if validate else {})
    split = cut(KIND, data, parts, arguments, validated=validate)
    return replace(split, test=replace(split.test, strangers=True))


def newest(data: Interactions, fresh: BoolArray) -> BoolArray:
    """Which of the fresh ratings are held out: `[n]`."""
    rows = np.flatnonzero(fresh)
    users = data.users[rows]
    counts = np.bincount(users, minlength=data.n_users)
    wanted = np.maximum(np.floor(counts * NEWEST + 1e-9), 1)
    wanted[np.diff(data.offsets) < ENOUGH] = 0
    ranks = np.cumsum(counts)[users] - 1 - np.arange(len(rows))  # from the newest, 0
    held = np.zeros(len(data), np.bool_)
    held[rows[ranks < wanted[users]]] = True
    return held


def _among(data: Interactions, seen: Interactions) -> BoolArray:
    """Which ratings are of a person and film that `seen` has too, over the same films."""
    places = [data.user_ids.find(person) for person in seen.user_ids]
    users = np.asarray([-1 if place is None else place for place in places])[seen.users]
    keys = users * data.n_items + seen.items
    return np.isin(pairs(data), keys[users >= 0])
