"""NDCG, MAP and recall at 10 of lists of 100, from arrays of integers to three means.

MAP divides by all held-out films, as ranx and RecTools do, and the ideal list of NDCG has no
more hits than there are held-out films.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.comparison import Arrays, Comparison, Quality, Task, Work, offsets

K = 10


def ours(arrays: Arrays) -> Task:
    """`metrics_from_lists` on ratings made from the integers."""
    from matinee.data.interactions import Interactions
    from matinee.evaluation.report import metrics_from_lists

    names = ("ndcg", "map_all", "recall")

    def run() -> list[float]:
        held_out = Interactions.build(arrays["test_users"], arrays["test_items"])
        report = metrics_from_lists(arrays["lists"], held_out, metrics=names, k=(K,))
        return [report.metrics[f"{name}@{K}"].value for name in names]

    return Task(run, named)


RANX = tuple(f"{name}@{K}" for name in ("ndcg", "map", "recall"))


def ranx(arrays: Arrays) -> Task:
    """`evaluate` on arrays of (film, score), its shortest way."""
    from numba.typed.typedlist import List
    from ranx import evaluate

    def run(people: slice = slice(None)) -> list[float]:
        lists, starts = (
            arrays["lists"][people],
            offsets(arrays["test_users"], int(arrays["n_users"])),
        )
        scores = np.broadcast_to(np.arange(lists.shape[1], 0, -1.0), lists.shape)
        listed = np.stack([lists, scores], axis=2)
        pairs = np.column_stack([arrays["test_items"], np.ones(len(arrays["test_items"]))])
        users = arrays["listed_users"][people]
        held_out = List(pairs[starts[u] : starts[u + 1]] for u in users)
        found = evaluate(held_out, listed, list(RANX))
        return [float(found[name]) for name in RANX]

    run(slice(2))  # it compiles for a quarter of a minute
    return Task(run, named)


def ranx_frames(arrays: Arrays) -> Task:
    """`evaluate` on `Qrels` and `Run` made from data frames, its documented way."""
    import pandas as pd
    from ranx import Qrels, Run, evaluate

    def frame(users: NDArray[Any], films: NDArray[Any], scores: Any) -> Any:
        ids = {"q_id": users.astype(str), "doc_id": films.astype(str)}
        # ranx wants text as objects, which pandas no longer makes of itself.
        return pd.DataFrame({**ids, "score": scores}).astype(dict.fromkeys(ids, object))

    def run(people: int | None = None) -> list[float]:
        users, lists = arrays["listed_users"][:people], arrays["lists"][:people]
        scores = np.tile(np.arange(lists.shape[1], 0, -1.0), len(lists))
        listed = Run.from_df(frame(np.repeat(users, lists.shape[1]), lists.ravel(), scores))
        rows = np.isin(arrays["test_users"], users)
        held_out = Qrels.from_df(frame(arrays["test_users"][rows], arrays["test_items"][rows], 1))
        found = evaluate(held_out, listed, list(RANX))
        return [float(found[name]) for name in RANX]

    run(2)
    return Task(run, named)


def rectools(arrays: Arrays) -> Task:
    """`calc_metrics` on data frames made from the integers."""
    import pandas as pd
    from rectools import Columns
    from rectools.metrics import MAP, NDCG, Recall, calc_metrics

    metrics = {"ndcg": NDCG(K, divide_by_achievable=True), "map": MAP(K), "recall": Recall(K)}

    def run() -> list[float]:
        users, lists = arrays["listed_users"], arrays["lists"]
        listed = pd.DataFrame(
            {
                Columns.User: np.repeat(users, lists.shape[1]),
                Columns.Item: lists.ravel(),
                Columns.Rank: np.tile(np.arange(1, lists.shape[1] + 1), len(lists)),
            }
        )
        held_out = pd.DataFrame(
            {Columns.User: arrays["test_users"], Columns.Item: arrays["test_items"]}
        )
        found = calc_metrics(metrics, listed, held_out)
        return [float(found[name]) for name in metrics]

    return Task(run, named)


def named(means: list[float]) -> Quality:
    """The three means by their names."""
    return dict(zip(("ndcg@10", "map@10", "recall@10"), means, strict=True))


def work(arrays: Arrays) -> Work:
    """Every held-out pair and the first ten of every list are read once, as 8 and 4 bytes."""
    listed, held_out = K * len(arrays["lists"]), len(arrays["test_users"])
    return Work(operations=2 * listed, bytes=4 * listed + 8 * held_out)


COMPARISON = Comparison(
    title="NDCG, MAP and recall at 10, everyone's list of 100, conversion included",
    bar=8,
    sides={
        "matinee": ours,
        "ranx arrays": ranx,
        "ranx data frames": ranx_frames,
        "rectools": rectools,
    },
    work=work,
    counted="held-out pairs and the first ten of each list, read once",
    people="listed_users",
    tolerance=1e-6,
)
