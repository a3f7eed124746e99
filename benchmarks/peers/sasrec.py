"""SASRec, an epoch or more: width 64, two blocks, softmax over all films at all positions.

Everyone's last film is held out. After training it is looked for among the ten best of all films
that are not in the history before it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.comparison import Arrays, Comparison, Quality, Task, Work, offsets
from benchmarks.peers.ease import films

DIM, BLOCKS, HEADS, DROPOUT, BATCH, RATE, K = 64, 2, 2, 0.2, 128, 1e-3, 10


def ours(
    arrays: Arrays, length: int, epochs: int, precision: Literal["float32", "bfloat16"] = "float32"
) -> Task:
    from matinee.engine import TrainerConfig, fit
    from matinee.models import Sizes, build
    from matinee.models.sasrec import SASRec
    from matinee.recommendation.topk import recommend_many

    data, given = interactions(arrays), settings(length)
    loop = TrainerConfig(
        epochs=epochs, batch_size=BATCH, learning_rate=RATE, threads=2, precision=precision
    )

    def run() -> SASRec:
        model = build("sasrec", given, Sizes.of(data))
        assert isinstance(model, SASRec)
        fit(model, data, loop)
        return model.eval()

    def judged(model: SASRec) -> Quality:
        return judge(arrays, recommend_many(model, data.queries(), K)[0].numpy())

    return Task(run, judged)


def interactions(arrays: Arrays) -> Any:
    """The histories as we read them."""
    from matinee.data.interactions import Interactions

    users, items, _ = held_out(arrays)
    return Interactions.build(users, items, catalogue=films(int(arrays["n_items"])))


def settings(length: int) -> dict[str, Any]:
    """The model in our words; the dense layers of a block are as wide as the vectors."""
    wide = {"length": length, "dim": DIM, "blocks": BLOCKS, "heads": HEADS, "widening": 1}
    return {**wide, "dropout": DROPOUT}


def rectools(
    arrays: Arrays, length: int, epochs: int, share: float, precision: str = "32-true"
) -> Task:
    """Its own network and loop; the table of sequences is made beforehand."""
    import pandas as pd
    from pytorch_lightning import Trainer, seed_everything
    from rectools import Columns
    from rectools.dataset import Dataset
    from rectools.models import SASRecModel

    users, items, _ = held_out(arrays)
    times = pd.to_datetime(np.arange(len(users)), unit="s")
    columns = {Columns.User: users, Columns.Item: items, Columns.Weight: 1.0}
    data = Dataset.construct(pd.DataFrame({**columns, Columns.Datetime: times}))

    def trainer() -> Any:
        quiet = dict.fromkeys(
            ("enable_progress_bar", "enable_model_summary", "logger", "enable_checkpointing"), False
        )
        return Trainer(
            max_epochs=epochs,
            limit_train_batches=share,
            accelerator="cpu",
            precision=precision,
            **quiet,
        )

    seed_everything(0)
    model = SASRecModel(
        n_blocks=BLOCKS,
        n_heads=HEADS,
        n_factors=DIM,
        dropout_rate=DROPOUT,
        session_max_len=length,
        loss="softmax",
        lr=RATE,
        batch_size=BATCH,
        epochs=epochs,
        get_trainer_func=trainer,
    )
    model._build_model_from_dataset(data)
    batches = model.data_preparator.get_dataloader_train()

    def run() -> Any:
        model.fit_trainer = trainer()
        model.fit_trainer.fit(model.lightning_model, batches)
        model.is_fitted = True
        return model

    def judged(model: Any) -> Quality:
        lists = model.recommend(np.unique(users), data, k=K, filter_viewed=True)
        lists = lists.sort_values([Columns.User, Columns.Rank])
        return judge(arrays, lists[Columns.Item].to_numpy().reshape(-1, K))

    return Task(run, judged, share)


def recbole(arrays: Arrays, length: int, batches: int) -> Task:
    """A row for each prefix; only some batches of an epoch, so that nothing can be judged."""
    from benchmarks.peers.bole import prepared

    users, items, _ = held_out(arrays)
    settings = {
        "MAX_ITEM_LIST_LENGTH": length,
        "hidden_size": DIM,
        "inner_size": DIM,
        "n_layers": BLOCKS,
        "n_heads": HEADS,
        "hidden_dropout_prob": DROPOUT,
        "attn_dropout_prob": DROPOUT,
        "loss_type": "CE",
        "train_neg_sample_args": None,
        "train_batch_size": BATCH,
    }
    epoch, share, _ = prepared("SASRec", users, items, settings, most=batches)
    nothing: Quality = dict.fromkeys(("hit_rate@10", "ndcg@10"), float("nan"))
    return Task(epoch, lambda _: nothing, share)


def held_out(
    arrays: Arrays,
) -> tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.integer]]:
    """People and films of the histories, oldest first, and everyone's last film `[n_users]`."""
    users, items = arrays["train_users"], arrays["train_items"]
    last = offsets(users, int(arrays["n_users"]))[1:] - 1
    return np.delete(users, last), np.delete(items, last), items[last]


