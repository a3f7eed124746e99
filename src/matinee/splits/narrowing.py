"""Narrower questions: only films of the training part, a few candidates, one film each.

They are variants found in publications. Each makes the task easier and the figures higher,
so that figures had with different ones cannot be compared.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matinee.data.vocabulary import BoolArray, LongArray
from matinee.splits.cuts import UNSEEN
from matinee.splits.types import Fold, Split

BLOCK = 512
"""People drawn for at a time, so that memory does not grow with their number."""


def narrowed_split(split: Split, *, seen_films: bool, candidates: int | None, seed: int) -> Split:
    """The split with narrower questions in both folds, which its arguments tell.

    Args:
        split: The questions.
        seen_films: Whether only films of the training part are asked for.
        candidates: Unseen films drawn for each person; None ranks all films.
        seed: Of the draw.
    """
    if seen_films:
        split = seen_films_only(split)
        split = replace(split, arguments=split.arguments | {"seen_films": True})
    if candidates is None:
        return split
    test = with_candidates(split.test, candidates, seed=seed)
    valid = split.valid and with_candidates(split.valid, candidates, seed=seed)
    arguments = split.arguments | {"candidates": candidates, "seed": seed}
    return replace(split, test=test, valid=valid, arguments=arguments)


def seen_films_only(split: Split) -> Split:
    """The split without held-out ratings of films that nobody rated in the training part.

    They are counted in `Split.dropped`, and stay in the histories.
    """
    seen = split.train.item_counts > 0
    dropped = 0

    def narrowed(fold: Fold) -> Fold:
        nonlocal dropped
        kept = seen[fold.held_out.items]
        dropped += int((~kept).sum())
        return asking_only(fold, kept)

    test = narrowed(split.test)
    valid = None if split.valid is None else narrowed(split.valid)
    reasons = split.dropped | ({UNSEEN: dropped} if dropped else {})
    return replace(split, test=test, valid=valid, dropped=reasons)


def asking_only(fold: Fold, kept: BoolArray) -> Fold:
    """The fold with only some of the held-out ratings to be found; nothing else changes.

    Args:
        fold: The question.
        kept: Whether each rating of `fold.held_out` stays.
    """
    candidates = None if fold.candidates is None else _rows_kept(fold, kept)
    return replace(fold, held_out=fold.held_out.take(kept), candidates=candidates)


def with_candidates(fold: Fold, count: int, *, seed: int) -> Fold:
    """The fold with each person's held-out films ranked among a few unseen ones only.

    Args:
        fold: The question, over all films.
        count: Films drawn for each person, uniformly and without repetition, from those
            neither in the history nor held out; all of them where there are fewer.
        seed: Of the draw.
    """
    held, rng = fold.held_out, np.random.default_rng(seed)
    width = int(np.diff(held.offsets).max()) + count
    candidates = np.full((len(fold.users), width), -1, np.int64)
    for start in range(0, len(fold.users), BLOCK):
        users = fold.users[start : start + BLOCK]
        # The smallest of independent uniform keys are a draw without repetition.
        keys = rng.random((len(users), held.n_items))
        for known in (fold.history, held):
            asked = known.queries(users)
            keys[asked.rows.numpy(), asked.items.numpy()] = 2.0
        drawn = np.argsort(keys, axis=1)[:, :count]
        drawn[np.take_along_axis(keys, drawn, 1) > 1] = -1
        candidates[start : start + BLOCK, : drawn.shape[1]] = drawn
        _append_held_out(candidates[start : start + BLOCK], fold, users)
    return replace(fold, candidates=candidates)


def last_of_each(fold: Fold) -> Fold:
    """The fold with each person's last held-out rating only, the others known, all films ranked.

    This is the leave-one-out question asked of a model that was trained on less.
    """
    held = fold.held_out
    last = np.append(held.users[1:] != held.users[:-1], True)
    known = fold.history.merge(held.take(~last))
    return replace(fold, history=known, held_out=held.take(last), candidates=None)


def _append_held_out(candidates: LongArray, fold: Fold, users: LongArray) -> None:
    """Put the held-out films of `users` into the last columns of their rows, in place."""
    asked = fold.held_out.queries(users)
    rows, lengths = asked.rows.numpy(), asked.lengths.numpy()
    starts = np.repeat(asked.offsets.numpy()[:-1], lengths)
    places = candidates.shape[1] - lengths[rows] + np.arange(len(rows)) - starts
    candidates[rows, places] = asked.items.numpy()


def _rows_kept(fold: Fold, kept: np.ndarray) -> LongArray:
    """The candidates of those who still have something held out."""
    assert fold.candidates is not None
    return fold.candidates[np.isin(fold.users, fold.held_out.users[kept])]
