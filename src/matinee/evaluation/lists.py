"""From scores to lists: everyone's best films, ranked once for all metrics.

Ties are broken by chance, so that a model gains nothing by scoring films alike: a constant
scorer finds a film in its first k of n with probability k / n. The 'chance' is a fixed
number for each pair of user and film, a hash that knows neither what is held out nor where
a film stands in a table, so that a figure can be had again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from matinee import kernels
from matinee.data.interactions import Interactions
from matinee.data.vocabulary import BoolArray, LongArray
from matinee.errors import DataError, EvaluationError
from matinee.models.asking import asking, block_rows, check_numbers
from matinee.models.base import Recommender
from matinee.splits import Fold

TIE_CELLS = 2**18
"""How many scores' ties are broken at a time: few enough for the processor's cache."""

TIE_SEED = 20_260_301
"""The seed of tie-breaking, one for all runs, so that runs can be compared."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many users are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Rankings:
    """Everyone's list, and what of it was held out.

    Attributes:
        users: `[U]` user integers, each with at least one held-out film.
        items: `[U, K]` film integers, best first; -1 fills up lists that are shorter.
        hits: `[U, K]` whether the film at that place is held out.
        relevant: `[U]` number of held-out films.
    """

    users: LongArray
    items: LongArray
    hits: BoolArray
    relevant: LongArray


def rank(
    model: Recommender,
    fold: Fold,
    *,
    k: int,
    batch: int | None = None,
    seed: int = TIE_SEED,
    progress: Progress | None = None,
) -> Rankings:
    """The k films a model ranks highest for everyone with something held out.

    All films are ranked except those of the history, which nobody is shown again; or, if
    the fold has candidates, these and nothing else. Films scored minus infinity are never
    listed.

    Args:
        model: Scores films.
        fold: Histories and what to find.
        k: Length of the lists.
        batch: Users scored at a time; by default as many as fill a block of 16 MiB.
        seed: Of tie-breaking.
        progress: Called after each batch.

    Raises:
        EvaluationError: If a score is not a number, or model and fold do not fit.
        DataError: If the candidates are not those of the fold's users.
    """
    check(model, fold)
    users = fold.users
    batch = batch or block_rows(fold.history.n_items)
    blocks: list[Rankings] = []
    with asking(model):
        for start in range(0, len(users), batch):
            rows = slice(start, start + batch)
            items = _lists(model, fold, rows, k, seed)
            blocks.append(mark(users[rows], items, fold.held_out))
            if progress is not None:
                progress("ranking", min(start + batch, len(users)), len(users))
    return _joined(blocks)


