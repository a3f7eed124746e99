"""Hybrids: models together, or one that learns from ratings and content at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

import torch
from pydantic import Field, model_validator
from scipy.sparse import csr_array, vstack
from torch import Tensor, nn
from typing_extensions import TypeVar

from matinee.config import Config, Search
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.errors import ConfigError, unknown
from matinee.models.base import Recommender, Sizes, Solved, pick
from matinee.models.content import TermsConfig
from matinee.models.linear import EDLAE, EDLAEConfig
from matinee.models.routing import route
from matinee.training import TrainerConfig


class MembersConfig(Config):
    """Settings of models that join others."""

    members: tuple[str, ...]
    """Names of the models; one that is trained from a random start may be named again."""
    options: dict[str, dict[str, Any]] = {}
    """Settings of the members and of their training by their names, such as
    `{ease = {l2 = 300}, sasrec = {epochs = 50}}`; those of one name have the same and begin
    elsewhere."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in self.options:
            if name not in self.members:
                raise unknown("member", name, self.members, where="options")
        for name in self.members:
            _, loop = self.of(name)
            if self.members.count(name) > 1 and loop is None:  # so both would be the same
                raise ConfigError(
                    f"{name} is named twice",
                    where="members",
                    expected="it once, as it is not trained from a random start",
                )
        return self

    def of(self, member: str) -> tuple[Config, TrainerConfig | None]:
        """The settings of a member, and of its training loop if it has one.

        Raises:
            UnknownName: If there is no such model.
            ConfigError: On a setting that does not exist or cannot be, such as early stopping:
                members are trained to the end, as only the whole is validated.
        """
        where, kind = f"member {member}", _kind(member)
        settings, loop = route(self.options.get(member, {}), kind, where=where)
        if loop is not None and loop.patience is not None:
            raise ConfigError("a member cannot stop early", where=where, expected="no patience")
        return kind.Config.parse(settings, where=where), loop

    def build(self, sizes: Sizes) -> nn.ModuleList:
        """All members with fresh weights."""
        return nn.ModuleList(_kind(member)(self.of(member)[0], sizes) for member in self.members)


M = TypeVar("M", bound=MembersConfig, default=MembersConfig)


