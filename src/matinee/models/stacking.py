"""A blend of any number of models, whose weights are learned on films they have not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.data.vocabulary import BoolArray
from matinee.models.asking import asking
from matinee.models.base import Recommender, Sizes, pick
from matinee.models.hybrid import Joined, MembersConfig, standardised
from matinee.training import TrainerConfig

PEOPLE, FLOATS = 4096, 1 << 24
"""People whose films the weights are learned on, and scores held for it, at most."""
STEPS, HALVINGS, ENOUGH = 50, 20, 1e-5
"""Of Newton's method: how many at most, how short one may become, which improvement ends it."""
RIDGE = 1e-4
"""What holds weights of members that say the same apart from infinity."""


class StackedConfig(MembersConfig):
    """Settings of `Stacked`."""

    members: Annotated[tuple[str, ...], Field(min_length=2)] = ("ease", "slit", "tfidf")
    """Names of the models; one that is trained from a random start may be named again."""
    held_out: Literal["last", "any"] = "last"
    """Which film of each person the weights are learned on: the latest, or any at random."""


class Stacked(Joined[StackedConfig]):
    """A weighted sum of models' scores, weights learned as by a softmax over all unseen films.

    The members are fitted twice: first without one film of each person, which the weights are then
    to foretell, then with all. The weights, none of them negative, have the greatest likelihood of
    the films held out (stacking: Wolpert, 'Stacked generalization', Neural Networks 1992;
    non-negative: Breiman, 'Stacked regressions', Machine Learning 1996). The likelihood has one
    maximum, which Newton's method finds. A member that adds nothing ends with a weight of 0.
    """

    name: ClassVar[str] = "stacked"
    Config = StackedConfig
    weights: Tensor

    def __init__(self, config: StackedConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.register_buffer("weights", torch.zeros(len(config.members)))
        self._rehearsed: list[Recommender] = []

    def rehearsal(
        self, data: Interactions
    ) -> tuple[Mapping[Recommender, TrainerConfig | None], Interactions]:
        """Members of their own, and the data without the films held out."""
        train = data.take(~self._held_out(data))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            members = self.loops(self.config.build(Sizes.of(train)))
        self._rehearsed = list(members)
        return members, train

    def solve(self, data: Interactions) -> None:
        """Learn the weights from those who rehearsed, who are then let go."""
        held_out = self._held_out(data)
        asked, train = data.take(held_out), data.take(~held_out)
        count = min(PEOPLE, FLOATS // (len(self.weights) * data.n_items) + 1, len(asked))
        some = np.linspace(0, len(asked) - 1, count).astype(np.int64)
        if count:
            queries = replace(
                train.queries(asked.users[some]), at=torch.from_numpy(asked.times[some])
            )
            queries = queries.to(self.device)
            wanted = torch.from_numpy(asked.items[some].astype(np.int64)).to(self.device)
            scores = torch.stack([_asked(member, queries) for member in self._rehearsed], 1)
            seen = queries.dense(data.n_items).to(self.device) > 0
            self.weights.copy_(likeliest(scores, seen, wanted))
        else:
            self.weights.fill_(1 / len(self.weights))
        self._rehearsed = []

    def solving_bytes(self) -> int:
        """The scores of all members, and what becomes of them, beside what is usual."""
        scores = min(PEOPLE * len(self.weights) * self.sizes.items, FLOATS)
        return super().solving_bytes() + 7 * 4 * scores

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """The weighted sum of the members' scores."""
        total = 0 * standardised(next(iter(self.parts())).score(queries), queries)
        for weight, part in zip(self.weights, self.parts(), strict=True):
            total += weight * standardised(part.score(queries), queries)
        return pick(total, items)

    def _held_out(self, data: Interactions) -> BoolArray:
        """Of everyone with two ratings or more one, `[n]`."""
        counts, held_out = np.diff(data.offsets), np.zeros(len(data), bool)
        places = data.offsets[1:] - 1
        if self.config.held_out == "any":
            draws = np.random.default_rng(0).random(data.n_users)
            places = data.offsets[:-1] + (draws * counts).astype(np.int64)
        held_out[places[counts > 1]] = True
        return held_out


def _asked(member: Recommender, queries: Queries) -> Tensor:
    with asking(member):
        return standardised(member.score(queries), queries)


def likeliest(scores: Tensor, seen: Tensor, wanted: Tensor) -> Tensor:
    """Weights of members, 0 or more, under which the films wanted are likeliest.

    Args:
        scores: `[B, M, n_items]` of M members.
        seen: `[B, n_items]`, films that a softmax leaves out.
        wanted: `[B]` int64, the film of each person.

    Returns:
        `[M]`.
    """
    weights = scores.new_ones(scores.shape[1])
    loss, slope, curve = _likelihood(weights, scores, seen, wanted)
    for _ in range(STEPS):
        free = (weights > 0) | (slope < 0)  # the others would become negative
        step = torch.zeros_like(weights)
        step[free] = torch.linalg.solve(curve[free][:, free], slope[free])
        for halving in range(HALVINGS):
            moved = (weights - step / 2**halving).clamp_min(0)
            found = _likelihood(moved, scores, seen, wanted)
            if found[0] <= loss:
                break
        else:
            break
        before, (loss, slope, curve), weights = loss, found, moved
        if before - loss < ENOUGH:
            break
    return weights


def _likelihood(
    weights: Tensor, scores: Tensor, seen: Tensor, wanted: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The negative log-likelihood of a film, its slope `[M]` and its curvature `[M, M]`."""
    logits = torch.einsum("m,bmn->bn", weights, scores).masked_fill(seen, -torch.inf)
    odds = logits.log_softmax(1)
    right = torch.arange(len(wanted), device=wanted.device)
    weighed = scores * odds.exp()[:, None]
    expected = weighed.sum(2)
    slope = (expected - scores[right, :, wanted]).mean(0) + RIDGE * weights
    second = torch.einsum("bmn,bkn->mk", weighed, scores) - expected.T @ expected
    ridge = RIDGE * torch.eye(len(weights), device=weights.device)
    loss = -odds[right, wanted].mean() + 0.5 * RIDGE * weights.square().sum()
    return loss, slope, second / len(wanted) + ridge
