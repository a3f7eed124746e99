"""Beyond accuracy: how varied, how new and how widely spread the recommendations are.

A film is *trainable* if it has at least one training rating: no collaborative model can
know of the others, so that they are left out of coverage and Gini.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.sparse import csr_array
from scipy.stats import rankdata

from matinee.data.interactions import Interactions
from matinee.data.vocabulary import LongArray
from matinee.evaluation.lists import TIE_SEED, Rankings, priority
from matinee.evaluation.metric import Figure, Metric, Undefined, Vector


@dataclass(frozen=True)
class Shown:
    """What was shown to whom, and what it is compared with.

    Attributes:
        rankings: Everyone's list.
        train: What the model learned from.
        history: What of each person was known, and so not shown.
        candidates: `[U, C]` the only films ranked, or None where all were.
    """

    rankings: Rankings
    train: Interactions
    history: Interactions
    candidates: LongArray | None = None

    def first(self, k: int) -> LongArray:
        """The first k films of each list, -1 where it is shorter: `[U, k]`."""
        return self.rankings.items[:, :k]

    @cached_property
    def trainable(self) -> LongArray:
        """The films with training ratings."""
        return np.flatnonzero(self.train.item_counts)

    @cached_property
    def popularity_order(self) -> LongArray:
        """The place of each film by number of training ratings, ties by chance: `[n_items]`."""
        chance = priority(torch.tensor([-1]), torch.arange(self.train.n_items)[None], TIE_SEED)
        order = np.lexsort((chance[0].numpy(), -self.train.item_counts))
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        return places


BeyondMetric = Callable[[Shown, int], Figure]


def coverage(shown: Shown, k: int) -> Figure:
    """Share of the trainable films that anyone is shown (Ge et al. 2010, 'catalogue coverage').

    The interval is the jackknife's over users: without a user, the films shown to nobody
    else are lost (Heltshe & Forrester 1983).
    """
    counts = _counts(shown, k)[shown.trainable]
    if not len(counts):
        raise Undefined("no film has training ratings")
    sole = np.zeros(shown.train.n_items)
    sole[shown.trainable[counts == 1]] = 1
    lost = _listed_sum(sole, shown.first(k)) / len(counts)
    return Figure(float(np.count_nonzero(counts) / len(counts)), (len(lost) - 1) * lost)


def gini(shown: Shown, k: int) -> Figure:
    """How unequally the trainable films are shown: 0 all alike, 1 one film only.

    sum over films of (2 rank - N - 1) count / ((N - 1) sum of counts), ranks ascending by
    count (Castells, Hurley & Vargas 2015); other libraries divide by N instead of N - 1.
    """
    counts = _counts(shown, k)[shown.trainable].astype(np.float64)
    n, total = len(counts), counts.sum()
    if n < 2 or total == 0:
        raise Undefined("fewer than two films could be recommended, or none was")
    weights = (2 * rankdata(counts) - n - 1) / (n - 1)
    value = float(weights @ counts / total)
    slope = np.zeros(shown.train.n_items)
    slope[shown.trainable] = (weights - value) / total
    moved = _listed_sum(slope, shown.first(k))
    return Figure(value, len(moved) * moved)


def diversity(shown: Shown, k: int) -> Figure:
    """1 - mean cosine of genres over all pairs of a list (after Ziegler et al. 2005).

    Films without genres say nothing and are left out; a list with fewer than two others
    has no value.
    """
    genres = shown.train.catalogue.genre_matrix.astype(np.float64)
    sizes = np.sqrt(genres.sum(axis=1, keepdims=True))
    unit = np.divide(genres, sizes, out=np.zeros_like(genres), where=sizes > 0)
    items = shown.first(k)
    # The pairs' cosines are the squared length of the sum, less each film's own.
    sums = _incidence(items, len(unit)) @ unit
    n = _listed_sum((sizes[:, 0] > 0).astype(np.float64), items)
    mean = np.full(len(items), np.nan)
    np.divide((sums**2).sum(axis=1) - n, n * (n - 1), out=mean, where=n > 1)
    return Figure.mean(np.clip(1 - mean, 0, 1))


def novelty(shown: Shown, k: int) -> Figure:
    """Mean self-information of a list's films, in bits (Zhou et al. 2010).

    -log2(training ratings of the film / users with training ratings); a film without any
    counts as having one. Users without a list have no value.
    """
    users = max(1, len(shown.train.active_users))
    bits = -np.log2(np.maximum(shown.train.item_counts, 1) / users)
    return Figure.mean(_listed_mean(bits, shown.first(k)))


def serendipity(shown: Shown, k: int) -> Figure:
    """Hits that a popularity list of the same length would not have given, over k.

    'Unexpected and useful' of Ge, Delgado-Battenfeld & Jannach (2010) after Murakami et al.
    (2008), with popularity as the primitive model and being held out as useful. The
    popularity list is ordered by training ratings and leaves out the user's history, or
    holds candidates only, as the model's.
    """
    users, places = np.nonzero(shown.rankings.hits[:, :k])
    order = shown.popularity_order
    films = order[shown.rankings.items[users, places]]
    surprising = _popularity_rank(shown, users, films) >= k
    return Figure.mean(np.bincount(users[surprising], minlength=len(shown.rankings.users)) / k)


def popularity_bias(shown: Shown, k: int) -> Figure:
    """Popularity of what is shown over popularity of what was watched; 1 is no bias.

    Mean over users of the mean number of training ratings of their list's films, over the
    same of their history's films (GAP of Abdollahpouri et al. 2019). Users without a list
    or a history are left out.
    """
    counts = shown.train.item_counts.astype(np.float64)
    recommended = _listed_mean(counts, shown.first(k))
    queries = shown.history.queries(shown.rankings.users)
    seen = counts[queries.items.numpy()]
    sums = np.bincount(queries.rows.numpy(), seen, minlength=len(queries))
    lengths = queries.lengths.numpy()
    known = (lengths > 0) & ~np.isnan(recommended)
    watched = sums[known] / lengths[known]
    if not watched.sum():
        raise Undefined("no user has both a list and a history")
    ratio = Figure.ratio(recommended[known], watched)
    return Figure(ratio.value, ratio.influence)


def _popularity_rank(shown: Shown, rows: LongArray, places: LongArray) -> LongArray:
    """The rank, from 0, on each row's own popularity list, of films by their overall place."""
    n = shown.train.n_items
    if shown.candidates is not None:
        users, columns = np.nonzero(shown.candidates >= 0)
        films = shown.candidates[users, columns]
        return _smaller(users, shown.popularity_order[films], rows, places, n)
    queries = shown.history.queries(shown.rankings.users)
    users, films = queries.rows.numpy(), queries.items.numpy()
    return places - _smaller(users, shown.popularity_order[films], rows, places, n)


