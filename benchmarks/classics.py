"""Likes by scikit-learn's standard models, on the split of reference system 5.

python -m benchmarks.classics [DATA] [RUN ...]

Logistic regression has person, film, genres and year one-hot. The trees have the person's and the
film's share of likes, their numbers of ratings, the genres and the year; the shares come from the
training part alone, and for its own rows from the four fifths that a row is not in. Each model has
a few settings to choose from, by accuracy on a tenth that is cut from the training part, and is
then fitted to all of it. RUNs are folders of trained networks, judged on the same test part.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, precision_score, recall_score, roc_auc_score

from matinee.artefact import Artefact
from matinee.data import load
from matinee.data.interactions import Interactions
from matinee.evaluation.rating import predict_pairs
from matinee.splits import Split, random_split

LIKE_AT, SEED, FOLDS, PRIOR = 3.5, 0, 5, 10.0
"""The smallest like, the seed of everything, folds of the shares, and ratings' worth of prior."""

Array = NDArray[np.float64]
Features = Callable[[Interactions, Interactions], Any]


@dataclass(frozen=True)
class Classic:
    """A standard model: its features, how it is made, and what there is to choose from."""

    features: Features
    make: Callable[..., Any]
    choices: tuple[dict[str, Any], ...]


def one_hot(train: Interactions, asked: Interactions) -> csr_array:
    """Person, film, genres and year, sparse `[n, values]`."""
    del train
    rows = np.arange(len(asked))
    numbers = ((asked.users, asked.n_users), (asked.items, asked.n_items))
    ones = [csr_array((np.ones(len(rows)), (rows, of)), (len(rows), n)) for of, n in numbers]
    fields = [csr_array(asked.item_fields[f])[asked.items] for f in ("genres", "year")]
    return csr_array(hstack([*ones, *fields], format="csr"))


def summaries(train: Interactions, asked: Interactions) -> Array:
    """Shares of likes, counts, genres and year, `[n, columns]`."""
    folds = np.random.default_rng(SEED).integers(FOLDS, size=len(train))
    if asked is not train:
        known = shares(train, np.ones(len(train), bool), asked)
    else:
        known = np.zeros((len(train), 4))
        for fold in range(FOLDS):
            own = folds == fold
            known[own] = shares(train, ~own, train)[own]
    genres = asked.item_fields["genres"][asked.items] > 0
    years = asked.catalogue.frame["year"].to_numpy().astype(np.float64)[asked.items]
    return np.column_stack([known, genres, np.nan_to_num(years, nan=np.nanmedian(years))])


def shares(train: Interactions, rows: NDArray[np.bool_], asked: Interactions) -> Array:
    """Share of likes and number of ratings of the asked persons and films: `[n, 4]`."""
    liked, columns = train.ratings >= LIKE_AT, []
    for own, of, n in (
        (train.users, asked.users, train.n_users),
        (train.items, asked.items, train.n_items),
    ):
        count = np.bincount(own[rows], minlength=n)
        likes = np.bincount(own[rows & liked], minlength=n)
        columns += [((likes + PRIOR * liked.mean()) / (count + PRIOR))[of], count[of]]
    return np.column_stack(columns)


CLASSICS: Mapping[str, Classic] = {
    "logistic regression": Classic(
        one_hot,
        lambda **chosen: LogisticRegression(max_iter=200, **chosen),
        tuple({"C": c} for c in (0.3, 1.0, 3.0, 10.0)),
    ),
    "random forest": Classic(
        summaries,
        lambda **chosen: RandomForestClassifier(
            n_estimators=100, max_samples=0.3, random_state=SEED, **chosen
        ),
        tuple({"max_depth": depth, "min_samples_leaf": 10} for depth in (10, 16)),
    ),
    "gradient boosting": Classic(
        summaries,
        lambda **chosen: HistGradientBoostingClassifier(random_state=SEED, **chosen),
        tuple({"max_iter": n, "learning_rate": 0.1} for n in (100, 300)),
    ),
}
"""The models by their names; depths and numbers of trees are capped so that all take minutes."""


def judged(truth: NDArray[np.bool_], chance: Array) -> dict[str, float]:
    """Figures of predicted probabilities."""
    told = chance >= 0.5
    return {
        "accuracy": float((told == truth).mean()),
        "auc": float(roc_auc_score(truth, chance)),
        "log_loss": float(log_loss(truth, np.clip(chance, 1e-7, 1 - 1e-7))),
        "precision": float(precision_score(truth, told)),
        "recall": float(recall_score(truth, told)),
    }


def chances(classic: Classic, chosen: dict[str, Any], train: Interactions, asked: Any) -> Array:
    """Fit to the training part, and the probability of each asked rating to be a like."""
    model = classic.make(**chosen)
    model.fit(classic.features(train, train), train.ratings >= LIKE_AT)
    return model.predict_proba(classic.features(train, asked))[:, 1]


def run(classic: Classic, inner: Split, outer: Split) -> dict[str, Any]:
    """Choose on the validation part, fit anew, judge on the test part."""
    started = time.perf_counter()
    assert inner.valid is not None
    valid, test = inner.valid.held_out, outer.test.held_out
    liked = valid.ratings >= LIKE_AT
    found = [
        float(((chances(classic, chosen, inner.train, valid) >= 0.5) == liked).mean())
        for chosen in classic.choices
    ]
    chosen = classic.choices[int(np.argmax(found))]
    figures = judged(test.ratings >= LIKE_AT, chances(classic, chosen, outer.train, test))
    return {**figures, "chosen": chosen, "seconds": time.perf_counter() - started}


def network(folder: str, split: Split) -> dict[str, Any]:
    """A trained network on the same test part."""
    artefact = Artefact.load(folder)
    if artefact.facts.split.digest != split.digest:
        raise SystemExit(f"{folder} was trained on another split")
    pairs = predict_pairs(artefact.model, split.test, train=split.train, like_at=LIKE_AT)
    assert pairs.probability is not None
    return {**judged(pairs.liked, pairs.probability), "seconds": artefact.facts.seconds}


def main(data: str, runs: list[str]) -> None:
    """Print a JSON line a model."""
    ratings = load(data)
    inner = random_split(ratings, test=0.1, valid=0.1, seed=SEED)
    outer = random_split(ratings, test=0.1, seed=SEED)
    for folder in runs:
        print(json.dumps({"model": folder, **network(folder, outer)}), flush=True)
    for name, classic in CLASSICS.items():
        print(json.dumps({"model": name, **run(classic, inner, outer)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "ml-latest-5000", sys.argv[2:])
