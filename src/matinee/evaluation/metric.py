"""What a metric is, and what computing one gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from matinee.errors import EvaluationError

Vector = NDArray[np.float64]
Compute = TypeVar("Compute")


class Undefined(EvaluationError):
    """A figure that these data or this model cannot have, such as diversity without genres."""


@dataclass(frozen=True, slots=True)
class Metric(Generic[Compute]):
    """A metric's function and what its figure says.

    Attributes:
        compute: The function; each family of metrics has its own arguments.
        definition: The formula in words, in one line.
        limit: The largest value possible; the smallest is always 0.
        at_k: Whether it looks at the first k films of a list.
    """

    compute: Compute
    definition: str
    limit: float = 1.0
    at_k: bool = True


@dataclass(frozen=True, slots=True)
class Figure:
    """A value over all users, and how far each user moves it.

    Attributes:
        value: The figure.
        influence: `[U]` the empirical influence of each user: for a mean the user's own
            value; in general such that the figure's standard error is
            `sd(influence) / sqrt(U)` (the delta method, Hampel 1974).
        per_user: `[users]` the figure of each user alone, NaN where a user has none, or
            None where it has meaning only for all together.
    """

    value: float
    influence: Vector
    per_user: Vector | None = None

    @classmethod
    def mean(cls, per_user: Vector) -> Self:
        """The mean over the users who have a value.

        Raises:
            Undefined: If nobody has one.
        """
        known = per_user[~np.isnan(per_user)]
        if not len(known):
            raise Undefined("no user has a value")
        return cls(float(known.mean()), known, per_user)

    @classmethod
    def ratio(cls, parts: Vector, weights: Vector) -> Self:
        """The sum of `parts` `[U]` over the sum of `weights` `[U]`, both not independent.

        Linearised as in Cochran (1977), Sampling Techniques, chapter 6: users come in
        whole, so that ratings of one user are not taken for independent.
        """
        value = parts.sum() / weights.sum()
        per_user = np.full(len(parts), np.nan)
        np.divide(parts, weights, out=per_user, where=weights > 0)
        return cls(float(value), (parts - value * weights) / weights.mean(), per_user)
