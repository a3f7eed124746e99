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
    settings: dict[str, Any] = {**BiasedMF.defaults, "epochs": EPOCHS, "threads": 2}

    def run() -> BiasedMF:
        model = build("mf", {"dim": DIM}, Sizes.of(data))
        assert isinstance(model, BiasedMF)
        fit(model, data, TrainerConfig(**settings))
        return model

    def judged(model: BiasedMF) -> Quality:
        users, items = (torch.from_numpy(arrays[f"test_{c}"]).long() for c in ("users", "items"))
        with torch.no_grad():
            u, i = model.users.weight[users], model.items.weight[items]
            stars = model.mean + u[:, -1] + i[:, -1] + (u[:, :-1] * i[:, :-1]).sum(1)
        return judge(arrays, stars.numpy())

    return Task(run, judged)


def cornac(arrays: Arrays) -> Task:
    from cornac.data import Dataset
    from cornac.models import MF

    columns = (arrays[f"train_{c}"].tolist() for c in ("users", "items", "ratings"))
    data = Dataset.from_uir(list(zip(*columns, strict=True)))

    def run() -> Any:
        return MF(k=DIM, max_iter=EPOCHS, num_threads=2).fit(data)

    def judged(model: Any) -> Quality:
        users = [data.uid_map.get(u, len(data.uid_map)) for u in arrays["test_users"].tolist()]
        items = [data.iid_map.get(i, len(data.iid_map)) for i in arrays["test_items"].tolist()]
        vectors = padded(model.u_factors)[users] * padded(model.i_factors)[items]
        biases = padded(model.u_biases)[users] + padded(model.i_biases)[items]
        return judge(arrays, model.global_mean + biases + vectors.sum(1))

    return Task(run, judged)


def padded(table: NDArray[np.floating]) -> NDArray[np.floating]:
    """The table with a row of zeros at its end, for those that training did not see."""
    return np.concatenate([table, np.zeros_like(table[:1])])


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
