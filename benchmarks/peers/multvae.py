"""An epoch of Mult-VAE: 600 units, codes of 200, half of the films dropped, batches of 500."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.comparison import Arrays, Comparison, Quality, Task, Work, offsets
from benchmarks.peers.ease import films

HIDDEN, CODE, DROPOUT, BATCH, RATE, K = 600, 200, 0.5, 500, 1e-3, 10
SETTINGS: dict[str, Any] = {"hidden": (HIDDEN,), "dim": CODE, "dropout": DROPOUT}
"""The model in our words."""


def ours(arrays: Arrays, precision: str = "float32") -> Task:
    import torch

    from matinee.engine import TrainerConfig, fit
    from matinee.models import Sizes, build
    from matinee.models.autoencoders import MultVAE

    data = interactions(arrays)
    loop = TrainerConfig(epochs=1, batch_size=BATCH, learning_rate=RATE, threads=2)
    loop = loop.updated({"precision": precision})

    def run() -> MultVAE:
        torch.manual_seed(0)
        model = build("multvae", SETTINGS, Sizes.of(data))
        assert isinstance(model, MultVAE)
        fit(model, data, loop)
        return model.eval()

    return Task(run, lambda model: judge(arrays, model.score(data.queries()).numpy()))


def interactions(arrays: Arrays) -> Any:
    """The training part as we read it."""
    from matinee.data.interactions import Interactions

    columns = arrays["train_users"], arrays["train_items"]
    return Interactions.build(*columns, catalogue=films(int(arrays["n_items"])))


def recbole(arrays: Arrays) -> Task:
    import torch
    from recbole.data.interaction import Interaction

    from benchmarks.peers.bole import prepared

    users, items = arrays["train_users"], arrays["train_items"]
    settings = {
        "mlp_hidden_size": [HIDDEN],
        "latent_dimension": 2 * CODE,  # means and variances together
        "dropout_prob": DROPOUT,
        "train_batch_size": BATCH,
    }
    epoch, share, data = prepared("MultiVAE", users, items, settings)

    def judged(model: Any) -> Quality:
        people = torch.from_numpy(data.token2id("user_id", np.unique(users).astype(str)))
        known = np.unique(items)
        scores = np.full((len(people), int(arrays["n_items"])), -np.inf, np.float32)
        with torch.no_grad():
            told = model.full_sort_predict(Interaction({"user_id": people})).view(len(people), -1)
        scores[:, known] = told.numpy()[:, data.token2id("item_id", known.astype(str))]
        return judge(arrays, scores)

    return Task(epoch, judged, share)


def cornac(arrays: Arrays) -> Task:
    from cornac.data import Dataset
    from cornac.models import VAECF

    pairs = zip(arrays["train_users"].tolist(), arrays["train_items"].tolist(), strict=True)
    data = Dataset.from_uir([(user, item, 1.0) for user, item in pairs])
    ids = np.array(list(data.iid_map))

    def run() -> Any:
        model = VAECF(
            k=CODE,
            autoencoder_structure=[HIDDEN],
            act_fn="tanh",
            likelihood="mult",
            n_epochs=1,
            batch_size=BATCH,
            learning_rate=RATE,
            beta=0.2,
            seed=0,
        )
        return model.fit(data)

    def judged(model: Any) -> Quality:
        scores = np.full((len(data.uid_map), int(arrays["n_items"])), -np.inf, np.float32)
        for person, index in data.uid_map.items():
            scores[person, ids] = model.score(index)
        return judge(arrays, scores)

    return Task(run, judged)


def judge(arrays: Arrays, scores: NDArray[np.floating]) -> Quality:
    """NDCG@10 of what was held out, seen films left out."""
    scores = scores.copy()
    scores[arrays["train_users"], arrays["train_items"]] = -np.inf
    lists = np.argsort(-scores, axis=1)[:, :K]
    wanted = np.zeros(scores.shape, bool)
    wanted[arrays["test_users"], arrays["test_items"]] = True
    discounts = 1 / np.log2(np.arange(2, K + 2))
    counts = np.diff(offsets(np.sort(arrays["test_users"]), len(scores)))
    some = counts > 0
    gains = (np.take_along_axis(wanted, lists, 1) * discounts).sum(1)[some]
    best = np.cumsum(discounts)[np.minimum(counts[some], K) - 1]
    return {"ndcg@10": float((gains / best).mean())}


def work(arrays: Arrays) -> Work:
    """Six operations a weight of the dense layers a person, four a weight for each film shown."""
    people, ratings = int(arrays["n_users"]), len(arrays["train_users"])
    dense = HIDDEN * 2 * CODE + CODE * HIDDEN + HIDDEN * int(arrays["n_items"])
    shown = ratings * (1 - DROPOUT) * HIDDEN
    return Work(6.0 * people * dense + 4 * shown, bytes=2 * 4 * shown)


COMPARISON = Comparison(
    title=f"An epoch of Mult-VAE (600 units, codes of 200, batches of {BATCH})",
    bar=3,
    sides={
        "matinee": ours,
        "matinee bfloat16": partial(ours, precision="bfloat16"),
        "recbole": recbole,
        "cornac": cornac,
    },
    work=work,
    counted="three products in each dense layer, and a sum over the films shown forwards and back",
    people="",
    tolerance=None,
    note="With 'bfloat16' (`--set precision=bfloat16`) numbers are rounded to it before they are "
    "multiplied; sums, weights and their means stay in float32. It is fast where the processor "
    "multiplies such numbers by itself. The peers multiply in float32.",
)
