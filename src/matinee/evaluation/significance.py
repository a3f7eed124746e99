"""How far a figure can be trusted, and whether two runs differ.

The user is the unit of chance everywhere: users are drawn independently, their ratings and
lists are not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from scipy import special, stats

from matinee.errors import EvaluationError
from matinee.evaluation.metric import Figure, Vector

LEVEL = 0.95
"""The level of all intervals."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval over users.

    Attributes:
        value: The figure.
        low: Lower end of the interval; NaN with fewer than two users.
        high: Upper end; NaN with fewer than two users.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, figure: Figure, *, lowest: float = 0.0, highest: float = math.inf) -> Self:
        """A t interval from the influence of each user, cut off at what is possible.

        value -/+ t(0.975, U - 1) * sd(influence) / sqrt(U).
        """
        n = len(figure.influence)
        if n < 2:
            return cls(figure.value, math.nan, math.nan)
        error = figure.influence.std(ddof=1) / math.sqrt(n)
        margin = float(special.stdtrit(n - 1, (1 + LEVEL) / 2) * error)
        return cls(
            figure.value, max(lowest, figure.value - margin), min(highest, figure.value + margin)
        )

    def as_dict(self) -> dict[str, float | None]:
        """The outward JSON form; NaN becomes None."""
        fields = {"value": self.value, "low": self.low, "high": self.high}
        return {name: None if math.isnan(x) else x for name, x in fields.items()}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a paired test says of two runs on the same users.

    Attributes:
        difference: Mean of a - b over users, with its interval.
        p: Two-sided p-value of the paired t test: the one to report.
        p_randomised: That of the sign-flip randomisation test, as a check on the former.
        users: Number of users who have a value in both.
    """

    difference: Estimate
    p: float
    p_randomised: float
    users: int


def compare(
    per_user_a: ArrayLike, per_user_b: ArrayLike, *, rounds: int = 9999, seed: int = 0
) -> Comparison:
    """Test whether two runs differ, user by user.

    The t test is the one reported: it agrees with the interval shown beside it, has no
    smallest p-value that a correction for many comparisons would run into, and was the
    best behaved in the largest study of tests for rankings (Urbano, Lima & Hanjalic 2019).
    The randomisation test (Fisher 1935; Smucker, Allan & Carterette 2007) assumes nothing
    of the distribution; where the two disagree there are too few users to say.

    Args:
        per_user_a: `[U]` one figure a user; NaN where there is none.
        per_user_b: `[U]` the same users in the same order.
        rounds: Number of random sign patterns.
        seed: Of the patterns.

    Raises:
        EvaluationError: If the lengths differ or fewer than two users have both values.
    """
    a, b = np.asarray(per_user_a, np.float64), np.asarray(per_user_b, np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise EvaluationError(f"figures of {a.shape} and of {b.shape} users cannot be paired")
    differences = (a - b)[~np.isnan(a - b)]
    if len(differences) < 2:
        raise EvaluationError("fewer than two users have a figure in both runs")
    estimate = Estimate.of(Figure.mean(differences), lowest=-math.inf)
    return Comparison(
        estimate, _t_test(differences), _sign_flips(differences, rounds, seed), len(differences)
    )


def holm(p_values: ArrayLike) -> Vector:
    """p-values corrected for being many, in the order given (Holm 1979).

    Rejecting where the corrected value is below 0.05 makes any false rejection at all a
    1-in-20 matter, whatever the dependence between the tests.
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    steps = np.arange(len(p), 0, -1) * p[order]
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return corrected


def compare_runs(
    runs: Mapping[str, pl.DataFrame], *, rounds: int = 9999, seed: int = 0
) -> pl.DataFrame:
    """Test every pair of runs in every metric they share, with Holm's correction over all.

    Args:
        runs: By name, the per-user frames of reports on one split.
        rounds: Of the randomisation test.
        seed: Of the randomisation test.

    Returns:
        One row a pair and metric: `metric, a, b, difference, low, high, p, p_holm,
        p_randomised, users`. A metric without two users who have it in both is left out.

    Raises:
        EvaluationError: If the runs were not evaluated on the same users.
    """
    rows: list[dict[str, object]] = []
    for (a, frame_a), (b, frame_b) in combinations(runs.items(), 2):
        paired = _pair(a, frame_a, b, frame_b)
        shared = [m for m in frame_a.columns if m != "user" and m in frame_b.columns]
        for metric in shared:
            columns = [paired[metric].to_numpy(), paired[f"{metric}_b"].to_numpy()]
            if np.count_nonzero(~np.isnan(columns[0] - columns[1])) < 2:
                continue
            found = compare(*columns, rounds=rounds, seed=seed)
            rows.append(_row(metric, a, b, found))
    frame = pl.DataFrame(rows, schema=_COMPARED)
    return frame.with_columns(p_holm=pl.Series(holm(frame["p"].to_numpy()), dtype=pl.Float64))


_COMPARED = {
    "metric": pl.String(),
    "a": pl.String(),
    "b": pl.String(),
    "difference": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "p": pl.Float64(),
    "p_holm": pl.Float64(),
    "p_randomised": pl.Float64(),
    "users": pl.Int64(),
}


def _row(metric: str, a: str, b: str, found: Comparison) -> dict[str, object]:
    return {
        "metric": metric,
        "a": a,
        "b": b,
        "difference": found.difference.value,
        "low": found.difference.low,
        "high": found.difference.high,
        "p": found.p,
        "p_holm": None,
        "p_randomised": found.p_randomised,
        "users": found.users,
    }


def _pair(a: str, frame_a: pl.DataFrame, b: str, frame_b: pl.DataFrame) -> pl.DataFrame:
    paired = frame_a.join(frame_b, on="user", how="inner", suffix="_b")
    if not paired.height == frame_a.height == frame_b.height:
        raise EvaluationError(
            f"the runs were evaluated on different users: {frame_a.height:,}, "
            f"{frame_b.height:,}, {paired.height:,} in both",
            where=f"{a}, {b}",
            expected="runs on one split",
        )
    return paired.with_columns(pl.selectors.numeric().cast(pl.Float64).fill_null(math.nan))


def _t_test(differences: Vector) -> float:
    n = len(differences)
    error = float(differences.std(ddof=1)) / math.sqrt(n)
    mean = float(differences.mean())
    # Without spread any difference is certain, and none is none.
    if error <= 1e-15 * abs(mean) or error == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stats.t.sf(abs(mean) / error, n - 1))


def _sign_flips(differences: Vector, rounds: int, seed: int) -> float:
    """The share of sign patterns, the observed one among them, with as large a sum."""
    generator = np.random.default_rng(seed)
    total, n = differences.sum(), len(differences)
    # Sums that differ by rounding alone count as equal.
    bound = abs(total) - 1e-12 * np.abs(differences).sum()
    as_large, chunk = 0, max(1, 2**22 // n)
    for start in range(0, rounds, chunk):
        size = min(chunk, rounds - start)
        bits = np.unpackbits(generator.integers(0, 256, (size, -(-n // 8)), np.uint8), axis=1)
        sums = 2 * (bits[:, :n].astype(np.float64) @ differences) - total
        as_large += int(np.count_nonzero(np.abs(sums) >= bound))
    return (1 + as_large) / (1 + rounds)
