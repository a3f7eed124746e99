"""Whether the new model is worse than the old one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from matinee.evaluation import Comparison, compare, evaluate
from matinee.models import RatingPredictor, Recommender
from matinee.splits import Split

SIGNIFICANT = 0.05
"""A loss of a smaller one-sided p-value is not put down to chance."""

LOWER_IS_BETTER = "rmse"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the same people say of both models.

    Attributes:
        metric: What they were compared by, higher or lower being better: `ndcg@10` or `rmse`.
        old: Mean of the old model over people.
        new: Mean of the new one.
        comparison: The paired test of new - old.
    """

    metric: str
    old: float
    new: float
    comparison: Comparison

    @property
    def worse(self) -> bool:
        """Whether the new model's mean is worse, and by more than chance explains.

        The test is one-sided, half the two-sided p-value: only a loss is looked for.
        """
        difference = self.comparison.difference.value
        loss = difference if self.metric == LOWER_IS_BETTER else -difference
        return loss > 0 and self.comparison.p / 2 < SIGNIFICANT

    def as_dict(self) -> dict[str, Any]:
        """The outward JSON form."""
        return {
            "metric": self.metric,
            "old": self.old,
            "new": self.new,
            "difference": self.comparison.difference.as_dict(),
            "p": self.comparison.p,
            "people": self.comparison.users,
            "worse": self.worse,
        }


def judge(old: Recommender, new: Recommender, split: Split) -> Verdict:
    """Ask both models the same: everyone a stranger with the same history.

    Models that predict stars are compared by each person's RMSE, others by their NDCG@10
    over the whole catalogue.

    Raises:
        EvaluationError: If fewer than two people can be asked.
    """
    stars = isinstance(new, RatingPredictor) and split.test.held_out.explicit
    metric = LOWER_IS_BETTER if stars else "ndcg@10"
    with torch.no_grad():
        before, after = (
            evaluate(model, split.test, train=split.train, metrics=[metric])
            .per_user[metric]
            .to_numpy()
            for model in (old, new)
        )
    return Verdict(metric, float(before.mean()), float(after.mean()), compare(after, before))
