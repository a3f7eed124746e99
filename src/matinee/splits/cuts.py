"""The cuts: pure functions from a data set to a `Split`.

In the time lines `=` trains, `v` validates, `t` tests, `.` is left out. A fold asks about its
held-out ratings knowing what came before: validation knows the training part, the test
knows training and validation.

Everyone who is asked about has something in the training part (but for `strong_split`,
whose point is that they have not). Ratings of people who would have nothing there are left
out of the folds and counted in `Split.dropped`. Films that never occur in training stay in
the held-out part: to miss them is a fault of a model that should show.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from matinee.data.interactions import Interactions
from matinee.data.vocabulary import LongArray
from matinee.errors import ConfigError, DataError
from matinee.splits.types import Fold, Split

TRAIN, VALID, TEST, LEFT_OUT = 0, 1, 2, 3
Parts = NDArray[np.int8]

COLD = "person without training ratings"
UNSEEN = "film unseen in training"
SHORT = "person with too few ratings for a fold-in part"


def random_split(
    data: Interactions,
    *,
    test: float = 0.25,
    valid: float = 0.0,
    seed: int = 0,
    stratified: bool = False,
) -> Split:
    """Ratings drawn at random, whoever gave them and when.

    ```
    ann  =t==v=t===    random: the shares hold over all ratings
    bob  t=v=
    ann  =t==v==t==    stratified: they hold for each person, who keeps one to train at least
    bob  =t==
    ```

    Args:
        data: The data set.
        test: Share of the ratings to test with, in (0, 1), rounded half up.
        valid: Share to validate with, in [0, 1).
        seed: Of the draw.
        stratified: Whether to take the same share from every person.

    Raises:
        ConfigError: If a share is out of range.
        DataError: If a part would be empty.
    """
    _check_shares(test, valid)
    arguments = {"test": test, "valid": valid, "seed": seed}
    rng = np.random.default_rng(seed)
    if stratified:
        parts = _tail(data, _random_ranks(data, rng), *_shares(data, test, valid))
        return cut("stratified", data, parts, arguments, validated=valid > 0)
    n_test, n_valid = (math.floor(len(data) * share + 0.5) for share in (test, valid))
    order = rng.permutation(len(data))
    parts = np.full(len(data), TRAIN, np.int8)
    parts[order[:n_test]] = TEST
    parts[order[n_test : n_test + n_valid]] = VALID
    return cut("random", data, parts, arguments, validated=valid > 0)


def chronological_split(data: Interactions, *, test: float = 0.25, valid: float = 0.0) -> Split:
    """The first part of each person's ratings trains, the last part tests.

    ```
    ann  ======vtt     time -->
    bob     ===t
    ```

    Equal times keep the order of the data. Everyone keeps one rating to train at least.

    Args:
        data: The data set, with times.
        test: Share of each person's ratings to test with, in (0, 1), rounded half up.
        valid: Share to validate with, in [0, 1).

    Raises:
        ConfigError: If a share is out of range.
        DataError: If there are no times, or a part would be empty.
    """
    _check_shares(test, valid)
    _check_timed(data, "chronological", "stratified")
    parts = _tail(data, _ranks(data), *_shares(data, test, valid))
    return cut("chronological", data, parts, {"test": test, "valid": valid}, validated=valid > 0)


def leave_last_split(data: Interactions, *, valid: bool = True) -> Split:
    """Each person's last rating tests, the last but one validates.

    ```
    ann  ========vt    time -->
    bob     ==vt
    eve       =t       two ratings: none to validate with
    zoe       =        one rating: trains only
    ```

    Equal times keep the order of the data: of several last ratings the one that stands last
    is taken.

    Args:
        data: The data set, with times.
        valid: Whether to validate with the last but one.

    Raises:
        DataError: If there are no times, or a part would be empty.
    """
    _check_timed(data, "leave-last", "leave-random")
    parts = _tail(data, _ranks(data), *_ones(data, valid))
    return cut("leave-last", data, parts, {"valid": valid}, validated=valid)


def leave_random_split(data: Interactions, *, valid: bool = True, seed: int = 0) -> Split:
    """One rating of each person, drawn at random, tests; another validates.

    ```
    ann  ===t====v=
    bob  =vt=
    eve  =t            two ratings: none to validate with
    ```

    Args:
        data: The data set; times are not needed.
        valid: Whether to validate with a second one.
        seed: Of the draw.

    Raises:
        DataError: If a part would be empty.
    """
    ranks = _random_ranks(data, np.random.default_rng(seed))
    parts = _tail(data, ranks, *_ones(data, valid))
    return cut("leave-random", data, parts, {"valid": valid, "seed": seed}, validated=valid)


def strong_split(
    data: Interactions,
    *,
    test_users: float = 0.1,
    valid_users: float = 0.0,
    fold_in: float = 0.8,
    seed: int = 0,
) -> Split:
    """Strong generalisation: whole people are held out and must be answered as strangers.

    ```
    ann  ==========    trains
    bob  ffvfffvfff    a stranger to validate with: f is shown (folded in), v is asked
    eve  fftff.ftff    a stranger to test with; a film unseen in training is left out
    ```

    Of a stranger's ratings `floor((1 - fold_in) * n)`, one at least, are asked, drawn at
    random. Source: the protocol of Liang et al. 2018, 'Variational autoencoders for
    collaborative filtering', section 4.2.

    Args:
        data: The data set; times are not needed.
        test_users: People to test with: a share below 1, or a number.
        valid_users: People to validate with: a share below 1, or a number.
        fold_in: Share of a stranger's ratings that is shown, in (0, 1).
        seed: Of the draw.

    Raises:
        ConfigError: If a share is out of range.
        DataError: If a part would be empty.
    """
    if not 0 < fold_in < 1:
        raise ConfigError(f"fold_in = {fold_in} cannot be used", expected="a share between 0 and 1")
    rng = np.random.default_rng(seed)
    people = rng.permutation(data.active_users)
    n_test = _number("test", test_users, len(people))
    n_valid = _number("valid", valid_users, len(people))
    role = np.full(data.n_users, TRAIN, np.int8)
    role[people[:n_test]] = TEST
    role[people[n_test : n_test + n_valid]] = VALID
    parts = role[data.users]
    train = data.take(parts == TRAIN)
    unseen = (parts != TRAIN) & (train.item_counts == 0)[data.items]
    parts[unseen] = LEFT_OUT
    test, test_short = _strangers(data.take(parts == TEST), fold_in, rng)
    valid, valid_short = _strangers(data.take(parts == VALID), fold_in, rng)
    _check_filled(train, test.held_out, valid.held_out if n_valid else None)
    return Split(
        "strong",
        train,
        test,
        valid if n_valid else None,
        {"test": test_users, "valid": valid_users, "fold_in": fold_in, "seed": seed},
        _reasons({UNSEEN: int(unseen.sum()), SHORT: test_short + valid_short}),
    )


def global_time_split(data: Interactions, *, test: float = 0.25, valid: float = 0.0) -> Split:
    """One instant for all: what was rated before it trains, the rest tests.

    ```
    ann  ========|v|     time -->
    bob     =====|vvv|tt
    eve          |   |..   came after the instant: nothing to learn from, left out
    ```

    Ratings of the same second stay together, so that the shares are met as nearly as that
    allows.

    Args:
        data: The data set, with times.
        test: Share of all ratings to test with, in (0, 1).
        valid: Share to validate with, in [0, 1).

    Raises:
        ConfigError: If a share is out of range.
        DataError: If there are no times, or a part would be empty.
    """
    _check_shares(test, valid)
    _check_timed(data, "global-time", "random")
    _check_any(data)
    times = np.sort(data.times)
    parts = np.full(len(data), TRAIN, np.int8)
    for part, share in ((VALID, test + valid), (TEST, test)):
        first = max(len(times) - math.floor(len(times) * share + 0.5), 0)
        if share > 0 and first < len(times):
            parts[data.times >= times[first]] = part
    return cut("global-time", data, parts, {"test": test, "valid": valid}, validated=valid > 0)


def k_fold(data: Interactions, *, folds: int = 5, seed: int = 0) -> list[Split]:
    """Each rating tests in exactly one of `folds` splits and trains in the others.

    ```
    fold 0  t==t=====t   all ratings, at random
    fold 1  =t==t=t===
    fold 2  ==t==t=tt=
    ```

    Args:
        data: The data set.
        folds: Number of splits, 2 or more; their test parts differ by one rating at most.
        seed: Of the draw.

    Raises:
        ConfigError: If `folds` is below 2.
        DataError: If there are fewer ratings than folds.
    """
    if folds < 2:
        raise ConfigError(f"folds = {folds} cannot be used", expected="2 or more")
    fold_of = np.empty(len(data), np.int64)
    fold_of[np.random.default_rng(seed).permutation(len(data))] = np.arange(len(data)) % folds
    return [
        cut(
            "k-fold",
            data,
            np.where(fold_of == fold, TEST, TRAIN).astype(np.int8),
            {"folds": folds, "fold": fold, "seed": seed},
            validated=False,
        )
        for fold in range(folds)
    ]


def cut(
    kind: str, data: Interactions, parts: Parts, arguments: dict[str, Any], *, validated: bool
) -> Split:
    """Build a split from the part each rating falls to.

    Args:
        kind: Name of the kind.
        data: The data set.
        parts: `[n]` `TRAIN`, `VALID` or `TEST` for each rating.
        arguments: Recorded in the split.
        validated: Whether a validation part was asked for.

    Raises:
        DataError: If a part is empty.
    """
    train = data.take(parts == TRAIN)
    cold = (parts != TRAIN) & (np.diff(train.offsets) == 0)[data.users]
    parts = np.where(cold, LEFT_OUT, parts)
    valid = data.take(parts == VALID) if validated else None
    test = data.take(parts == TEST)
    _check_filled(train, test, valid)
    known = train if valid is None else data.take((parts == TRAIN) | (parts == VALID))
    fold = None if valid is None else Fold(train, valid)
    return Split(kind, train, Fold(known, test), fold, arguments, _reasons({COLD: int(cold.sum())}))


def _ranks(data: Interactions) -> LongArray:
    """Each rating's place among its person's, counted from the last: `[n]`."""
    return data.offsets[data.users.astype(np.int64) + 1] - 1 - np.arange(len(data))


def _random_ranks(data: Interactions, rng: Generator) -> LongArray:
    """As `_ranks`, in a random order within each person."""
    # Integer part: the person, so that everyone's ratings stay together and are shuffled.
    order = np.argsort(data.users + rng.random(len(data)), kind="stable")
    ranks = np.empty(len(data), np.int64)
    ranks[order] = _ranks(data)
    return ranks


def _tail(data: Interactions, ranks: LongArray, n_test: LongArray, n_valid: LongArray) -> Parts:
    """The last `n_test` of each person test, the `n_valid` before those validate."""
    parts = np.full(len(data), TRAIN, np.int8)
    parts[ranks < (n_test + n_valid)[data.users]] = VALID
    parts[ranks < n_test[data.users]] = TEST
    return parts


def _shares(data: Interactions, test: float, valid: float) -> tuple[LongArray, LongArray]:
    """How many of each person's ratings test and validate, one always left to train."""
    lengths = np.diff(data.offsets)
    spare = np.maximum(lengths - 1, 0)
    wanted = [np.floor(lengths * share + 0.5).astype(np.int64) for share in (test, valid)]
    n_test = np.minimum(wanted[0], spare)
    return n_test, np.minimum(wanted[1], spare - n_test)


