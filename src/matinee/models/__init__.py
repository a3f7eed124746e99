"""The models, one file a family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from matinee.errors import unknown
from matinee.models.autoencoders import MultDAE, MultVAE
from matinee.models.base import (
    DotProduct,
    Learned,
    RatingPredictor,
    Recommender,
    Sizes,
    Solved,
)
from matinee.models.baselines import Popularity
from matinee.models.bayesian import BayesianMF
from matinee.models.bert4rec import BERT4Rec
from matinee.models.content import GenreMean, TfIdf
from matinee.models.deepcontent import DeepContent
from matinee.models.factorisation import BiasedMF
from matinee.models.graph import LightGCN
from matinee.models.gru4rec import GRU4Rec
from matinee.models.hstu import HSTU
from matinee.models.hybrid import Augmented, Switching, Weighted
from matinee.models.ials import IALS
from matinee.models.linear import EASE, EDLAE
from matinee.models.ncf import GMF, MLP, NeuMF
from matinee.models.neighbours import ItemNeighbours, UserNeighbours
from matinee.models.rating import RatingDNN
from matinee.models.recvae import RecVAE
from matinee.models.sasrec import SASRec
from matinee.models.sessions import SessionNeighbours
from matinee.models.stacking import Stacked
from matinee.models.transitions import SLIT
from matinee.models.twotower import TwoTowers

MODELS: dict[str, type[Recommender]] = {
    "popularity": Popularity,
    "itemknn": ItemNeighbours,
    "userknn": UserNeighbours,
    "mf": BiasedMF,
    "sasrec": SASRec,
    "gru4rec": GRU4Rec,
    "bert4rec": BERT4Rec,
    "hstu": HSTU,
    "bmf": BayesianMF,
    "ratingdnn": RatingDNN,
    "ials": IALS,
    "ease": EASE,
    "edlae": EDLAE,
    "slit": SLIT,
    "sessionknn": SessionNeighbours,
    "multdae": MultDAE,
    "multvae": MultVAE,
    "recvae": RecVAE,
    "lightgcn": LightGCN,
    "twotowers": TwoTowers,
    "gmf": GMF,
    "mlp": MLP,
    "neumf": NeuMF,
    "genre-mean": GenreMean,
    "tfidf": TfIdf,
    "deepcontent": DeepContent,
    "weighted": Weighted,
    "switching": Switching,
    "stacked": Stacked,
    "augmented": Augmented,
}
"""Every model by its name."""


def find(name: str) -> type[Recommender]:
    """The model of a name.

    Raises:
        UnknownName: With the nearest name, if there is none.
    """
    if name not in MODELS:
        raise unknown("model", name, MODELS, where="--model")
    return MODELS[name]


def build(name: str, config: Mapping[str, Any], sizes: Sizes, *, seed: int = 0) -> Recommender:
    """A model with fresh weights.

    Args:
        name: One of `MODELS`.
        config: The model's settings; those left out take their defaults.
        sizes: Table sizes.
        seed: Of the initial weights; the global random state stays as it is.

    Raises:
        UnknownName: If there is no such model.
        ConfigError: On a setting that does not exist or cannot be.
    """
    kind = find(name)
    settings = kind.Config.parse(config, where=f"model {name}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(settings, sizes)


__all__ = [
    "MODELS",
    "DotProduct",
    "Learned",
    "RatingPredictor",
    "Recommender",
    "Sizes",
    "Solved",
    "build",
    "find",
]
