"""Everyone's ten best films out of all, seen ones left out, by products of vectors of 64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.comparison import Arrays, Comparison, Quality, Task, Work, offsets

K = 10


def ours(arrays: Arrays) -> Task:
    """`recommend_many` for matrix factorisation, with the vectors set and without biases."""
    import torch

    from matinee.data.interactions import Interactions
    from matinee.models import Sizes, build
    from matinee.models.factorisation import BiasedMF
    from matinee.recommendation.topk import recommend_many

    users, items = (torch.from_numpy(arrays[f"{side}_vectors"]) for side in ("user", "item"))
    sizes = Sizes(users=len(users), items=len(items), ratings=0)
    model = build("mf", {"dim": users.shape[1]}, sizes)
    assert isinstance(model, BiasedMF)
    with torch.no_grad():
        model.users.weight[:, :-1] = users
        model.items.weight[:, :-1] = items
    queries = Interactions.build(arrays["train_users"], arrays["train_items"]).queries()

    def run() -> NDArray[np.int64]:
        items, _ = recommend_many(model, queries, K)
        return items.numpy()

    return Task(run, lambda lists: judge(arrays, lists))


def implicit(arrays: Arrays) -> Task:
    """`recommend` of a factor model with the same vectors."""
    from implicit.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    users, items = arrays["user_vectors"], arrays["item_vectors"]
    model = AlternatingLeastSquares(factors=users.shape[1], num_threads=2)
    model.user_factors, model.item_factors = users, items
    ones = np.ones(len(arrays["train_users"]), np.float32)
    seen = csr_matrix(
        (ones, (arrays["train_users"], arrays["train_items"])), (len(users), len(items))
    )
    everyone = np.arange(len(users))

    def run() -> NDArray[np.int32]:
        return model.recommend(everyone, seen, N=K)[0]

    return Task(run, lambda lists: judge(arrays, lists))


def judge(arrays: Arrays, lists: NDArray[np.integer]) -> Quality:
    """Mean score of what is listed, and the share of it that was seen, which should be none."""
    users, items = arrays["user_vectors"], arrays["item_vectors"]
    starts, seen = offsets(arrays["train_users"], len(users)), arrays["train_items"]
    scores = np.einsum("ud,ukd->uk", users, items[lists], dtype=np.float64)
    again = [np.isin(row, seen[starts[u] : starts[u + 1]]).mean() for u, row in enumerate(lists)]
    return {"mean score": float(scores.mean()), "seen": float(np.mean(again))}


def work(arrays: Arrays) -> Work:
    """The product of all vectors and a comparison a score; vectors, seen pairs and lists moved."""
    users, items = arrays["user_vectors"], arrays["item_vectors"]
    scores = len(users) * len(items)
    moved = 4 * (users.size + items.size) + 4 * len(arrays["train_users"]) + 8 * K * len(users)
    return Work(operations=scores * (2 * users.shape[1] + 1), bytes=moved)


COMPARISON = Comparison(
    title="Ten best of all films for everyone, seen ones left out, vectors of 64",
    bar=3,
    sides={"matinee": ours, "implicit": implicit},
    work=work,
    counted="all products and one comparison a score; vectors, seen pairs and lists moved once",
    people="user_vectors",
    tolerance=1e-5,
)
