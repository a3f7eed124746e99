"""k-means: points into clusters, each near its own centre."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from matinee.explore.totals import Floats

STARTS = 5
ROUNDS = 100


def k_means(points: Floats, k: int, seed: int) -> tuple[NDArray[np.int64], Floats, float]:
    """The best of a few runs of Lloyd's algorithm from k-means++ starts.

    Source: Arthur and Vassilvitskii 2007, 'k-means++: the advantages of careful seeding'.

    Args:
        points: `[n, d]`.
        k: Number of clusters, at most n.
        seed: Of the starts.

    Returns:
        The cluster of each point `[n]`, the largest being 0; the centres `[k, d]`; and the
        share of the points' variance that lies between the centres, in [0, 1].
    """
    rng = np.random.default_rng(seed)
    runs = [_lloyd(points, _first_centres(points, k, rng)) for _ in range(STARTS)]
    labels, centres, inside = min(runs, key=lambda run: run[2])
    order = np.argsort(-np.bincount(labels, minlength=k), kind="stable")
    places = np.empty(k, np.int64)
    places[order] = np.arange(k)
    total = float(np.square(points - points.mean(0)).sum())
    return places[labels], centres[order], 1 - inside / total if total > 0 else 0.0


def _first_centres(points: Floats, k: int, rng: Generator) -> Floats:
    """Points drawn one by one, each with a chance that grows as its squared distance."""
    chosen = [points[rng.integers(len(points))]]
    nearest = np.full(len(points), np.inf)
    while len(chosen) < k:
        nearest = np.minimum(nearest, np.square(points - chosen[-1]).sum(1))
        total = nearest.sum()
        chance = nearest / total if total > 0 else None
        chosen.append(points[rng.choice(len(points), p=chance)])
    return np.stack(chosen)


def _lloyd(points: Floats, centres: Floats) -> tuple[NDArray[np.int64], Floats, float]:
    """Points to centres and centres to points by turns, until nothing moves."""
    labels = np.full(len(points), -1)
    for _ in range(ROUNDS):
        distances = np.square(centres).sum(1) - 2 * points @ centres.T
        nearest = distances.argmin(1)
        if np.array_equal(nearest, labels):
            break
        labels = nearest
        centres = _centres(points, labels, centres)
    return labels, centres, float(np.square(points - centres[labels]).sum())


def _centres(points: Floats, labels: NDArray[np.int64], old: Floats) -> Floats:
    """The mean of each cluster; an empty one stays where it was."""
    sizes = np.bincount(labels, minlength=len(old))
    sums = np.stack([np.bincount(labels, column, len(old)) for column in points.T], 1)
    return np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], old)
