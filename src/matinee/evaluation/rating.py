"""Rating metrics: how near predicted stars come to those given.

A rating of the threshold or more is a *like*, the boundary included; anything less is a
dislike, so that nothing is left out. By default the threshold is three quarters up the
scale: 4 stars of 1..5, and on 0.5..5, where that is 3.875, 4 stars as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
import polars as pl
import torch
from scipy.stats import rankdata
from torch import Tensor

from matinee.data.interactions import Interactions, Scale
from matinee.data.queries import Queries
from matinee.data.vocabulary import BoolArray, LongArray
from matinee.evaluation.lists import Progress, check
from matinee.evaluation.metric import Figure, Metric, Undefined, Vector
from matinee.models.asking import asking, block_rows, check_numbers
from matinee.models.base import RatingPredictor, Recommender
from matinee.splits import Fold

MOST_LEVELS = 100
"""A finer scale is taken for a continuous one, which has no levels to be accurate at."""

BINS = 10
"""Number of bins of equal width in the calibration table."""


@runtime_checkable
class LikePredictor(Protocol):
    """A model that gives the probability of a like."""

    def probability(self, queries: Queries, items: Tensor) -> Tensor:
        """Probabilities of a rating at or above the like threshold.

        Args:
            queries: B people.
            items: `[K]` or `[B, K]`.

        Returns:
            `[B, K]`, in 0..1.
        """
        ...


@runtime_checkable
class LevelPredictor(Protocol):
    """A model that gives the most probable rating, which need not be the one nearest the mean."""

    def likeliest(self, queries: Queries, items: Tensor) -> Tensor:
        """The most probable ratings, of those there are to choose from.

        Args:
            queries: B people.
            items: `[K]` or `[B, K]`.

        Returns:
            `[B, K]`.
        """
        ...


@dataclass(frozen=True)
class Pairs:
    """The held-out ratings beside what was predicted of them.

    Attributes:
        users: `[n]` whose rating it is: 0..n_users - 1, ascending.
        n_users: Number of people with held-out ratings.
        truth: `[n]` the rating given.
        stars: `[n]` the rating predicted.
        probability: `[n]` the predicted probability of a like, or None.
        scale: The scale of the data.
        like_at: The smallest rating that is a like.
        likeliest: `[n]` the most probable rating, or None: then the level nearest `stars`.
    """

    users: LongArray
    n_users: int
    truth: Vector
    stars: Vector
    probability: Vector | None
    scale: Scale
    like_at: float
    likeliest: Vector | None = None

    @cached_property
    def liked(self) -> BoolArray:
        """Whether each rating is a like."""
        return self.truth >= self.like_at

    @cached_property
    def answer(self) -> LongArray:
        """The level that each rating is predicted to be, 0 the lowest."""
        return self.level(self.stars if self.likeliest is None else self.likeliest)

    @cached_property
    def per_user(self) -> Vector:
        """Number of held-out ratings of each person: `[n_users]`."""
        return self.sums(np.ones(len(self.users)))

    def sums(self, values: Vector) -> Vector:
        """The sum of `values` `[n]` over each person's ratings: `[n_users]`."""
        return np.asarray(np.bincount(self.users, values, self.n_users), np.float64)

    def mean(self, values: Vector) -> Figure:
        """The mean of `values` `[n]` over all ratings; users are what is random."""
        return Figure.ratio(self.sums(values), self.per_user)

    def level(self, ratings: Vector) -> LongArray:
        """The nearest level of the scale, 0 the lowest; halves go up.

        Raises:
            Undefined: If the scale is too fine to have levels.
        """
        n = round((self.scale.high - self.scale.low) / self.scale.step) + 1
        if n > MOST_LEVELS:
            raise Undefined(f"the ratings have {n:,} levels", expected=f"{MOST_LEVELS} at most")
        levels = np.floor((ratings - self.scale.low) / self.scale.step + 0.5)
        return np.clip(levels, 0, n - 1).astype(np.int64)


RatingMetric = Callable[[Pairs], Figure]


