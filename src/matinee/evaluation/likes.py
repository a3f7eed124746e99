"""Like or dislike: how often the predicted side of the threshold is the right one.

A film is predicted to be liked if the model gives that a probability of one half or more;
a model without probabilities, if it predicts the threshold's stars or more.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from matinee.data.vocabulary import BoolArray
from matinee.evaluation.metric import Figure, Metric, Undefined
from matinee.evaluation.rating import Pairs, RatingMetric


def predicted(pairs: Pairs) -> BoolArray:
    """Whether each film is predicted to be liked, `[n]`."""
    if pairs.probability is None:
        return pairs.stars >= pairs.like_at
    return pairs.probability >= 0.5


def like_accuracy(pairs: Pairs) -> Figure:
    """Share of the ratings on the predicted side of the threshold."""
    return pairs.mean((predicted(pairs) == pairs.liked).astype(np.float64))


def like_precision(pairs: Pairs) -> Figure:
    """Share of likes among the films predicted to be liked."""
    return _share(pairs, predicted(pairs))


def like_recall(pairs: Pairs) -> Figure:
    """Share of the likes that were predicted to be."""
    return _share(pairs, pairs.liked)


def like_confusion(pairs: Pairs) -> pl.DataFrame:
    """How often a dislike and a like (rows) were predicted as each (columns)."""
    liked, told = pairs.liked, predicted(pairs)
    counts = np.bincount(2 * liked.astype(np.int64) + told, minlength=4)
    return pl.DataFrame(
        {"rating": ["dislike", "like"], "dislike": counts[::2], "like": counts[1::2]}
    )


def _share(pairs: Pairs, among: BoolArray) -> Figure:
    if not among.any():
        raise Undefined("no film is a like, or predicted to be one")
    both = predicted(pairs) & pairs.liked
    return Figure.ratio(pairs.sums(both.astype(np.float64)), pairs.sums(among.astype(np.float64)))


METRICS: dict[str, Metric[RatingMetric]] = {
    "like_accuracy": Metric(
        like_accuracy, "share of ratings on the predicted side of the like threshold", at_k=False
    ),
    "like_precision": Metric(
        like_precision, "share of likes among films predicted to be liked", at_k=False
    ),
    "like_recall": Metric(like_recall, "share of likes that were predicted to be", at_k=False),
}
"""The metrics of likes by their names."""
