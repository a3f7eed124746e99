"""Fitting EASE: from a sparse matrix of who rated what to the weights between films."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.comparison import Arrays, Comparison, Quality, Task, Work

L2 = 500.0


def ours(arrays: Arrays) -> Task:
    from matinee.data.interactions import Interactions
    from matinee.models import Sizes, build
    from matinee.models.linear import EASE

    data = Interactions.build(arrays["train_users"], arrays["train_items"])
    sizes = Sizes(users=data.n_users, items=int(arrays["n_items"]), ratings=len(data))
    data = Interactions.build(data.users, data.items, catalogue=films(sizes.items))

    def run() -> NDArray[np.float32]:
        model = build("ease", {"l2": L2}, sizes)
        assert isinstance(model, EASE)
        model.solve(data)
        return model.weights.numpy()

    return Task(run, lambda weights: judge(arrays, weights))


def films(count: int) -> Any:
    """A catalogue of so many films without titles."""
    from matinee.data.catalogue import Catalogue
    from matinee.data.vocabulary import Vocabulary

    return Catalogue.bare(Vocabulary(map(str, range(count)), sort="film"))


def lenskit(arrays: Arrays) -> Task:
    import pandas as pd
    from lenskit.data import from_interactions_df
    from lenskit.knn import EASEScorer

    frame = pd.DataFrame({"user_id": arrays["train_users"], "item_id": arrays["train_items"]})
    data = from_interactions_df(frame)

    def run() -> Any:
        model = EASEScorer(regularization=L2)
        model.train(data)
        return model

    def placed(model: Any) -> Quality:
        return judge(arrays, model.weights, model.items.ids())

    return Task(run, placed)


def cornac(arrays: Arrays) -> Task:
    from cornac.data import Dataset
    from cornac.models import EASE

    pairs = zip(arrays["train_users"].tolist(), arrays["train_items"].tolist(), strict=True)
    data = Dataset.from_uir([(user, item, 1.0) for user, item in pairs])
    ids = np.array(list(data.iid_map))

    def run() -> NDArray[np.floating]:
        return EASE(lamb=L2, posB=False, verbose=False).fit(data).B

    return Task(run, lambda weights: judge(arrays, weights, ids))


def rectools(arrays: Arrays) -> Task:
    import pandas as pd
    from rectools import Columns
    from rectools.dataset import Dataset
    from rectools.models import EASEModel

    frame = pd.DataFrame(
        {
            Columns.User: arrays["train_users"],
            Columns.Item: arrays["train_items"],
            Columns.Weight: 1.0,
            Columns.Datetime: pd.Timestamp(0),
        }
    )
    data = Dataset.construct(frame)

    def run() -> NDArray[np.floating]:
        return EASEModel(regularization=L2).fit(data).weight

    return Task(run, lambda weights: judge(arrays, weights, data.item_id_map.external_ids))


def judge(
    arrays: Arrays, weights: NDArray[np.floating], ids: NDArray[np.integer] | None = None
) -> Quality:
    """What EASE minimises, |X - XB|² + λ|B|², a rating; `ids` are the films of rows and columns."""
    from scipy.sparse import csr_array

    n = int(arrays["n_items"])
    B = np.zeros((n, n), np.float32)
    films = np.arange(n) if ids is None else np.asarray(ids)
    B[np.ix_(films, films)] = weights
    pairs = arrays["train_users"], arrays["train_items"]
    X = csr_array((np.ones(len(pairs[0]), np.float32), pairs), (int(arrays["n_users"]), n))
    rest = np.eye(n, dtype=np.float32) - B
    error = np.einsum("ij,ij->", (X.T @ X).toarray() @ rest, rest, dtype=np.float64)
    penalty = L2 * np.square(B, dtype=np.float64).sum()
    return {"objective": float(error + penalty) / len(pairs[0])}


def work(arrays: Arrays) -> Work:
    """Half of all pairs of each history, and n³ operations for the inverse by Cholesky."""
    n, lengths = int(arrays["n_items"]), np.bincount(arrays["train_users"])
    return Work(float(np.square(lengths).sum()) + n**3, bytes=4 * n * n * 4)


COMPARISON = Comparison(
    title="Fit of EASE (λ = 500)",
    bar=3,
    sides={"matinee": ours, "lenskit": lenskit, "cornac": cornac, "rectools": rectools},
    work=work,
    counted="half the pairs of each history and n³ for the inverse; the matrix moved four times",
)