class Joined(Solved[M]):
    """Members, each fitted on its own, and a rule that joins their scores.

    Scores of two models are on two scales. Before they meet, those of a person are brought to
    mean 0 and standard deviation 1 over the films that the person has not seen.
    """

    def __init__(self, config: M, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.members = config.build(sizes)

    def parts(self) -> Mapping[Recommender, TrainerConfig | None]:
        """The members."""
        return self.loops(self.members)

    def loops(self, members: nn.ModuleList) -> Mapping[Recommender, TrainerConfig | None]:
        """Members with the settings of their training loops."""
        models = [member for member in members if isinstance(member, Recommender)]
        return {model: self.config.of(model.name)[1] for model in models}

    def solve(self, data: Interactions) -> None:
        """Nothing is left to do once the members are fitted."""

    def item_vectors(self) -> Tensor | None:
        """Those of the first member that has any."""
        vectors = (part.item_vectors() for part in self.parts())
        return next((v for v in vectors if v is not None), None)

    def alike(self, item: int) -> Tensor | None:
        """What the first member says that is not silent about the film."""
        told = (part.alike(item) for part in self.parts())
        return next((likeness for likeness in told if likeness is not None), None)


class HybridConfig(MembersConfig):
    """Settings of models that join two others."""

    members: tuple[str, str] = ("ease", "tfidf")
    """Names of the two models."""


H = TypeVar("H", bound=HybridConfig, default=HybridConfig)


class Hybrid(Joined[H]):
    """Two members, of whose scores each counts a share."""

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """The joined scores of the members."""
        first, second = (standardised(part.score(queries), queries) for part in self.parts())
        return pick(first.lerp(second, self.share(queries)), items)

    @abstractmethod
    def share(self, queries: Queries) -> Tensor:
        """The second member's share in each score, 0 to 1: `[B, n_items]`, or a scalar."""


class WeightedConfig(HybridConfig):
    """Settings of `Weighted`."""

    weight: Annotated[float, Field(ge=0, le=1), Search(0, 1)] = 0.3
    """Share of the second member in the score."""


class Weighted(Hybrid[WeightedConfig]):
    """A weighted mean of two models' scores (Burke, 'Hybrid recommender systems', 2002)."""

    name: ClassVar[str] = "weighted"
    Config = WeightedConfig

    def share(self, queries: Queries) -> Tensor:
        """The weight of the settings."""
        return torch.tensor(self.config.weight, device=queries.items.device)


class SwitchingConfig(HybridConfig):
    """Settings of `Switching`."""

    members: tuple[str, str] = ("ease", "deepcontent")
    """Names of the two models; the second is for people and films of which little is known."""
    person_ratings: Annotated[int, Field(ge=0), Search(0, 50)] = 5
    """With fewer films in the history, a person's scores are all the second member's."""
    film_ratings: Annotated[int, Field(ge=0), Search(0, 50)] = 5
    """With fewer ratings in training, a film's scores are the second member's."""


class Switching(Hybrid[SwitchingConfig]):
    """The first model where enough is known of person and film, the second elsewhere.

    (Burke, 'Hybrid recommender systems', 2002.)
    """

    name: ClassVar[str] = "switching"
    Config = SwitchingConfig
    counts: Tensor

    def __init__(self, config: SwitchingConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.register_buffer("counts", torch.zeros(sizes.items, dtype=torch.int64))

    def solve(self, data: Interactions) -> None:
        """Count the ratings of each film."""
        self.counts.copy_(torch.from_numpy(data.item_counts))

    def share(self, queries: Queries) -> Tensor:
        """1 where too little is known of person or film, else 0."""
        new_film = self.counts < self.config.film_ratings
        new_person = queries.lengths < self.config.person_ratings
        return (new_person[:, None] | new_film).float()


class AugmentedConfig(TermsConfig, EDLAEConfig):
    """Settings of `Augmented`: those of `EDLAE`, and what content counts."""

    l2: Annotated[float, Field(gt=0), Search(10, 5000, log=True)] = 500.0
    """Ridge penalty; grows with the number of people."""
    dropout: Annotated[float, Field(ge=0, lt=1), Search(0, 0.6)] = 0.0
    """Share of the films, and of those of each term, that are hidden and to be foretold."""
    content: Annotated[float, Field(ge=0), Search(1, 1000, log=True)] = 30.0
    """Weight of the films' content, as a number of people."""


class Augmented(EDLAE[AugmentedConfig]):
    """`EDLAE` with the terms of films as further people, so that unrated films have weights too.

    With the ratings X and the terms T `[n_terms, n_items]`, TF-IDF weights as in `tfidf`, the
    Gram matrix of EASE becomes XᵀX + content TᵀT (Jeunen et al., 'Closed-form models for
    collaborative filtering with side-information', RecSys 2020, collective EASE, which this is
    without dropout).
    """

    name: ClassVar[str] = "augmented"
    Config = AugmentedConfig

    def observations(self, data: Interactions) -> csr_array:
        """The people's ratings, and below them the terms."""
        terms = self.config.weigh(data.catalogue)
        ratings = super().observations(data)
        return csr_array(vstack([ratings, self.config.content**0.5 * terms.T]))


def standardised(scores: Tensor, queries: Queries) -> Tensor:
    """Scores `[B, n_items]` with mean 0 and deviation 1 over the films not in the history.

    Where all of those score alike they become 0, since they say nothing.
    """
    unseen = 1 - queries.dense(scores.shape[1]).to(scores.device)
    count = unseen.sum(1, keepdim=True).clamp_min(1)
    centred = scores - (scores * unseen).sum(1, keepdim=True) / count
    deviation = ((centred.square() * unseen).sum(1, keepdim=True) / count).sqrt()
    floor = 1e-6 * scores.abs().amax(1, keepdim=True).clamp_min(1e-30)
    return torch.where(deviation > floor, centred / deviation.clamp_min(floor), 0.0)


def _kind(name: str) -> type[Recommender]:
    from matinee.models import MODELS  # noqa: PLC0415 - the table of models names the hybrids too

    if name not in MODELS:
        raise unknown("model", name, MODELS, where="members")
    return MODELS[name]