def _ones(data: Interactions, valid: bool) -> tuple[LongArray, LongArray]:
    """One to test for everyone who has two ratings, one to validate for who has three."""
    lengths = np.diff(data.offsets)
    return (lengths >= 2).astype(np.int64), (valid & (lengths >= 3)).astype(np.int64)


def _strangers(data: Interactions, fold_in: float, rng: Generator) -> tuple[Fold, int]:
    """A fold over people to fold in, and how many ratings were too few for one."""
    lengths = np.diff(data.offsets)
    short = (lengths < 2)[data.users]
    # The tiny addend undoes the rounding of 1 - 0.8, which would make 5 x 0.2 less than 1.
    asked = np.maximum(np.floor(lengths * (1 - fold_in) + 1e-9), 1)
    held_out = _random_ranks(data, rng) < asked[data.users]
    fold = Fold(data.take(~held_out & ~short), data.take(held_out & ~short), strangers=True)
    return fold, int(short.sum())


def _number(name: str, wanted: float, people: int) -> int:
    """A number of people, from a share below 1 or a number."""
    if wanted < 0 or (wanted > 1 and wanted != int(wanted)):
        raise ConfigError(
            f"{name} = {wanted} cannot be used", expected="a share below 1, or a number of people"
        )
    return int(wanted) if wanted >= 1 else math.floor(people * wanted + 0.5)


def _reasons(counts: dict[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in counts.items() if count}


def _check_shares(test: float, valid: float) -> None:
    for name, share, low in (("test", test, 0 < test), ("valid", valid, 0 <= valid)):
        if not (low and share < 1):
            raise ConfigError(f"{name} = {share} cannot be used", expected="a share below 1")
    if test + valid >= 1:
        raise ConfigError(
            f"test = {test} and valid = {valid} leave nothing to train on",
            expected="shares that sum to less than 1",
        )


def _check_timed(data: Interactions, kind: str, instead: str) -> None:
    if not data.timed:
        raise DataError(
            f"a {kind} split needs times, which these ratings lack",
            remedy=f"Use the kind {instead!r}, or --ordered if they stand in the order of time.",
        )


def _check_any(data: Interactions) -> None:
    if not len(data):
        raise DataError("there are no ratings to split")


def _check_filled(train: Interactions, test: Interactions, valid: Interactions | None) -> None:
    for name, part in (("train on", train), ("test with", test), ("validate with", valid)):
        if part is not None and not len(part):
            raise DataError(
                f"the split leaves nothing to {name}",
                expected="more ratings, or other shares",
            )
