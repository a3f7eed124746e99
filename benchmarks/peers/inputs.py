"""The arrays that all comparisons share, from MovieLens-1M, in one `.npz` file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

FILE = "ml-1m.npz"
DIM, LENGTH, SEED = 64, 100, 0


def write(folder: Path) -> Path:
    """Write the arrays, unless they are there: `[n]` ratings of both parts, lists, vectors.

    A tenth of the ratings is held out at random. The lists are those of 100 films by iALS for
    everyone with something held out; its film vectors, and their sums over everyone's history,
    are the vectors of the dot-product model.
    """
    path = folder / FILE
    if path.exists():
        return path
    from matinee import fit
    from matinee.data import load
    from matinee.evaluation.lists import rank
    from matinee.models import Sizes, build
    from matinee.models.ials import IALS
    from matinee.models.linear import bag
    from matinee.splits import random_split

    split = random_split(load("ml-1m"), test=0.1, seed=SEED)
    model = build("ials", {"dim": DIM}, Sizes.of(split.train))
    assert isinstance(model, IALS)
    fit(model, split.train)
    rankings = rank(model, split.test, k=LENGTH)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        n_users=split.train.n_users,
        n_items=split.train.n_items,
        **{f"train_{c}": getattr(split.train, c) for c in ("users", "items", "ratings")},
        **{f"test_{c}": getattr(split.test.held_out, c) for c in ("users", "items", "ratings")},
        listed_users=rankings.users,
        lists=rankings.items,
        user_vectors=bag(model.factors, split.train.queries()).numpy(),
        item_vectors=model.factors.numpy(),
    )
    return path