def judge(arrays: Arrays, lists: NDArray[np.integer]) -> Quality:
    """How good everyone's `[n_users, 10]` films are."""
    hits = lists == held_out(arrays)[2][:, None]
    gains = hits / np.log2(np.arange(2, K + 2))
    return {"hit_rate@10": float(hits.any(1).mean()), "ndcg@10": float(gains.sum(1).mean())}


def work(arrays: Arrays, length: int, epochs: int) -> Work:
    """Of each product two operations a number forwards and four back, at real positions alone."""
    lengths = np.minimum(np.bincount(held_out(arrays)[0]), length).astype(np.float64)
    attention = BLOCKS * 2 * DIM * np.square(lengths).sum() / 2
    dense = BLOCKS * 6 * DIM**2 + DIM * int(arrays["n_items"])
    operations = 6 * (lengths.sum() * dense + attention)
    return Work(epochs * operations, bytes=epochs * 8 * DIM * 4 * lengths.sum())


def comparison(
    length: int, *, epochs: int = 1, rectools_share: float = 1.0, batches: int | None = None
) -> Comparison:
    """The comparison for sequences of a length.

    Args:
        length: Films of a person at most.
        epochs: How long is trained.
        rectools_share: How much of its epochs RecTools does.
        batches: How many of its batches RecBole does; it is left out by default.
    """
    mine = partial(ours, length=length, epochs=epochs)
    theirs = partial(rectools, length=length, epochs=epochs, share=rectools_share)
    sides: dict[str, Callable[[Arrays], Task]] = {
        "matinee": mine,
        "matinee bfloat16": partial(mine, precision="bfloat16"),
        "rectools": theirs,
        "rectools bfloat16": partial(theirs, precision="bf16-mixed"),
    }
    note = (
        "With 'bfloat16' numbers are rounded to it before they are multiplied. "
        f"RecTools does {rectools_share:.0%} of its training; its seconds are told for all of it."
    )
    if batches:
        sides["recbole"] = partial(recbole, length=length, batches=batches)
        note += f""" So are RecBole's, of which {batches} batches are timed: it has a row for each \
prefix, with one film to foretell."""
    return Comparison(
        title=f"{'An epoch' if epochs == 1 else f'{epochs} epochs'} of SASRec (width {DIM}, two "
        f"blocks, length {length}, batches of {BATCH})",
        bar=4,
        over={"recbole": 200} if batches else {},
        sides=sides,
        work=partial(work, length=length, epochs=epochs),
        counted="six operations for each weight met at a real position, three products of the "
        "softmax among them; states and their gradients moved",
        tolerance=None,
        note=note,
    )


COMPARISON = comparison(50, batches=50)
