"""Names of metrics: `rmse`, `ndcg@10`, and `ndcg` for every cut-off asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matinee.engine.history import lower_is_better
from matinee.errors import ConfigError, unknown
from matinee.evaluation import beyond, likes, ranking, rating
from matinee.evaluation.metric import Metric

METRICS: dict[str, Metric[Any]] = {
    **ranking.METRICS,
    **beyond.METRICS,
    **rating.METRICS,
    **likes.METRICS,
}
"""Every metric by its outward name, without cut-off."""

BY_NAME = {"map_all", "recall_min", *likes.METRICS}
"""Metrics computed only when named: others' definitions of standard ones, and those of likes."""


HIGHER_IS_BETTER = {
    *("accuracy", "auc", "like_accuracy", "like_precision", "like_recall"),
    *("hit_rate", "precision", "recall", "recall_min", "ndcg", "map", "map_all", "mrr"),
}
"""Metrics that tell how right a model is; those beyond accuracy have no better end."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One figure asked for.

    Attributes:
        name: A key of `METRICS`.
        k: The cut-off, None for metrics without one.
    """

    name: str
    k: int | None = None

    @property
    def label(self) -> str:
        """The outward name, such as `ndcg@10`."""
        return self.name if self.k is None else f"{self.name}@{self.k}"


def parse(metrics: Sequence[str] | None, k: Sequence[int]) -> list[Wanted]:
    """The figures that some names ask for, each once, in order.

    Args:
        metrics: Names with or without a cut-off; by default all but those of `BY_NAME`.
        k: Cut-offs for names that have none of their own.

    Raises:
        UnknownName: On a name that is not in `METRICS`.
        ConfigError: On a cut-off that is not a positive whole number, or that does not
            belong there.
    """
    for cut in k:
        _cut_off(str(cut), "k")
    names = [m for m in METRICS if m not in BY_NAME] if metrics is None else metrics
    wanted = [one for text in names for one in _parse_one(text, k)]
    if not wanted:
        raise ConfigError("no metric is asked for", expected="one of " + ", ".join(METRICS))
    return list(dict.fromkeys(wanted))


def direction(metric: str) -> int:
    """1 if a larger value of a metric (`ndcg@10`) is better, -1 if a smaller, 0 if neither."""
    return (metric.partition("@")[0] in HIGHER_IS_BETTER) - lower_is_better(metric)


def _parse_one(text: str, k: Sequence[int]) -> list[Wanted]:
    name, sign, cut = text.strip().partition("@")
    if name not in METRICS:
        raise unknown("metric", name, METRICS, where=text)
    if not METRICS[name].at_k:
        if sign:
            raise ConfigError(f"{name} has no cut-off", where=text, expected=name)
        return [Wanted(name)]
    return [Wanted(name, _cut_off(cut, text))] if sign else [Wanted(name, int(c)) for c in k]


def _cut_off(text: str, where: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ConfigError(
            f"{text!r} is no cut-off", where=where, expected="a whole number of 1 or more"
        )
    return int(text)
