"""What a recipe writes beside its runs: parts of the split as CSV, all scores as Parquet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import torch

from matinee.data.interactions import Interactions
from matinee.data.vocabulary import LongArray
from matinee.models.asking import asking, block_rows, check_numbers
from matinee.models.base import Recommender
from matinee.splits import Fold, Split, last_of_each, save_split, with_candidates

TRADEOFF = "tradeoff.png"

FILES = ("scores.parquet", "confusion.csv", "like-confusion.csv", "loss.png", TRADEOFF)
"""The files that may be written."""

FOLDERS = ("split", "leave-one-out")
"""The folders that may be."""

SECOND_TEST = ("hit_rate@10", "ndcg@10")
"""What is measured of the leave-one-out test."""


def leave_one_out(split: Split, candidates: int, *, seed: int) -> Fold:
    """Each person's last held-out film, to be ranked among unseen ones drawn at random."""
    return with_candidates(last_of_each(split.test), candidates, seed=seed)


def save_parts(split: Split, folder: Path, candidates: int | None, *, seed: int) -> None:
    """Write the split as CSV, and the leave-one-out test if there is one."""
    save_split(split, folder / FOLDERS[0], format="csv")
    if candidates is not None:
        fold = leave_one_out(split, candidates, seed=seed)
        arguments = split.arguments | {"candidates": candidates, "seed": seed}
        second = replace(split, test=fold, valid=None, arguments=arguments)
        save_split(second, folder / FOLDERS[1], format="csv")


def save_scores(model: Recommender, train: Interactions, path: Path) -> None:
    """Score every pair of person and film that was not trained on, as Parquet.

    One row a pair, people in order and each person's films best first: `userID` and
    `itemID` are outside ids, `prediction` the model's score.
    """
    frames: list[pl.DataFrame] = []
    block = block_rows(train.n_items)
    with asking(model):
        for users in np.array_split(train.active_users, -(-train.n_users // block)):
            queries = train.queries(users)
            scores = model.score(queries.to(model.device)).cpu()
            check_numbers(scores, model, "scores")
            scores[queries.rows, queries.items] = torch.nan
            frames.append(_best_first(scores, users))
    ids = {"userID": list(train.user_ids), "itemID": list(train.catalogue.ids)}
    pl.concat(frames).with_columns(
        pl.Series(name, texts).gather(pl.concat([f[name] for f in frames]))
        for name, texts in ids.items()
    ).write_parquet(path)


def _best_first(scores: torch.Tensor, users: LongArray) -> pl.DataFrame:
    values, items = scores.nan_to_num(-torch.inf).sort(dim=1, descending=True, stable=True)
    rows = np.repeat(users, scores.shape[1])
    frame = pl.DataFrame(
        {"userID": rows, "itemID": items.flatten().numpy(), "prediction": values.flatten().numpy()}
    )
    return frame.filter(pl.col("prediction").is_finite())
