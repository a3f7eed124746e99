"""Ranking metrics: pure functions of where the hits are.

Each takes `hits` `[U, K]` (is the film at this place of the list held out?), `relevant`
`[U]` (how many films are held out, at least 1) and `k`, and gives `[U]` float64. A list
shorter than k counts as one filled up with misses. Users without held-out films have no
figure and are not asked.

Libraries differ, so that figures under one name are not comparable:

- `map`: RecTools (`MAP` by default), ranx and trec_eval divide by all relevant films, which
  is `map_all` here; Microsoft's `recommenders` calls that `map`, and `map_at_k` what is
  `map` here.
- `ndcg`: RecTools' ideal list has k hits even where fewer films are relevant, so that its
  figure is lower; Microsoft's natural logarithm cancels out and gives the same.
- `recall`: by relevant in Microsoft's, RecTools and ranx; papers on autoencoders (Liang et
  al. 2018) divide by min(relevant, k), which is `recall_min` here.
- Users: Microsoft's means run over users with held-out films who also got a list; here a
  user without a list counts as 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from matinee.data.vocabulary import BoolArray
from matinee.evaluation.metric import Metric, Vector

Counts = NDArray[np.integer]
RankingMetric = Callable[[BoolArray, Counts, int], Vector]


def hit_rate(hits: BoolArray, relevant: Counts, k: int) -> Vector:  # noqa: ARG001 - one signature
    """1 if any of the first k films is a hit, else 0."""
    return np.asarray(hits[:, :k].any(axis=1), np.float64)


def precision(hits: BoolArray, relevant: Counts, k: int) -> Vector:  # noqa: ARG001 - one signature
    """Hits among the first k films, divided by k."""
    return _found(hits, k) / k


def recall(hits: BoolArray, relevant: Counts, k: int) -> Vector:
    """Hits among the first k films, divided by the number of relevant films."""
    return _found(hits, k) / relevant


def recall_min(hits: BoolArray, relevant: Counts, k: int) -> Vector:
    """Hits among the first k films, divided by min(relevant, k) (Liang et al. 2018)."""
    return _found(hits, k) / np.minimum(relevant, k)


def ndcg(hits: BoolArray, relevant: Counts, k: int) -> Vector:
    """Discounted gain over that of the best possible list (Järvelin & Kekäläinen 2002).

    The gain of a hit at rank r is 1 / log2(r + 1); the best list has min(relevant, k) hits
    in front.
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))
    top = hits[:, :k].astype(np.float64)
    ideal = np.cumsum(discounts)[np.minimum(relevant, k) - 1]
    return top @ discounts[: top.shape[1]] / ideal


def average_precision(hits: BoolArray, relevant: Counts, k: int) -> Vector:
    """Precision at each hit among the first k, summed, divided by min(relevant, k)."""
    return _precision_at_hits(hits, k) / np.minimum(relevant, k)


def average_precision_all(hits: BoolArray, relevant: Counts, k: int) -> Vector:
    """Precision at each hit among the first k, summed, divided by all relevant films."""
    return _precision_at_hits(hits, k) / relevant


def reciprocal_rank(hits: BoolArray, relevant: Counts, k: int) -> Vector:  # noqa: ARG001 - one signature
    """1 / rank of the first hit, 0 if there is none among the first k."""
    top = hits[:, :k]
    return top.any(axis=1) / (top.argmax(axis=1) + 1.0) if top.size else np.zeros(len(top))


def _found(hits: BoolArray, k: int) -> Vector:
    return np.asarray(np.count_nonzero(hits[:, :k], axis=1), np.float64)


def _precision_at_hits(hits: BoolArray, k: int) -> Vector:
    """Only the hits are visited: they are few, the places many."""
    users, places = np.nonzero(hits[:, :k])
    counts = np.bincount(users, minlength=len(hits))
    before = np.cumsum(counts) - counts
    found = np.arange(1, len(users) + 1) - before[users]
    sums = np.bincount(users, weights=found / (places + 1), minlength=len(hits))
    return np.asarray(sums, np.float64)


METRICS: dict[str, Metric[RankingMetric]] = {
    "hit_rate": Metric(hit_rate, "share of users with a held-out film among their first k"),
    "precision": Metric(precision, "held-out films among the first k / k"),
    "recall": Metric(recall, "held-out films among the first k / held-out films"),
    "recall_min": Metric(recall_min, "held-out films among the first k / min(held-out films, k)"),
    "ndcg": Metric(
        ndcg,
        "sum over hits of 1 / log2(rank + 1) / the same for min(held-out films, k) hits in front",
    ),
    "map": Metric(
        average_precision, "sum of precision@rank over hits in the first k / min(held-out films, k)"
    ),
    "map_all": Metric(
        average_precision_all, "sum of precision@rank over hits in the first k / held-out films"
    ),
    "mrr": Metric(reciprocal_rank, "1 / rank of the first hit, 0 without a hit in the first k"),
}
"""The ranking metrics by their outward names; a figure is the mean over users."""