def mark(users: LongArray, items: LongArray, held_out: Interactions) -> Rankings:
    """Mark which films of lists `[U, K]` (-1 = no film) are held out for their users `[U]`."""
    n = held_out.n_items
    offsets, entries = held_out.histories(users)
    first = np.arange(len(users)) * n
    keys = np.sort(np.repeat(first, np.diff(offsets)) + held_out.items[entries])
    keys = keys[np.diff(keys, prepend=-1) > 0]  # a film held out twice is one to find
    wanted = np.zeros(len(users) * n, np.bool_)
    wanted[keys] = True
    hits = wanted[np.maximum(items, 0) + first[:, None]] & (items >= 0)
    return Rankings(users, items, hits, np.bincount(keys // n, minlength=len(users)))


def mark_in_blocks(users: LongArray, items: LongArray, held_out: Interactions) -> Rankings:
    """As `mark`, for any number of users in bounded memory."""
    step = block_rows(held_out.n_items)
    blocks = [
        mark(users[i : i + step], items[i : i + step], held_out) for i in range(0, len(users), step)
    ]
    return _joined(blocks)


def mark_given(users: LongArray, items: LongArray, held_out: Interactions, k: int) -> Rankings:
    """Mark the first k films of lists from outside, all of which are checked.

    Raises:
        DataError: On films that do not exist or occur twice in one list.
    """
    if not kernels.available():
        check_lists(items, held_out.n_items, "lists")
        return mark_in_blocks(users, items[:, :k], held_out)
    from matinee.kernels import marking  # noqa: PLC0415 - needs numba

    top = items[:, :k]
    hits, relevant = np.zeros(top.shape, np.bool_), np.zeros(len(users), np.int64)
    found = held_out.offsets, held_out.items, held_out.n_items
    if marking.mark(items.astype(np.int64, copy=False), users, *found, hits, relevant) >= 0:
        check_lists(items, held_out.n_items, "lists")
    return Rankings(users, top, hits, relevant)


def top(scores: Tensor, users: Tensor, items: Tensor, k: int, seed: int = TIE_SEED) -> Tensor:
    """The k films of highest score, ties broken by `priority`.

    Args:
        scores: `[B, C]` without NaN; minus infinity for what must not be listed.
        users: `[B]` user integers.
        items: `[B, C]`, which film each score is for; each once a row.
        k: Length of the lists.
        seed: Of tie-breaking.

    Returns:
        `[B, k]` film integers, -1 where there was nothing left to list.
    """
    width = min(k, scores.shape[1])
    values, places = scores.topk(min(k + 1, scores.shape[1]), dim=1)
    # Most rows have no tie that touches the list: theirs is the order of plain floats.
    tied = (values[:, 1:] == values[:, :-1]) & (values[:, 1:] > -torch.inf)
    values, places = values[:, :width], places[:, :width]
    for rows in tied.any(dim=1).nonzero().flatten().split(max(1, TIE_CELLS // scores.shape[1])):
        ranks = priority(users[rows], items[rows], seed)
        places[rows] = _break_ties(scores[rows], ranks, values[rows])
    listed = items.gather(1, places).masked_fill(values == -torch.inf, -1)
    return torch.nn.functional.pad(listed, (0, k - width), value=-1)


def priority(users: Tensor, items: Tensor, seed: int) -> Tensor:
    """A fixed pseudo-random number in 0..2^62 - 1 for each pair of user and film.

    The mixing function of SplitMix64 (Steele, Lea & Flood 2014), over the user
    and then over the film.

    Args:
        users: `[B]` int64.
        items: `[B, C]` int64.
        seed: Another seed gives another order.
    """
    streams = _mix((users + 1) * _GOLDEN + seed)
    return _mix(streams[:, None] + (items + 1) * _GOLDEN) & (2**62 - 1)


def check(model: Recommender, fold: Fold) -> None:
    """Refuse a fold that is empty or does not fit the model.

    Raises:
        EvaluationError: If there is nothing to find, or the films differ in number.
        DataError: If the candidates are not those of the fold's users.
    """
    if not len(fold.held_out):
        raise EvaluationError("nothing is held out, so there is nothing to find")
    if model.sizes.items != fold.history.n_items:
        raise EvaluationError(
            f"the model knows {model.sizes.items:,} films, the data have {fold.history.n_items:,}",
            where=model.name,
            remedy="Evaluate on a split of the data the model was trained on.",
        )
    if fold.candidates is not None:
        _check_candidates(fold, fold.candidates)


def _check_candidates(fold: Fold, candidates: LongArray) -> None:
    shape = (len(fold.users), candidates.shape[1] if candidates.ndim == 2 else 0)
    if candidates.shape != shape:
        raise DataError(
            f"the candidates have shape {candidates.shape}",
            expected=f"one row for each of the {shape[0]:,} users with held-out films",
        )
    check_lists(candidates, fold.history.n_items, "candidates")
    held = mark_in_blocks(fold.users, candidates, fold.held_out)
    missing = np.flatnonzero(held.hits.sum(axis=1) < held.relevant)
    if len(missing):
        user = fold.held_out.user_ids[int(fold.users[missing[0]])]
        raise DataError(
            f"a held-out film of {len(missing):,} users (first: {user}) is not a candidate",
            expected="the held-out films among the candidates",
        )


def check_lists(items: LongArray, n_items: int, what: str) -> None:
    """Refuse lists `[U, K]` with films that do not exist or occur twice in one list.

    Raises:
        DataError: Saying which row.
    """
    if items.size and not (-1 <= int(items.min()) and int(items.max()) < n_items):
        raise DataError(f"the {what} hold film integers outside -1..{n_items - 1}")
    # Each list begins with one more 'no film', so that no film's neighbour is in another list.
    ordered = np.full((len(items), items.shape[1] + 1), -1, np.int32)
    ordered[:, 1:] = items
    ordered.sort(axis=1)
    flat = ordered.ravel()  # comparing it whole is several times as fast as row by row
    twice = np.flatnonzero((flat[1:] == flat[:-1]) & (flat[1:] >= 0))
    if len(twice):
        row = int(twice[0]) // ordered.shape[1]
        raise DataError(f"row {row} of the {what} has a film twice")


def _lists(model: Recommender, fold: Fold, rows: slice, k: int, seed: int) -> LongArray:
    users = fold.users[rows]
    queries = fold.queries(users).to(model.device)
    if fold.candidates is None:
        items = torch.arange(fold.history.n_items, device=model.device).expand(len(users), -1)
        scores = _scores(model, model.score(queries))
        scores[queries.rows, queries.items] = -torch.inf
    else:
        items = torch.from_numpy(fold.candidates[rows].astype(np.int64)).to(model.device)
        scores = _scores(model, model.score(queries, items.clamp(min=0)))
        scores.masked_fill_(items < 0, -torch.inf)
    return top(scores, torch.from_numpy(users).to(model.device), items, k, seed).cpu().numpy()


def _scores(model: Recommender, scores: Tensor) -> Tensor:
    """A copy that may be written to: the model may have handed out a view of its weights."""
    check_numbers(scores, model, "scores")
    exact = scores.dtype in (torch.float32, torch.float64)
    return scores.clone(memory_format=torch.contiguous_format) if exact else scores.float()


def _break_ties(scores: Tensor, ranks: Tensor, values: Tensor) -> Tensor:
    """Places `[T, k]` in order of (score, priority), highest first.

    First the set - all above the lowest listed score, and of those at it the ones of
    highest priority - and then its order, so that only k films are sorted.
    """
    lowest = values[:, -1:]
    keys = ranks.masked_fill(scores > lowest, 2**62).masked_fill(scores < lowest, -1)
    places = keys.topk(values.shape[1], dim=1).indices
    places = places.gather(1, ranks.gather(1, places).argsort(dim=1, descending=True))
    listed = scores.gather(1, places)
    return places.gather(1, listed.argsort(dim=1, descending=True, stable=True))


def _joined(blocks: list[Rankings]) -> Rankings:
    return Rankings(
        *(
            np.concatenate([getattr(block, name) for block in blocks])
            for name in ("users", "items", "hits", "relevant")
        )
    )


def _signed(constant: int) -> int:
    """The int64 of the same bits: torch has no unsigned multiplication."""
    return constant - 2**64


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_FIRST, _SECOND = _signed(0xBF58476D1CE4E5B9), _signed(0x94D049BB133111EB)


def _mix(x: Tensor) -> Tensor:
    x = (x ^ _shift(x, 30)) * _FIRST
    x = (x ^ _shift(x, 27)) * _SECOND
    return x ^ _shift(x, 31)


def _shift(x: Tensor, bits: int) -> Tensor:
    """A shift to the right that fills with zeros, as for unsigned integers."""
    return (x >> bits) & (2 ** (64 - bits) - 1)