def _smaller(
    users: LongArray, values: LongArray, rows: LongArray, bounds: LongArray, n: int
) -> LongArray:
    """How many distinct `values` of user `rows[i]` lie below `bounds[i]`; all in 0..n - 1."""
    keys = np.unique(users * n + values)
    return np.searchsorted(keys, rows * n + bounds) - np.searchsorted(keys, rows * n)


def _counts(shown: Shown, k: int) -> LongArray:
    """How many people are shown each film: `[n_items]`."""
    items = shown.first(k)
    return np.bincount(items[items >= 0], minlength=shown.train.n_items)


def _listed_sum(values: Vector, items: LongArray) -> Vector:
    """The sum of `values` `[n_items]` over each list `[U, k]`."""
    return np.append(values, 0.0)[items].sum(axis=1)


def _listed_mean(values: Vector, items: LongArray) -> Vector:
    """The mean of `values` over each list; NaN for an empty one."""
    n = np.count_nonzero(items >= 0, axis=1)
    mean = np.full(len(items), np.nan)
    return np.divide(_listed_sum(values, items), n, out=mean, where=n > 0)


def _incidence(items: LongArray, n_items: int) -> csr_array:
    """Which list has which film: a sparse `[U, n_items]`."""
    listed = items >= 0
    ends = np.concatenate([[0], np.count_nonzero(listed, axis=1).cumsum()])
    films = items[listed]
    return csr_array((np.ones(len(films)), films, ends), shape=(len(items), n_items))


METRICS: dict[str, Metric[BeyondMetric]] = {
    "coverage": Metric(coverage, "films shown to anyone / films with training ratings"),
    "gini": Metric(gini, "Gini coefficient of how often each film is shown: 0 equal, 1 one film"),
    "diversity": Metric(diversity, "1 - mean cosine of genres over the pairs of a list"),
    "novelty": Metric(
        novelty, "mean of -log2(training ratings of a film / users) over a list", limit=np.inf
    ),
    "serendipity": Metric(
        serendipity, "hits that a popularity list of the same length does not have / k"
    ),
    "popularity_bias": Metric(
        popularity_bias,
        "mean training ratings of films shown / of films in the users' histories",
        limit=np.inf,
    ),
}
"""The metrics beyond accuracy by their outward names."""