def predict_pairs(
    model: Recommender,
    fold: Fold,
    *,
    train: Interactions,
    like_at: float | None = None,
    batch: int | None = None,
    progress: Progress | None = None,
) -> Pairs:
    """Predict every held-out rating.

    People are taken in order of how much they rated, so that little is predicted in vain.

    Args:
        model: Has `predict`, and perhaps `probability` and `likeliest`.
        fold: Histories and held-out ratings.
        train: Tells the scale, with the held-out ratings.
        like_at: The smallest rating that is a like; by default three quarters up the scale.
        batch: People asked at a time.
        progress: Called after each batch.

    Raises:
        Undefined: If the model predicts no stars, or the data have no ratings.
        EvaluationError: If a prediction is not a number, or model and fold do not fit.
    """
    if not isinstance(model, RatingPredictor):
        raise Undefined("it predicts no stars", where=model.name)
    if not fold.held_out.explicit:
        raise Undefined("the held-out films have no ratings to compare with")
    check(model, fold)
    held, scale = fold.held_out, _scale(train, fold.held_out)
    stars = _ask(model, fold, model.predict, batch, progress, "rating")
    chances = likeliest = None
    if isinstance(model, LikePredictor):
        chances = _ask(model, fold, model.probability, batch, progress, "probability")
    if isinstance(model, LevelPredictor):
        likeliest = _ask(model, fold, model.likeliest, batch, progress, "likeliest rating")
    return Pairs(
        users=np.searchsorted(fold.users, held.users),
        n_users=len(fold.users),
        truth=held.ratings.astype(np.float64),
        stars=stars,
        probability=chances,
        scale=scale,
        like_at=scale.low + 0.75 * (scale.high - scale.low) if like_at is None else like_at,
        likeliest=likeliest,
    )


def mse(pairs: Pairs) -> Figure:
    """Mean of the squared errors."""
    return pairs.mean((pairs.stars - pairs.truth) ** 2)


def rmse(pairs: Pairs) -> Figure:
    """Square root of the mean of the squared errors."""
    square = mse(pairs)
    root = np.sqrt(square.value)
    slope = 0.5 / root if root else 0.0
    per_user = None if square.per_user is None else np.sqrt(square.per_user)
    return Figure(float(root), square.influence * slope, per_user)


def mae(pairs: Pairs) -> Figure:
    """Mean of the absolute errors."""
    return pairs.mean(np.abs(pairs.stars - pairs.truth))


def accuracy(pairs: Pairs) -> Figure:
    """Share of the ratings that are predicted exactly.

    A model that gives the most probable rating is judged by it. Of others the expected
    rating is rounded to the nearest level, halves up: 3.5 stars count as 4 where only whole
    stars are given.
    """
    right = pairs.answer == pairs.level(pairs.truth)
    return pairs.mean(right.astype(np.float64))


def auc(pairs: Pairs) -> Figure:
    """Share of all pairs of a like and a dislike in which the like is predicted higher.

    Ties count half (Mann & Whitney 1947). The interval is that of DeLong et al. (1988) with
    users as clusters (Obuchowski 1997).
    """
    liked, stars = pairs.liked, pairs.stars
    n_likes = np.count_nonzero(liked)
    n_dislikes = len(liked) - n_likes
    if not n_likes or not n_dislikes:
        raise Undefined("it needs both likes and dislikes among the held-out ratings")
    # How much of the other class each rating is on the right side of.
    right = np.where(
        liked, _share_below(stars, stars[~liked]), 1 - _share_below(stars, stars[liked])
    )
    value = float(right[liked].mean())
    parts = (right - value) / np.where(liked, n_likes, n_dislikes)
    return Figure(value, pairs.n_users * pairs.sums(parts), _auc_per_user(pairs))


def log_loss(pairs: Pairs) -> Figure:
    """Mean of -log of the probability given to what happened, in nats.

    A probability below 1e-15 counts as 1e-15, so that one bold mistake is not infinite.
    """
    chances = _chances(pairs)
    given = np.where(pairs.liked, chances, 1 - chances)
    return pairs.mean(-np.log(np.maximum(given, 1e-15)))


def calibration_error(pairs: Pairs) -> Figure:
    """Expected calibration error (Naeini et al. 2015), over `BINS` bins of equal width.

    Mean over ratings of |mean probability - share of likes| of the rating's bin.
    """
    gaps = _chances(pairs) - pairs.liked
    bins = _bins(pairs)
    signs = np.sign(np.bincount(bins, gaps, BINS))
    figure = pairs.mean(gaps * signs[bins])
    return Figure(figure.value, figure.influence)


def calibration(pairs: Pairs) -> pl.DataFrame:
    """The bins of `calibration_error`: `low, high, ratings, predicted, liked`.

    `predicted` is the mean probability and `liked` the share of likes, null where empty.

    Raises:
        Undefined: If the model gives no probabilities.
    """
    chances, bins = _chances(pairs), _bins(pairs)
    n = np.bincount(bins, minlength=BINS)
    means = [
        [float(s / c) if c else None for s, c in zip(np.bincount(bins, x, BINS), n, strict=True)]
        for x in (chances, pairs.liked)
    ]
    edges = np.arange(BINS + 1) / BINS
    return pl.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "ratings": n,
            "predicted": pl.Series(means[0], dtype=pl.Float64),
            "liked": pl.Series(means[1], dtype=pl.Float64),
        }
    )


