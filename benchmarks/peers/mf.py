"""Fitting biased matrix factorisation to stars: 100 factors, 20 epochs, a tenth held out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.comparison import Arrays, Comparison, Quality, Task, Work
from benchmarks.peers.ease import films

DIM, EPOCHS = 100, 20


def ours(arrays: Arrays) -> Task:
    import torch

    from matinee.data.interactions import Interactions
    from matinee.engine import TrainerConfig, fit
    from matinee.models import Sizes, build
    from matinee.models.factorisation import BiasedMF

    columns = [arrays[f"train_{c}"] for c in ("users", "items", "ratings")]
    data = Interactions.build(*columns, catalogue=films(int(arrays["n_items"])))

    def run() -> BiasedMF:
        model = build("mf", {"dim": DIM}, Sizes.of(data))
        assert isinstance(model, BiasedMF)
        fit(model, data, TrainerConfig(**{**model.defaults, "epochs": EPOCHS, "threads": 2}))
        return model

    def stars(model: BiasedMF) -> Quality:
        users, items = (torch.from_numpy(arrays[f"test_{c}"]).long() for c in ("users", "items"))
        with torch.no_grad():
            affinity = model._affinity(model.users(users), model.items(items)) + model.mean
        return judge(arrays, affinity.numpy())

    return Task(run, stars)


def cornac(arrays: Arrays) -> Task:
    from cornac.data import Dataset
    from cornac.models import MF

    columns = (arrays[f"train_{c}"].tolist() for c in ("users", "items", "ratings"))
    data = Dataset.from_uir(list(zip(*columns, strict=True)))

    def run() -> Any:
        return MF(k=DIM, max_iter=EPOCHS, num_threads=2).fit(data)

    def stars(model: Any) -> Quality:
        users = np.array([data.uid_map.get(u, -1) for u in arrays["test_users"].tolist()])
        items = np.array([data.iid_map.get(i, -1) for i in arrays["test_items"].tolist()])
        U, V = np.vstack([model.u_factors, 0 * model.u_factors[:1]]), model.i_factors
        V = np.vstack([V, 0 * V[:1]])
        biases = np.append(model.u_biases, 0)[users] + np.append(model.i_biases, 0)[items]
        return judge(arrays, model.global_mean + biases + (U[users] * V[items]).sum(1))

    return Task(run, stars)


def judge(arrays: Arrays, stars: NDArray[np.floating]) -> Quality:
    """Root mean squared error on the held-out ratings, predictions cut to the scale."""
    ratings = arrays["train_ratings"]
    error = np.clip(stars, ratings.min(), ratings.max()) - arrays["test_ratings"]
    return {"rmse": float(np.sqrt(np.square(error, dtype=np.float64).mean()))}


def work(arrays: Arrays) -> Work:
    """A product of two vectors and a step of each, 10 d operations a rating and epoch."""
    ratings = EPOCHS * len(arrays["train_users"])
    return Work(operations=10.0 * DIM * ratings, bytes=12.0 * ratings)


COMPARISON = Comparison(
    title="Fit of matrix factorisation to stars (100 factors, 20 epochs)",
    bar=1,
    sides={"matinee": ours, "cornac": cornac},
    work=work,
    counted="a product and a step of both vectors a rating; ratings read once an epoch",
    tolerance=None,
)
