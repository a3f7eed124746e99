"""Strong generalisation beside RecBole: the same people held out, answered by their films alone.

python -m benchmarks.peers.strong [MODEL ...]      EASE, MultiVAE and RecVAE by default

The split is that of the recipe `zoo-strong`. Networks have its settings as far as they are told
apart there, and stop when NDCG@100 of the people held out to validate has been no better ten
times; EASE takes the best of some penalties by the same figure. Those held out to test are asked
once, at the end. A JSON line is printed for each model.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.comparison import Arrays, Quality
from benchmarks.peers.environments import ROOT, child, ready

FILE = ROOT / "build" / "bench" / "strong.npz"
RECIPE, PARTS = "zoo-strong", ("valid", "test")
NDCG, RECALLS = 100, (20, 50)
PENALTIES = (250.0, 500.0, 1000.0)
EPOCHS, EVERY, PATIENCE = 120, 2, 10
CODES: dict[str, Any] = {"latent_dimension": 200, "dropout_prob": 0.5, "train_batch_size": 100}
SETTINGS: dict[str, dict[str, Any]] = {
    # Means and variances together; 30 epochs of 41 batches in which the divergence rises.
    "MultiVAE": {**CODES, "latent_dimension": 400, "total_anneal_steps": 1230},
    "RecVAE": {**CODES, "learning_rate": 5e-4},
}

Scores = Callable[[NDArray[np.float32]], NDArray[np.floating]]
"""From rows of films known to scores of all films, `[B, n_items]` both."""


def write(file: Path) -> None:
    """Write the parts of the split; in the environment of this project."""
    from matinee.experiment import cut
    from matinee.recipes import find

    _, split = cut(find(RECIPE).spec("ease", seed=0))
    arrays: dict[str, Any] = {"n_items": split.train.n_items}
    parts = {"train": split.train}
    for name, fold in zip(PARTS, (split.valid, split.test), strict=True):
        assert fold is not None
        parts |= {f"{name}_shown": fold.history, f"{name}_wanted": fold.held_out}
    for name, part in parts.items():
        arrays |= {f"{name}_users": part.users, f"{name}_items": part.items}
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, **arrays)


def people(arrays: Arrays, part: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What is shown and what is wanted of the people of a part, `[B, n_items]` each."""
    ids = np.unique(arrays[f"{part}_wanted_users"])
    made: list[NDArray[np.float32]] = []
    for kind in ("shown", "wanted"):
        rows = np.searchsorted(ids, arrays[f"{part}_{kind}_users"])
        matrix = np.zeros((len(ids), int(arrays["n_items"])), np.float32)
        matrix[rows, arrays[f"{part}_{kind}_items"]] = 1
        made.append(matrix)
    return made[0], made[1]


def judge(arrays: Arrays, part: str, scores: Scores) -> Quality:
    """NDCG@100, and recalls of which the most is 1 however many are wanted (Liang et al. 2018)."""
    shown, wanted = people(arrays, part)
    told = np.where(shown > 0, -np.inf, scores(shown))
    best = np.argsort(-told, axis=1, kind="stable")[:, :NDCG]
    hits, counts = np.take_along_axis(wanted, best, 1), wanted.sum(1).astype(int)
    discounts = 1 / np.log2(np.arange(2, NDCG + 2))
    ideal = np.cumsum(discounts)[np.minimum(counts, NDCG) - 1]
    recalls = {
        f"recall_min@{k}": float((hits[:, :k].sum(1) / np.minimum(counts, k)).mean())
        for k in RECALLS
    }
    return {f"ndcg@{NDCG}": float(((hits * discounts).sum(1) / ideal).mean()), **recalls}


def on_all_films(data: Any, arrays: Arrays, score: Scores) -> Scores:
    """The same on this project's numbers of films; those that nobody rated come last."""
    known = np.unique(arrays["train_items"])
    columns = data.token2id("item_id", known.astype(str))

    def scores(shown: NDArray[np.float32]) -> NDArray[np.floating]:
        theirs = np.zeros((len(shown), data.item_num), np.float32)
        theirs[:, columns] = shown[:, known]
        told = np.full(shown.shape, -np.inf, np.float32)
        told[:, known] = np.asarray(score(theirs))[:, columns]
        return told

    return scores


def linear(arrays: Arrays) -> Iterator[Scores]:
    """EASE with each penalty."""
    from benchmarks.peers.bole import prepared

    ratings = arrays["train_users"], arrays["train_items"]
    for penalty in PENALTIES:
        epoch, _, data = prepared("EASE", *ratings, {"reg_weight": penalty})
        weights = np.asarray(epoch().item_similarity)
        yield on_all_films(data, arrays, lambda shown, weights=weights: shown @ weights)


def networks(name: str, arrays: Arrays) -> Iterator[Scores]:
    """A network every few epochs."""
    import torch

    from benchmarks.peers.bole import prepared

    ratings = arrays["train_users"], arrays["train_items"]
    epoch, _, data = prepared(name, *ratings, SETTINGS[name])
    for number in range(1, EPOCHS + 1):
        network = epoch()
        if number % EVERY:
            continue
        kept = copy.deepcopy(network)  # the next epochs go on with the network itself

        @torch.no_grad()
        def score(shown: NDArray[np.float32], kept: Any = kept) -> NDArray[np.floating]:
            rows = torch.from_numpy(shown)
            told = kept.forward(rows, 0.0) if name == "RecVAE" else kept.forward(rows)
            return told[0].numpy()

        yield on_all_films(data, arrays, score)


def turn(name: str, file: str) -> dict[str, Any]:
    """The best by the people to validate with, and what it is to those to test with."""
    with np.load(file) as stored:
        arrays = dict(stored)
    started, waited, looks = time.perf_counter(), 0, 0
    best: tuple[Quality, Scores] | None = None
    for scores in linear(arrays) if name == "EASE" else networks(name, arrays):
        found, looks = judge(arrays, "valid", scores), looks + 1
        better = best is None or found[f"ndcg@{NDCG}"] > best[0][f"ndcg@{NDCG}"]
        best, waited = ((found, scores), 0) if better else (best, waited + 1)
        if waited == PATIENCE:
            break
    assert best is not None
    told = {"model": name, "looks": looks, "best": looks - waited}
    seconds = time.perf_counter() - started
    return {**told, "seconds": seconds, "valid": best[0], "test": judge(arrays, "test", best[1])}


def main(names: list[str]) -> None:
    """Every model in the environment of RecBole."""
    known = ["EASE", *SETTINGS]
    if wrong := set(names) - set(known):
        raise SystemExit(f"no {', '.join(wrong)}; there are {', '.join(known)}")
    if not ready("recbole"):
        raise SystemExit("RecBole is not set up: python -m benchmarks.peers setup recbole")
    write(FILE)
    for name in names or known:
        print(child("recbole", "benchmarks.peers.strong", "--turn", name, str(FILE)), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--turn"]:
        print(json.dumps(turn(*sys.argv[2:])))
    else:
        main(sys.argv[1:])
