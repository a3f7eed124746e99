"""What a recommender is: an `nn.Module` that turns histories into scores.

A model's learned knowledge is exactly its `state_dict()`: weights for a network, buffers
for what is solved in one go. Saving, loading, devices and checkpoints follow from that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar, Generic, Protocol, Self, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from typing_extensions import TypeVar

from matinee.config import Config
from matinee.data.features import Fields
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.training import TrainerConfig

MATRIX = 32
"""Bytes for each rating that a sparse matrix of them and its transpose take."""

C = TypeVar("C", bound=Config, default=Any)


@dataclass(frozen=True, slots=True)
class Sizes:
    """All a model may know of the data before it learns: how large its tables are.

    Attributes:
        users: Number of people.
        items: Number of films.
        ratings: Number of training ratings.
        levels: Number of ratings there are to choose from; 1 without ratings.
        item_fields: Number of values of each field of the films (genres, year, ...).
        user_fields: The same of the people (age, occupation, ...).
    """

    users: int
    items: int
    ratings: int
    levels: int = 1
    item_fields: Mapping[str, int] = field(default_factory=dict[str, int])
    user_fields: Mapping[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def of(cls, data: Interactions) -> Sizes:
        """The sizes of a data set."""
        return cls(
            users=data.n_users,
            items=data.n_items,
            ratings=len(data),
            levels=len(data.scale.levels),
            item_fields=_widths(data.item_fields),
            user_fields=_widths(data.user_fields),
        )


def _widths(fields: Fields) -> dict[str, int]:
    return {name: matrix.shape[1] for name, matrix in fields.items()}


class Recommender(nn.Module, ABC, Generic[C]):
    """A model: history in, scores out.

    A subclass names its settings type in `Config` and creates all its parameters and
    buffers, at their final shapes, from `config` and `sizes` alone.

    Args:
        config: The model's settings.
        sizes: Table sizes.
    """

    name: ClassVar[str]
    Config: ClassVar[type[Config]]
    config: C

    def __init__(self, config: C, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        self.sizes = sizes

    @property
    def device(self) -> torch.device:
        """Where the model's tensors live."""
        tensors: Iterator[Tensor] = chain(self.parameters(), self.buffers())
        return next(tensors, torch.empty(0)).device

    @abstractmethod
    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """How much each person should like each film; higher is better.

        Scores of one person are comparable with each other, not across people. Films of
        the history are scored like all others; leaving them out is the caller's choice.

        Args:
            queries: B people.
            items: `[K]` candidates for everyone, or `[B, K]` candidates for each; all
                films by default.

        Returns:
            `[B, n_items]` or `[B, K]`, float, on the model's device, without gradient.
        """

    def stars(self, scores: Tensor) -> Tensor | None:
        """Expected stars where they follow from scores, which spares asking a second time.

        Args:
            scores: Of any shape, as `score` gave them.

        Returns:
            What `predict` gives for the same films; None, as by default, if scores are
            something else.
        """
        del scores
        return None

    def item_vectors(self) -> Tensor | None:
        """Vectors `[n_items, d]` whose cosine tells how alike two films are, if there are any."""
        return None

    def alike(self, item: int) -> Tensor | None:
        """How like a film each film is, `[n_items]`, higher is more; None if it cannot be told.

        By default the cosine of the film vectors.
        """
        vectors = self.item_vectors()
        if vectors is None or not bool(vectors[item].any()):
            return None
        lengths = vectors.norm(dim=1)
        products = (lengths * lengths[item]).clamp_min(torch.finfo(vectors.dtype).tiny)
        return (vectors @ vectors[item]) / products


class Solved(Recommender[C]):
    """A model that is computed from the data in one go, once its parts are fitted."""

    def parts(self) -> Mapping[Recommender, TrainerConfig | None]:
        """Models to fit first, each on its own, with the settings of its loop.

        None is what suits the part. By default there are no parts.
        """
        return {}

    def rehearsal(
        self, data: Interactions
    ) -> tuple[Mapping[Recommender, TrainerConfig | None], Interactions]:
        """Other models to fit even before the parts, as `parts`, and the data to fit them to.

        For what is learned from how the like of its parts do on data they have not seen; `solve`
        finds them fitted. By default there are none.
        """
        return {}, data

    @abstractmethod
    def solve(self, data: Interactions) -> None:
        """Fill the buffers from training data."""

    def solving_bytes(self) -> int:
        """Bytes that `solve` holds at its peak beside state and data, as an estimate.

        By default those of the ratings as a sparse matrix, and of another in passing.
        """
        return MATRIX * self.sizes.ratings


class Batches(Protocol):
    """A view of the training data as a sequence of batches for each epoch.

    Batch `step` of epoch `epoch` is a function of (seed, epoch, step) alone.
    """

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        ...

    def batch(self, epoch: int, step: int) -> dict[str, Tensor]:
        """One batch: named tensors."""
        ...


