"""How near a new person's list comes to that of a model refitted with the person.

python -m benchmarks.foldin [MODEL...]

Of MovieLens-100K, `PEOPLE` people are left out. A model fitted to the others lists ten films
for each of them from their histories alone (the fold-in); the same model fitted to everybody
lists ten as it does for those it knows (the refit). Printed is the mean share of films that
the two lists have in common, and beside it that of two refits that differ in the seed alone:
the most that can be asked of a model whose training is random.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
import torch

from matinee.data import load
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.engine import TrainerConfig, fit
from matinee.models import MODELS, Learned, Recommender, Sizes, build

PEOPLE, K = 100, 10
LOOP: dict[str, dict[str, Any]] = {
    name: {"epochs": 10, "batch_size": 2048, "learning_rate": 0.01}
    for name in ("gmf", "mlp", "neumf")
}
"""Training settings where the model's own would take minutes."""


def without(data: Interactions, people: np.ndarray) -> Interactions:
    """The ratings of everyone else, who are numbered anew: no trace of the people is left."""
    rest = data.take(~np.isin(data.users, people))
    _, users = np.unique(rest.users, return_inverse=True)
    return Interactions.build(users, rest.items, rest.ratings, rest.times, catalogue=data.catalogue)


def fitted(name: str, data: Interactions, seed: int) -> Recommender:
    own = {"seed": seed} if "seed" in MODELS[name].Config.model_fields else {}
    model = build(name, own, Sizes.of(data), seed=seed)
    loop = None
    if isinstance(model, Learned):
        loop = TrainerConfig(**{**model.defaults, **LOOP.get(name, {})})
    fit(model, data, loop, seed=seed)
    return model.eval()


def best(model: Recommender, queries: Queries) -> list[set[int]]:
    """The ten best unseen films of each person."""
    with torch.no_grad():
        scores = model.score(queries)
    scores[queries.rows, queries.items] = -torch.inf
    return [set(row) for row in scores.topk(K).indices.tolist()]


def overlap(ours: list[set[int]], theirs: list[set[int]]) -> float:
    return float(np.mean([len(a & b) / K for a, b in zip(ours, theirs, strict=True)]))


def measured(name: str, data: Interactions, people: np.ndarray) -> dict[str, float]:
    """Overlap of fold-in and refit, and of two refits."""
    start, known = time.perf_counter(), data.queries(people)
    refit = best(fitted(name, data, 0), known)
    folded = best(fitted(name, without(data, people), 0), known.forget_users())
    again = best(fitted(name, data, 1), known)
    return {
        "fold-in": overlap(refit, folded),
        "other seed": overlap(refit, again),
        "seconds": time.perf_counter() - start,
    }


def main(names: list[str]) -> None:
    data = load("ml-100k")
    people = np.sort(np.random.default_rng(0).choice(data.n_users, PEOPLE, replace=False))
    for name in names:
        print(json.dumps({"model": name, **measured(name, data, people)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(MODELS))
