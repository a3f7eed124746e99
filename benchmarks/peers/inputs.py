"""The arrays that comparisons share, in one `.npz` file for each data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.environments import ROOT

FOLDER = ROOT / "build" / "bench"
DIM, LENGTH, SEED = 64, 100, 0


def write(name: str) -> Path | None:
    """Write the arrays of a data set, unless they are there; None if it is not here."""
    path = FOLDER / f"{name}.npz"
    if not path.exists():
        arrays = WRITERS[name]()
        if arrays is None:
            return None
        FOLDER.mkdir(parents=True, exist_ok=True)
        np.savez(path, **arrays)
    return path


def movielens() -> dict[str, Any]:
    """MovieLens-1M: `[n]` ratings of both parts, lists, vectors.

    A tenth of the ratings is held out at random. The lists are those of 100 films by iALS for
    everyone with something held out; its film vectors, and their sums over everyone's history,
    are the vectors of the dot-product model.
    """
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
    return {
        "n_users": split.train.n_users,
        "n_items": split.train.n_items,
        **{f"train_{c}": getattr(split.train, c) for c in ("users", "items", "ratings")},
        **{f"test_{c}": getattr(split.test.held_out, c) for c in ("users", "items", "ratings")},
        "listed_users": rankings.users,
        "lists": rankings.items,
        "user_vectors": bag(model.factors, split.train.queries()).numpy(),
        "item_vectors": model.factors.numpy(),
    }


def ncf() -> dict[str, Any] | None:
    """The files of the NCF paper: `[n]` people and films, and `[people, 100]` films to rank.

    The first of a row is the person's held-out film, the others are those of the given 99 that
    differ, and -1 for the rest.
    """
    from matinee.data.places import local_copies
    from matinee.splits import files_split

    copies = local_copies()
    if copies is None or not (copies / "ncf-ml-1m").is_dir():
        return None
    names = ("train.rating", "test.rating", "test.negative")
    split = files_split(*(copies / "ncf-ml-1m" / f"ml-1m.{name}" for name in names))
    held_out, candidates = split.test.held_out, split.test.candidates
    assert candidates is not None
    others = candidates != held_out.items[:, None]
    return {
        "n_users": split.train.n_users,
        "n_items": split.train.n_items,
        "train_users": split.train.users,
        "train_items": split.train.items,
        "test_users": held_out.users,
        "candidates": np.column_stack(
            [held_out.items, candidates[others].reshape(len(candidates), -1)]
        ),
    }


WRITERS: dict[str, Callable[[], dict[str, Any] | None]] = {"ml-1m": movielens, "ncf-ml-1m": ncf}
