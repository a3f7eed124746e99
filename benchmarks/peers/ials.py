"""Fitting implicit alternating least squares: 64 factors, 15 sweeps, one and the same objective.

implicit minimises Σ_rated c(1 - s)² + Σ_others s² + λ(|X|² + |Y|²). With s = t s' and
t = c/(c - 1) this is c²/(c - 1) times ours of unobserved = 1/(c - 1), l2 = λ/c and exponent = 0,
up to a constant. LensKit minimises the same, with a weight of c - 1.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.comparison import Arrays, Comparison, Quality, Task, Work, offsets
from benchmarks.peers.ease import films

DIM, SWEEPS = 64, 15
UNOBSERVED, L2 = 0.1, 1.0
CONFIDENCE = 1 + 1 / UNOBSERVED


def ours(arrays: Arrays) -> Task:
    from matinee.data.interactions import Interactions
    from matinee.models import Sizes, build
    from matinee.models.ials import IALS

    n = int(arrays["n_items"])
    data = Interactions.build(arrays["train_users"], arrays["train_items"], catalogue=films(n))
    config = {"dim": DIM, "epochs": SWEEPS, "unobserved": UNOBSERVED, "l2": L2, "exponent": 0.0}

    def run() -> NDArray[np.float32]:
        model = build("ials", config, Sizes.of(data))
        assert isinstance(model, IALS)
        model.solve(data)
        return model.factors.numpy()

    return Task(run, lambda items: judge(arrays, items))


def implicit(arrays: Arrays) -> Task:
    """Its default, three steps of conjugate gradient; its direct solution is far slower."""
    from implicit.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, "blas")  # as it warns that it wants: its own threads call BLAS

    pairs = arrays["train_users"], arrays["train_items"]
    shape = (int(arrays["n_users"]), int(arrays["n_items"]))
    matrix = csr_matrix((np.ones(len(pairs[0]), np.float32), pairs), shape)

    def run() -> NDArray[np.float32]:
        model = AlternatingLeastSquares(
            factors=DIM,
            regularization=L2 * CONFIDENCE,
            alpha=CONFIDENCE,
            iterations=SWEEPS,
            num_threads=2,
            random_state=0,
        )
        model.fit(matrix, show_progress=False)
        return model.item_factors

    return Task(run, lambda items: judge(arrays, rescaled(items)))


def lenskit(arrays: Arrays) -> Task:
    import pandas as pd
    from lenskit.als import ImplicitMFScorer
    from lenskit.data import from_interactions_df

    columns = {f"{name}_id": arrays[f"train_{name}s"] for name in ("user", "item")}
    data = from_interactions_df(pd.DataFrame(columns))
    settings = {"embedding_size": DIM, "epochs": SWEEPS, "regularization": L2 * CONFIDENCE}

    def run() -> Any:
        model = ImplicitMFScorer(weight=CONFIDENCE - 1, **settings)
        model.train(data)
        return model

    def judged(model: Any) -> Quality:
        items = np.zeros((int(arrays["n_items"]), DIM))
        items[model.items.ids()] = np.asarray(model.item_embeddings)
        return judge(arrays, rescaled(items))

    return Task(run, judged)


def rescaled(items: NDArray[np.floating]) -> NDArray[np.floating]:
    """The films' vectors of a peer in our scale: √t of each side's, as above."""
    return items / np.sqrt(CONFIDENCE / (CONFIDENCE - 1))


def judge(arrays: Arrays, items: NDArray[np.floating]) -> Quality:
    """The objective at these film vectors and the best vectors of people for them, a rating."""
    items, starts = items.astype(np.float64), offsets(arrays["train_users"], int(arrays["n_users"]))
    everything, total = UNOBSERVED * items.T @ items + L2 * np.eye(DIM), 0.0
    for start, stop in pairwise(starts):
        seen = items[arrays["train_items"][start:stop]]
        right = seen.sum(0)
        # At its minimum the quadratic form is the constant minus half the linear term.
        total += stop - start - right @ np.linalg.solve(everything + seen.T @ seen, right)
    return {"objective": float(total + L2 * np.square(items).sum()) / int(starts[-1])}


def work(arrays: Arrays) -> Work:
    """Of both sides: d² a rating for the normal equations, d³/3 + 2d² a row for their solution."""
    ratings = len(arrays["train_users"])
    rows = int(arrays["n_users"]) + int(arrays["n_items"])
    sweep = 2 * ratings * (DIM**2 + 2 * DIM) + rows * (DIM**3 / 3 + 2 * DIM**2)
    moved = 2 * 4 * ratings + 2 * 4 * DIM * rows
    return Work(operations=SWEEPS * sweep, bytes=SWEEPS * moved)


COMPARISON = Comparison(
    title="Fit of iALS (64 factors, 15 sweeps)",
    bar=1,
    sides={
        "matinee": ours,
        "implicit": implicit,
        "lenskit": lenskit,
    },
    work=work,
    counted="half of each normal matrix, its factor and solution; ratings and vectors moved once",
    tolerance=None,
)