Moments = Mapping[str, tuple[NDArray[np.float32], ...]]
"""Each weight by its name, with what the rule of its updates remembers: for Adam the running means
of its gradient and of the gradient's square, for plain SGD nothing."""


class CompiledLoop(Protocol):
    """Steps on the loss of a model, one after the other, without a call for each.

    It does what `forward`, its gradient and the optimisers do, but for rounding.

    Attributes:
        span: Examples of a call at most, unless a single step has more; they should take no
            longer than people wait for an answer to Ctrl-C.
    """

    span: ClassVar[int]

    def batch(self, epoch: int, step: int, steps: int) -> dict[str, Tensor]:
        """The examples of so many steps, one below the other."""
        ...

    def take(
        self,
        batch: dict[str, Tensor],
        rates: NDArray[np.float64],
        moments: Moments,
        done: int,
        threads: int,
    ) -> NDArray[np.float64]:
        """Take the steps of a batch, changing weights and moments in place.

        Args:
            batch: As `batch` gave it.
            rates: `[steps]`, the learning rate of each step.
            moments: The model's weights by name.
            done: Steps taken before.
            threads: How many may share a step.

        Returns:
            The sum of the losses of each step's examples, `[steps]`.
        """
        ...


class Learned(Recommender[C]):
    """A model that is trained by gradient descent, by the one training loop of the engine.

    `defaults` are the training settings that suit the model, as `TrainerConfig` fields;
    `monitor` is the validation metric that decides which epoch is best; `summed` is whether a
    step follows the sum of the losses of its examples, so that the learning rate is that of one
    example whatever the batch, and not their mean.
    """

    defaults: ClassVar[dict[str, Any]] = {}
    monitor: ClassVar[str] = "ndcg@10"
    summed: ClassVar[bool] = False

    @property
    def passes(self) -> int:
        """How many times a row of a batch goes through the dense layers: once, unless said."""
        return 1

    def prepare(self, data: Interactions) -> None:
        """Set what is known before the first step, such as the mean rating."""

    def pretraining(self) -> dict[str, Recommender]:
        """Smaller models to fit first, by name; their knowledge is then adopted."""
        return {}

    def adopt(self, trained: dict[str, Recommender], data: Interactions) -> Self:
        """Start from the models of `pretraining`, now fitted to `data`; by default none."""
        del trained, data
        return self

    @abstractmethod
    def batches(self, data: Interactions, *, batch_size: int, seed: int) -> Batches:
        """The view of the data that `forward` eats."""

    def held_out_batches(
        self, held_out: Interactions, train: Interactions, *, batch_size: int, seed: int
    ) -> Batches | None:
        """The like view of ratings held out of `train`, to tell the loss on them.

        None, as it is by default, where `forward` does not take ratings one by one.
        """
        del held_out, train, batch_size, seed
        return None

    @abstractmethod
    def training_bytes(self, loop: TrainerConfig) -> int:
        """Bytes that a step holds at its peak, as an estimate.

        Counted are activations, their gradients, and what the view of the data keeps beyond an
        order of the ratings; not the weights, the gradients of dense ones, or the optimiser.

        Args:
            loop: How it is trained; mostly its batch size matters.
        """

    @abstractmethod
    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """The loss of a batch: a scalar, a mean over its examples."""

    def compiled_loop(self, batches: Batches, config: TrainerConfig) -> CompiledLoop | None:
        """A loop that trains on `batches` in place of `forward`, on the CPU.

        None, as it is by default, if there is none, or none for the settings.

        Args:
            batches: What `batches` gave.
            config: Of which the rule of updates, momentum and decay concern the loop.
        """
        del batches, config
        return None


@runtime_checkable
class RatingPredictor(Protocol):
    """A model that predicts stars."""

    def predict(self, queries: Queries, items: Tensor) -> Tensor:
        """Expected ratings on the scale of the data.

        Args:
            queries: B people.
            items: `[K]` or `[B, K]`.

        Returns:
            `[B, K]`.
        """
        ...


@runtime_checkable
class DotProduct(Protocol):
    """A model whose scores are inner products of people's vectors with films', and an offset.

    Whoever wants but the best films need not have a table of all scores then.
    """

    def person_factors(self, queries: Queries) -> tuple[Tensor, Tensor]:
        """Vectors `[B, d]` of those who ask, and what each adds to all films alike `[B, 1]`."""
        ...

    def film_factors(self) -> Tensor:
        """Vectors `[n_items, d]` of all films."""
        ...


def pick(scores: Tensor, items: Tensor | None) -> Tensor:
    """The columns of `scores` `[B, n_items]` that `items` names; see `Recommender.score`."""
    if items is None:
        return scores
    if items.ndim == 1:
        return scores[:, items]
    return scores.gather(1, items)
