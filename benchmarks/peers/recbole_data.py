"""RecBole's own view of ratings. Imported in its environment only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

GONE: dict[str, type] = {
    "float_": np.float64,
    "bool8": np.bool_,
    "complex_": np.complex128,
    "object0": np.object_,
    "unicode_": np.str_,
}
"""Names that numpy 2 has no more and RecBole asks for."""
for name, kind in GONE.items():
    setattr(np, name, kind)


def prepared(
    users: NDArray[Any],
    items: NDArray[Any],
    size: dict[str, Any],
    *,
    batch: int,
    negatives: int,
) -> tuple[Any, Any, Any]:
    """Configuration, data set and training loader for NeuMF, on all ratings."""
    import torch
    from recbole.config import Config
    from recbole.data import create_dataset
    from recbole.data.dataloader import TrainDataLoader
    from recbole.sampler import Sampler

    torch.set_num_threads(2)
    folder = tempfile.mkdtemp()
    os.chdir(folder)  # where it leaves logs
    path = Path(folder) / "films" / "films.inter"
    path.parent.mkdir()
    lines = (f"{user}\t{item}\n" for user, item in zip(users, items, strict=True))
    path.write_text("user_id:token\titem_id:token\n" + "".join(lines))
    told = {**settings(folder, batch, negatives), **size}
    config = Config("NeuMF", "films", config_dict=told)
    dataset = create_dataset(config)
    (built,) = dataset.build()[:1]
    sampler = Sampler(["train"], [built], "uniform").set_phase("train")
    return config, built, TrainDataLoader(config, built, sampler, shuffle=True)


def settings(folder: str, batch: int, negatives: int) -> dict[str, Any]:
    """All but the size of the model, in RecBole's words."""
    return {
        "data_path": folder,
        "load_col": {"inter": ["user_id", "item_id"]},
        "eval_args": {"split": {"RS": [1.0]}, "order": "RO", "group_by": None, "mode": "full"},
        "train_neg_sample_args": {
            "distribution": "uniform",
            "sample_num": negatives,
            "alpha": 1.0,
            "dynamic": False,
            "candidate_num": 0,
        },
        "train_batch_size": batch,
        "epochs": 1,
        "learning_rate": 1e-3,
        "dropout_prob": 0.0,
        "use_pretrain": False,
        "use_gpu": False,
        "show_progress": False,
        "state": "ERROR",
    }
