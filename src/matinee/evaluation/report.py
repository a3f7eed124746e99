"""One honest evaluation: rank once, predict once, and report every figure asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from matinee.data.interactions import Interactions
from matinee.data.vocabulary import LongArray
from matinee.errors import ConfigError, DataError, EvaluationError
from matinee.evaluation import beyond, likes, ranking, rating
from matinee.evaluation.lists import Progress, Rankings, check, mark_given, rank
from matinee.evaluation.metric import Figure, Undefined
from matinee.evaluation.names import METRICS, Wanted, parse
from matinee.evaluation.significance import Estimate
from matinee.models.base import Recommender
from matinee.splits import Fold


@dataclass(frozen=True, slots=True)
class Protocol:
    """How the lists were had, without which a figure says nothing.

    Attributes:
        ranking: `full` (all films not in the history), `sampled` (given candidates only)
            or `lists` (brought along ready).
        films: Number of films, or of candidates of each user, that were ranked.
        users: Number of users with something held out.
        held_out: Number of held-out ratings.
        strangers: Whether the model knew nothing of the users but their history.
    """

    ranking: str
    films: int
    users: int
    held_out: int
    strangers: bool = False

    def __str__(self) -> str:
        """A label to print with every figure."""
        how = {
            "full": f"full ranking of {self.films:,} films",
            "sampled": f"SAMPLED ranking of {self.films:,} given candidates, "
            "not comparable with a full ranking",
            "lists": f"ready lists of films out of {self.films:,}",
        }[self.ranking]
        sort = "strangers" if self.strangers else "users"
        return f"{how}; {self.users:,} {sort}, {self.held_out:,} held-out ratings"


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        metrics: Figures by outward name (`ndcg@10`, `rmse`).
        per_user: One row a user: `user` (outside id) and a column for each metric that has
            meaning for one user; null where that user has no figure.
        protocol: How it was found.
        omitted: Metrics that were not asked for by name and cannot be had, and why.
        confusion: See `rating.confusion`, or None.
        like_confusion: See `likes.like_confusion`, or None.
        calibration: See `rating.calibration`, or None.
    """

    metrics: dict[str, Estimate]
    per_user: pl.DataFrame
    protocol: Protocol
    omitted: dict[str, str] = field(default_factory=dict[str, str])
    confusion: pl.DataFrame | None = None
    like_confusion: pl.DataFrame | None = None
    calibration: pl.DataFrame | None = None

    def save_per_user(self, path: str | Path) -> None:
        """Write `per_user` as Parquet or CSV, by the file's ending.

        Raises:
            ConfigError: On another ending.
            DataError: If the file cannot be written.
        """
        path = Path(path)
        writers = {".parquet": self.per_user.write_parquet, ".csv": self.per_user.write_csv}
        if path.suffix not in writers:
            raise ConfigError(f"{path.name!r} has no ending I know", expected=".parquet or .csv")
        try:
            writers[path.suffix](path)
        except OSError as error:
            raise DataError(f"cannot be written: {error.strerror}", where=str(path)) from None

    def table(self) -> list[tuple[str, str, str]]:
        """Rows to print: name, value, 95 % interval."""
        return [
            (name, f"{e.value:.4f}", "" if np.isnan(e.low) else f"{e.low:.4f} to {e.high:.4f}")
            for name, e in self.metrics.items()
        ]


def evaluate(
    model: Recommender,
    fold: Fold,
    *,
    train: Interactions,
    metrics: Sequence[str] | None = None,
    k: Sequence[int] = (10,),
    batch: int | None = None,
    like_at: float | None = None,
    progress: Progress | None = None,
) -> Report:
    """Judge a model by what was held out.

    Args:
        model: The model, trained.
        fold: Histories, what to find, and the candidates if the ranking is a sampled one.
        train: What the model learned from: popularity and the scale are told by it.
        metrics: Names such as `ndcg@10`, `rmse`, or `ndcg` for every `k`. By default all
            that model and data allow; the others are told in `Report.omitted`.
        k: Cut-offs for ranking metrics named without one.
        batch: Users at a time; by default as many as fit a block of 16 MiB. Never changes
            a figure.
        like_at: The smallest rating that is a like, for `auc`, `log_loss` and calibration;
            see `rating`.
        progress: Called with what is being done, users done, and users in all.

    Raises:
        UnknownName: On a metric that does not exist.
        ConfigError: On a bad cut-off.
        EvaluationError: If a metric asked for by name cannot be had, a score is not a
            number, or model, data and fold do not fit.
    """
    wanted, by_name = parse(metrics, k), metrics is not None
    _positive(batch)
    check(model, fold)
    found = _Figures(by_name)
    cuts = [w.k for w in wanted if w.k is not None]
    if cuts:
        rankings = rank(model, fold, k=max(cuts), batch=batch, progress=progress)
        found.add_lists(wanted, beyond.Shown(rankings, train, fold.history, fold.candidates))
    tables: dict[str, pl.DataFrame] = {}
    rated = [w for w in wanted if w.k is None]
    if rated:
        try:
            pairs = rating.predict_pairs(
                model, fold, train=train, like_at=like_at, batch=batch, progress=progress
            )
        except Undefined as reason:
            found.omit(rated, reason)
        else:
            found.add_ratings(rated, pairs)
            tables = _tables(pairs)
    return found.report(fold.users, fold.held_out, _protocol(fold), **tables)