def confusion(pairs: Pairs) -> pl.DataFrame:
    """How often each rating (a row) was predicted as each level (a column, named so).

    Raises:
        Undefined: If the scale is too fine to have levels.
    """
    levels = pairs.scale.levels
    cells = pairs.level(pairs.truth) * len(levels) + pairs.answer
    counts = np.bincount(cells, minlength=len(levels) ** 2).reshape(len(levels), -1)
    columns = {f"{level:g}": counts[:, j] for j, level in enumerate(levels)}
    return pl.DataFrame({"rating": levels, **columns})


def _scale(train: Interactions, held_out: Interactions) -> Scale:
    """The scale as far as the ratings on either side show it."""
    levels = np.union1d(np.unique(train.ratings), np.unique(held_out.ratings))
    if len(levels) < 2:
        return Scale(float(levels[0]), float(levels[0]), 1.0)
    return Scale(float(levels[0]), float(levels[-1]), float(np.diff(levels).min()))


def _ask(
    model: Recommender,
    fold: Fold,
    question: Callable[[Queries, Tensor], Tensor],
    batch: int | None,
    progress: Progress | None,
    what: str,
) -> Vector:
    """The answers for all held-out pairs, in their order: `[n]`."""
    held, users = fold.held_out, fold.users
    by_length = users[np.argsort(np.diff(held.offsets)[users], kind="stable")]
    answers, batch = np.empty(len(held)), batch or block_rows(held.n_items)
    with asking(model):
        for start in range(0, len(users), batch):
            asked = by_length[start : start + batch]
            items = held.queries(asked)
            real = torch.arange(int(items.lengths.max())) < items.lengths[:, None]
            padded = torch.zeros(real.shape, dtype=torch.int64).masked_scatter_(real, items.items)
            device = model.device
            given = question(fold.queries(asked).to(device), padded.to(device)).cpu()[real]
            check_numbers(given, model, f"{what}s".replace("ys", "ies"))
            answers[_rows_of(held, asked)] = given.double().numpy()
            if progress is not None:
                progress(what, min(start + batch, len(users)), len(users))
    return answers


def _rows_of(data: Interactions, users: LongArray) -> LongArray:
    """The rows of some users, one user after the other."""
    starts, lengths = data.offsets[users], np.diff(data.offsets)[users]
    ends = lengths.cumsum()
    return np.repeat(starts - ends + lengths, lengths) + np.arange(lengths.sum())


def _share_below(values: Vector, others: Vector) -> Vector:
    """The share of `others` that lies below each value, ties counted half."""
    ordered = np.sort(others)
    below, not_above = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    return (below + not_above) / (2 * len(others))


def _auc_per_user(pairs: Pairs) -> Vector:
    """Each person's own AUC, by the rank sum of likes; NaN without both likes and dislikes."""
    values = np.unique(pairs.stars, return_inverse=True)[1]
    # Ranks over (user, stars) are each user's own, after all ratings of the users before.
    ranks = rankdata(pairs.users * (int(values.max()) + 1) + values)
    ranks -= (np.cumsum(pairs.per_user) - pairs.per_user)[pairs.users]
    likes = pairs.sums(pairs.liked.astype(np.float64))
    wins = pairs.sums(np.where(pairs.liked, ranks, 0.0)) - likes * (likes + 1) / 2
    own = np.full(pairs.n_users, np.nan)
    products = likes * (pairs.per_user - likes)
    return np.divide(wins, products, out=own, where=products > 0)


def _chances(pairs: Pairs) -> Vector:
    if pairs.probability is None:
        raise Undefined("the model gives no probabilities")
    return pairs.probability


def _bins(pairs: Pairs) -> LongArray:
    return np.clip((_chances(pairs) * BINS).astype(np.int64), 0, BINS - 1)


METRICS: dict[str, Metric[RatingMetric]] = {
    "rmse": Metric(rmse, "root of the mean squared error in stars", np.inf, at_k=False),
    "mse": Metric(mse, "mean squared error in stars", np.inf, at_k=False),
    "mae": Metric(mae, "mean absolute error in stars", np.inf, at_k=False),
    "accuracy": Metric(
        accuracy,
        "share of ratings whose most probable level, or else the level nearest the prediction, "
        "is right",
        at_k=False,
    ),
    "auc": Metric(
        auc, "share of (liked, disliked) pairs in order of predicted stars, ties half", at_k=False
    ),
    "log_loss": Metric(
        log_loss, "mean of -ln of the probability given to what happened", np.inf, at_k=False
    ),
    "calibration_error": Metric(
        calibration_error,
        f"mean |probability - share of likes| over {BINS} bins, weighted by ratings",
        at_k=False,
    ),
}
"""The rating metrics by their outward names; per-user figures are of each user's own ratings."""
