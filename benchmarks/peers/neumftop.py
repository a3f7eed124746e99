"""Everyone's ten best films out of all by NeuMF, seen ones left out; weights as they begin."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.comparison import Arrays, Comparison, Quality, Task, Work, offsets
from benchmarks.peers.ease import films
from benchmarks.peers.neumf import NEGATIVES, SMALL

K = 10


def ours(arrays: Arrays) -> Task:
    from matinee.data.interactions import Interactions
    from matinee.models import Sizes, build
    from matinee.recommendation.topk import recommend_many

    pairs = arrays["train_users"], arrays["train_items"]
    data = Interactions.build(*pairs, catalogue=films(int(arrays["n_items"])))
    model = build("neumf", SMALL.ours, Sizes.of(data)).eval()
    queries = data.queries()

    def run() -> NDArray[np.int64]:
        return recommend_many(model, queries, K)[0].numpy()

    return Task(run, lambda lists: judge(arrays, lists))


def recbole(arrays: Arrays) -> Task:
    """As its evaluation does for models without a product: a person with all films at a time."""
    import torch

    from benchmarks.peers.recbole_data import prepared

    users, items = arrays["train_users"], arrays["train_items"]
    config, dataset, _ = prepared(users, items, SMALL.recbole, batch=2048, negatives=NEGATIVES)
    from recbole.model.general_recommender import NeuMF

    model = NeuMF(config, dataset).eval()
    people = [dataset.token2id("user_id", str(user)) for user in np.unique(users)]
    tokens = dataset.field2id_token["item_id"]
    outside = np.array([-1, *(int(token) for token in tokens[1:])])
    places = np.argsort(outside)[1:]  # of the films that anyone has seen, in order
    known = np.searchsorted(outside[places], items)
    seen = np.split(places[known], offsets(users, len(people))[1:-1])
    every = torch.arange(dataset.item_num)

    @torch.no_grad()
    def run() -> NDArray[np.int64]:
        lists: list[NDArray[Any]] = []
        for person, history in zip(people, seen, strict=True):
            scores = model(torch.full_like(every, person), every)
            scores[0] = -torch.inf
            scores[history] = -torch.inf
            lists.append(outside[scores.topk(K).indices.numpy()])
        return np.stack(lists)

    return Task(run, lambda lists: judge(arrays, lists))


def judge(arrays: Arrays, lists: NDArray[np.integer]) -> Quality:
    """The share of what is listed that was seen, which should be none."""
    starts, seen = offsets(arrays["train_users"], len(lists)), arrays["train_items"]
    again = [np.isin(row, seen[starts[u] : starts[u + 1]]).mean() for u, row in enumerate(lists)]
    return {"seen": float(np.mean(again))}


def work(arrays: Arrays) -> Work:
    """The tower above its first layer, and the product, for each pair of person and film."""
    pairs = len(arrays["user_vectors"]) * len(arrays["item_vectors"])
    tower = SMALL.tower
    weights = sum(wide * narrow for wide, narrow in pairwise(tower[1:]))
    each = 2 * (weights + SMALL.dim + tower[-1]) + tower[1]
    return Work(operations=float(pairs * each), bytes=8.0 * K * len(arrays["user_vectors"]))


COMPARISON = Comparison(
    title="Ten best of all films for everyone by NeuMF, seen ones left out",
    bar=20,
    sides={"matinee": ours, "recbole": recbole},
    work=work,
    counted="the tower above its first layer and the product for each pair; lists written",
    people="user_vectors",
)