def metrics_from_lists(
    lists: ArrayLike,
    held_out: Interactions,
    *,
    train: Interactions | None = None,
    metrics: Sequence[str] | None = None,
    k: Sequence[int] = (10,),
) -> Report:
    """Judge ready lists, wherever they come from.

    Args:
        lists: `[U, K]` film integers, best first, for the users of
            `held_out.active_users`, in that order; -1 fills up shorter lists.
        held_out: What was to be found.
        train: What the lists were learned from; needed for metrics beyond accuracy.
        metrics: As in `evaluate`; by default all that can be had.
        k: As in `evaluate`.

    Raises:
        DataError: If the lists do not fit the users or hold a film twice.
        EvaluationError: If a metric asked for by name cannot be had.
    """
    wanted, by_name = parse(metrics, k), metrics is not None
    items, users = np.asarray(lists), held_out.active_users
    if items.ndim != 2 or len(items) != len(users) or items.dtype.kind not in "iu":
        raise DataError(
            f"the lists are {items.dtype} of shape {items.shape}",
            expected=f"integers, one row for each of the {len(users):,} users",
        )
    if not len(users):
        raise EvaluationError("nothing is held out, so there is nothing to find")
    found = _Figures(by_name)
    longest = max((w.k for w in wanted if w.k is not None), default=0)
    rankings = mark_given(users, items, held_out, longest)
    found.add_lists(wanted, rankings if train is None else beyond.Shown(rankings, train, train))
    found.omit([w for w in wanted if w.k is None], Undefined("lists have no stars"))
    protocol = Protocol("lists", held_out.n_items, len(users), len(held_out))
    return found.report(users, held_out, protocol)


class _Figures:
    """Figures as they are found; what cannot be had is an error only if asked for by name."""

    def __init__(self, by_name: bool) -> None:
        self.by_name = by_name
        self.figures: dict[Wanted, Figure] = {}
        self.omitted: dict[str, str] = {}

    def add_lists(self, wanted: list[Wanted], shown: beyond.Shown | Rankings) -> None:
        """Compute the metrics that need lists; those beyond accuracy also need `Shown`."""
        rankings = shown if isinstance(shown, Rankings) else shown.rankings
        for one in wanted:
            if one.k is None:
                continue
            if one.name in ranking.METRICS:
                compute = ranking.METRICS[one.name].compute
                per_user = compute(rankings.hits, rankings.relevant, one.k)
                self.figures[one] = Figure.mean(per_user)
            elif isinstance(shown, Rankings):
                self.omit([one], Undefined("it needs the training ratings"))
            else:
                self._try(one, beyond.METRICS[one.name].compute, shown, one.k)

    def add_ratings(self, wanted: list[Wanted], pairs: rating.Pairs) -> None:
        """Compute the metrics that need predicted stars."""
        for one in wanted:
            self._try(one, METRICS[one.name].compute, pairs)

    def omit(self, wanted: list[Wanted], reason: Undefined) -> None:
        """Note why some metrics cannot be had, or refuse if they were asked for by name."""
        for one in wanted:
            if self.by_name:
                what = f"{one.label} cannot be had: {reason.what}"
                raise EvaluationError(what, where=reason.where, expected=reason.expected)
            self.omitted[one.label] = str(reason)

    def _try(self, one: Wanted, compute: Any, *arguments: Any) -> None:
        try:
            self.figures[one] = compute(*arguments)
        except Undefined as reason:
            self.omit([one], reason)

    def report(
        self, users: LongArray, data: Interactions, protocol: Protocol, **tables: pl.DataFrame
    ) -> Report:
        """All that was found, ids as the outside knows them."""
        columns = {
            w.label: pl.Series(f.per_user, dtype=pl.Float64, nan_to_null=True)
            for w, f in self.figures.items()
            if f.per_user is not None
        }
        estimates = {
            w.label: Estimate.of(f, highest=METRICS[w.name].limit) for w, f in self.figures.items()
        }
        frame = pl.DataFrame({"user": data.user_ids.decode(users), **columns})
        return Report(estimates, frame, protocol, self.omitted, **tables)


def _tables(pairs: rating.Pairs) -> dict[str, pl.DataFrame]:
    tables: dict[str, pl.DataFrame] = {}
    makers = {
        "confusion": rating.confusion,
        "like_confusion": likes.like_confusion,
        "calibration": rating.calibration,
    }
    for name, make in makers.items():
        try:
            tables[name] = make(pairs)
        except Undefined:
            continue
    return tables


def _protocol(fold: Fold) -> Protocol:
    candidates, held_out = fold.candidates, fold.held_out
    if candidates is None:
        how, films = "full", held_out.n_items
    else:
        how, films = "sampled", int(np.count_nonzero(candidates >= 0, axis=1).max())
    return Protocol(how, films, len(fold.users), len(held_out), fold.strangers)


def _positive(batch: int | None) -> None:
    if batch is not None and batch < 1:
        raise ConfigError(f"a batch of {batch} users", where="batch", expected="1 or more")
