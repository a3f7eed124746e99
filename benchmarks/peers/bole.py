"""RecBole's own data, model and loop, made ready for one epoch."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import chdir
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

COMMON = {
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    "USER_ID_FIELD": "user_id",
    "ITEM_ID_FIELD": "item_id",
    "TIME_FIELD": "timestamp",
    "state": "ERROR",
    "show_progress": False,
    "use_gpu": False,
    "learning_rate": 1e-3,
    "eval_args": {"split": {"RS": [1.0, 0.0, 0.0]}, "order": "TO", "group_by": "user"},
}

LEFT_NUMPY = {
    "float_": np.float64,
    "complex_": np.complex128,
    "object_": np.object_,
    "str_": np.str_,
    "unicode_": np.str_,
    "bool8": np.bool_,
}
"""What RecBole looks for in NumPy and no longer finds."""


class Batches:
    """The first batches of a loader."""

    def __init__(self, loader: Any, count: int) -> None:
        self.loader, self.count = loader, count

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Any:
        return islice(iter(self.loader), self.count)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)


def prepared(
    model: str,
    users: NDArray[np.integer],
    items: NDArray[np.integer],
    settings: dict[str, Any],
    most: int | None = None,
) -> tuple[Callable[[], Any], float, Any]:
    """An epoch, or its first `most` batches, which gives the model; what share of it; the data."""
    for name, kind in LEFT_NUMPY.items():
        setattr(np, name, kind)
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_seed

    # It writes logs into the current folder.
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        path = Path(folder) / "ml" / "ml.inter"
        path.parent.mkdir()
        rows = np.column_stack([users, items, np.arange(len(users))])
        head = "user_id:token\titem_id:token\ttimestamp:float"
        np.savetxt(path, rows, "%d", "\t", header=head, comments="")
        made = {**COMMON, **settings, "data_path": folder, "checkpoint_dir": folder}
        config = Config(model=model, dataset="ml", config_dict=made)
        init_seed(0, True)
        data = create_dataset(config)
        batches = data_preparation(config, data)[0]
        network = get_model(model)(config, batches.dataset)
        trainer = get_trainer(config["MODEL_TYPE"], model)(config, network)
    share = 1.0
    if most is not None and most < len(batches):
        share, batches = most / len(batches), Batches(batches, most)

    def epoch() -> Any:
        trainer._train_epoch(batches, 0)
        return network.eval()

    return epoch, share, data
