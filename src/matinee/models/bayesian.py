"""Bayesian factorisation of ratings, sampled by Gibbs."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from matinee.config import Config, Search
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.errors import ConfigError
from matinee.models import ordinal
from matinee.models.base import Sizes, Solved
from matinee.models.chain import Chain, regressors
from matinee.models.gibbs import Ratings
from matinee.models.grids import on_own_grid
from matinee.models.inputs import chosen
from matinee.models.layers import row_chunks
from matinee.models.ragged import BLOCK

MOST_LEVELS = 100
"""Levels a scale may have to be taken for an ordinal one."""
ROUNDS = 4
"""How often a new person's vector is found, and from it how steady they are."""


class BayesianMFConfig(Config):
    """Settings of `BayesianMF`."""

    inputs: tuple[str, ...] = ("history", "audience")
    """'history' (which films a person rated, whatever the stars), 'audience' (who rated a
    film), any field of films or people, or 'people' for all fields of people."""
    likelihood: Literal["ordinal", "normal"] = "ordinal"
    """Whether stars are ordered levels, or numbers with normal noise."""
    steadiness: bool = True
    """Whether each person and film has noise of its own, or all have the same."""
    dim: Annotated[int, Field(ge=1), Search(8, 64, log=True)] = 16
    """Width of the vectors."""
    burn_in: Annotated[int, Field(ge=0)] = 30
    """Sweeps before the first sample is kept."""
    samples: Annotated[int, Field(ge=1)] = 30
    """Samples kept; predictions are their mean."""
    every: Annotated[int, Field(ge=1)] = 2
    """Sweeps from one kept sample to the next."""
    like_at: float | None = None
    """The smallest rating that is a like; None is three quarters up the scale."""
    seed: int = 0
    """Of all that is drawn."""


class BayesianMF(Solved[BayesianMFConfig]):
    """Stars from μ + bᵤ + bᵢ + pᵤ·qᵢ, averaged over the posterior.

    The vector and the bias of a person are normal around what their fields and the films they
    rated say, Σⱼ yⱼ / √|Nᵤ| as in SVD++ (Koren, KDD 2008, eq. 15), and a film's around its
    fields and who rated it ('flipped': Rendle, Zhang and Koren, 'On the difficulty of
    evaluating baselines', 2019). All means and precisions have priors of their own, and
    everything is drawn by Gibbs sampling (Salakhutdinov and Mnih, 'Bayesian probabilistic
    matrix factorization', ICML 2008; with features, Simm et al., 'Macau', 2017). Stars are
    that sum with noise, cut into levels; people and films differ in how much noise there
    is. A new person's vector is the posterior mean under each sample, their fields unknown.

    Memory is that of the samples, `samples · (users + items) · dim` floats, while solving
    besides a few `dim · dim` matrices for each person and a few numbers for each rating.
    """

    name: ClassVar[str] = "bmf"
    Config = BayesianMFConfig
    users: Tensor
    items: Tensor
    history: Tensor
    prior_mean: Tensor
    prior_precision: Tensor
    noise: Tensor
    user_steadiness: Tensor
    item_steadiness: Tensor
    shape: Tensor
    cuts: Tensor
    levels: Tensor
    mean: Tensor
    low: Tensor
    high: Tensor
    like_from: Tensor

    def __init__(self, config: BayesianMFConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self._fields = chosen(config.inputs, sizes, ("history", "audience"))
        s, k = config.samples, config.dim + 1
        levels = _levels(config, sizes)
        buffers = {
            "users": (s, sizes.users, k),
            "items": (s, sizes.items, k),
            "history": (s, sizes.items if "history" in config.inputs else 0, k),
            "prior_mean": (s, k),
            "prior_precision": (s, k),
            "noise": (s,),
            "user_steadiness": (s, sizes.users),
            "item_steadiness": (s, sizes.items),
            "shape": (s,),
            "cuts": (s, max(levels - 1, 0)),
            "levels": (levels,),
            **dict.fromkeys(("mean", "low", "high", "like_from"), ()),
        }
        for name, shape in buffers.items():
            self.register_buffer(name, torch.zeros(shape))

    def solving_bytes(self) -> int:
        """A few matrices for each person, and numbers for each rating and each of its levels."""
        k, rows = self.config.dim + 1, self.sizes.users + self.sizes.items
        levels = min(self.sizes.ratings, ordinal.BLOCK) * len(self.levels)
        return 4 * (6 * rows * k**2 + 3 * BLOCK + 12 * levels) + 256 * self.sizes.ratings

    def solve(self, data: Interactions) -> None:
        """Run the chain and keep samples of it."""
        config, scale = self.config, data.scale
        usual = scale.low + 0.75 * (scale.high - scale.low)
        like_at = usual if config.like_at is None else config.like_at
        self.mean.fill_(float(data.ratings.mean()))
        self.low.fill_(scale.low)
        self.high.fill_(scale.high)
        self.like_from.fill_(like_at - scale.step / 2)
        if self.ordinal:
            self.levels.copy_(torch.tensor(scale.levels))
        chain = self._chain(data)
        for sweep in range(config.burn_in + config.samples * config.every):
            chain.sweep()
            kept, left = divmod(sweep - config.burn_in, config.every)
            if sweep >= config.burn_in and left == 0:
                self._keep(kept, chain)

    @property
    def ordinal(self) -> bool:
        """Whether stars are levels."""
        return self.config.likelihood == "ordinal"

    def _chain(self, data: Interactions) -> Chain:
        config = self.config
        people, films = (list(fields) for fields in self._fields)
        return Chain(
            data,
            dim=config.dim,
            user_fields=["history", *people] if "history" in config.inputs else people,
            item_fields=["audience", *films] if "audience" in config.inputs else films,
            levels=self.ordinal,
            steadiness=config.steadiness,
            seed=config.seed,
            device=self.device,
        )

    def _keep(self, place: int, chain: Chain) -> None:
        people, films = chain.people, chain.films
        self.users[place], self.items[place] = people.vectors, films.vectors
        if "history" in self.config.inputs:
            self.history[place] = people.effects[1 : 1 + self.sizes.items]
        self.prior_mean[place], self.prior_precision[place] = people.effects[0], people.precision
        self.noise[place], self.shape[place] = chain.noise, people.shape
        self.user_steadiness[place] = people.steadiness
        self.item_steadiness[place] = films.steadiness
        self.cuts[place] = chain.cuts

    @torch.no_grad()
    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """The expected sum that stars are cut from; the best films stay apart in it."""
        people, _ = self._people(queries)
        total = self._centre(0, people, items)
        for sample in range(1, self.config.samples):
            total += self._centre(sample, people, items)
        return total / self.config.samples

    @torch.no_grad()
    def predict(self, queries: Queries, items: Tensor) -> Tensor:
        """Expected stars on the scale of the data."""
        if self.ordinal:
            return (self._chances(queries, items) @ self.levels).clamp(self.low, self.high)
        return self.score(queries, items).clamp(self.low, self.high)

    def stars(self, scores: Tensor) -> Tensor | None:
        """Scores are expected stars but for the ends of the scale, unless stars are cut."""
        return None if self.ordinal else scores.clamp(self.low, self.high)

    @torch.no_grad()
    def likeliest(self, queries: Queries, items: Tensor) -> Tensor:
        """The most probable ratings, `[B, K]`; with the normal likelihood, those expected."""
        if self.ordinal:
            return self.levels[self._chances(queries, items).argmax(-1)]
        return self.predict(queries, items)

    @torch.no_grad()
    def probability(self, queries: Queries, items: Tensor) -> Tensor:
        """Probability of a like, `[B, K]`.

        With the normal likelihood, of a number above half a step below the smallest like.
        """
        if self.ordinal:
            return self._chances(queries, items)[..., self.levels >= self.like_from].sum(-1)
        people, steadiness = self._people(queries)
        total = self.mean.new_zeros(len(queries), items.shape[-1])
        for sample in range(self.config.samples):
            above = self._centre(sample, people, items) - self.like_from
            total += ordinal.ndtr(above * self._sharpness(sample, steadiness, items))
        return total / self.config.samples

    def item_vectors(self) -> Tensor:
        """The films' vectors of the last sample."""
        return self.items[-1, :, :-1]

    def _chances(self, queries: Queries, items: Tensor) -> Tensor:
        """The probability of each level, `[B, K, L]`."""
        people, steadiness = self._people(queries)
        total = self.mean.new_zeros(len(queries), items.shape[-1], len(self.levels))
        for sample, cuts in enumerate(self.cuts):
            centre = self._centre(sample, people, items)
            sharpness = self._sharpness(sample, steadiness, items)
            total += ordinal.probabilities(cuts, centre, sharpness)
        return on_own_grid(total / self.config.samples, queries, self.levels)

    def _centre(self, sample: int, people: Tensor, items: Tensor | None) -> Tensor:
        """μ + bᵤ + bᵢ + pᵤ·qᵢ of one sample, `[B, n_items]` or `[B, K]`."""
        films = self.items[sample] if items is None else self.items[sample, items]
        own = people[sample]
        if films.ndim == 2:
            stars = own[:, :-1] @ films[:, :-1].T + films[:, -1]
        else:
            stars = torch.bmm(films[..., :-1], own[:, :-1, None]).squeeze(2) + films[..., -1]
        return stars + own[:, -1:] + self.mean

    def _sharpness(self, sample: int, steadiness: Tensor, items: Tensor) -> Tensor:
        """The root of the noise's precision of one sample, `[B, K]`."""
        films = self.noise[sample] * self.item_steadiness[sample, items]
        return (steadiness[sample, :, None] * films).sqrt()

    def _people(self, queries: Queries) -> tuple[Tensor, Tensor]:
        """Under each sample, vectors `[samples, B, dim + 1]` and steadiness `[samples, B]`."""
        known = queries.users.clamp_min(0)
        people, steadiness = self.users[:, known], self.user_steadiness[:, known]
        strangers = (queries.users < 0).nonzero().squeeze(1)
        longest = int(queries.lengths[strangers].max()) if len(strangers) else 0
        k = people.shape[2]
        for some in row_chunks(len(strangers), self.config.samples * k * max(k, longest)):
            rows = strangers[some]
            people[:, rows], steadiness[:, rows] = self._fold_in(queries.take(rows))
        return people, steadiness

    def _fold_in(self, queries: Queries) -> tuple[Tensor, Tensor]:
        """New people under each sample, as of `_people`.

        Vector, steadiness and what levels are cut from depend on each other: in turn, each is
        set to its mean given the others.
        """
        rows, size = queries.rows, (self.config.samples, len(queries))
        films = self.items[:, queries.items]
        known, x = films[..., -1] + self.mean, regressors(films)
        ratings = self._by_person(queries)
        usual = self.noise[:, None] * self.item_steadiness[:, queries.items]
        prior, steadiness = self._expected(queries), x.new_ones(size)
        found, expected = prior, self.prior_precision[:, None] * prior
        for _ in range(ROUNDS):
            precision = usual * steadiness[:, rows]
            target, variance = self._latent(queries, known + _dots(x, found[:, rows]), precision)
            evidence = ratings.evidence(
                x.flatten(0, 1), (target - known).flatten(), precision.flatten()
            )
            gram = evidence.gram.unflatten(0, size)
            inverse = torch.linalg.inv(gram + self.prior_precision[:, None].diag_embed())
            found = (inverse @ (evidence.right.unflatten(0, size) + expected)[..., None])[..., 0]
            if self.config.steadiness:
                errors = (target - known - _dots(x, found[:, rows])).square() + variance
                # Uncertainty of the vector is error as well.
                sums = _dots(inverse.flatten(2), gram.flatten(2)) / steadiness
                sums.index_add_(1, rows, usual * errors)
                shape = self.shape[:, None]
                steadiness = (2 * shape + queries.lengths) / (2 * shape + sums)
        return found, steadiness

    def _by_person(self, queries: Queries) -> Ratings:
        """The histories, once for each sample."""
        samples, people = self.config.samples, len(queries)
        rows = queries.rows + people * torch.arange(samples, device=self.device)[:, None]
        entries = torch.arange(rows.numel(), device=self.device)
        return Ratings.by(rows.flatten(), samples * people, entries)

    def _expected(self, queries: Queries) -> Tensor:
        """What the films of the histories say of the vectors, `[samples, B, dim + 1]`."""
        expected = self.prior_mean[:, None].repeat(1, len(queries), 1)
        if "history" in self.config.inputs:
            weights = queries.lengths.clamp_min(1).rsqrt()[queries.rows, None]
            expected.index_add_(1, queries.rows, self.history[:, queries.items] * weights)
        return expected

    def _latent(self, queries: Queries, centre: Tensor, precision: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of what the levels are cut from, `[samples, n]` each."""
        if not self.ordinal:
            return queries.ratings.expand_as(centre), torch.zeros_like(centre)
        levels = (queries.ratings[:, None] - self.levels).abs().argmin(1)
        return ordinal.latent_moments(self.cuts.double(), levels, centre, precision.sqrt())


def _dots(left: Tensor, right: Tensor) -> Tensor:
    return (left * right).sum(-1)


def _levels(config: BayesianMFConfig, sizes: Sizes) -> int:
    """How many levels there are; 0 where stars are numbers."""
    if config.likelihood == "normal":
        return 0
    if not 2 <= sizes.levels <= MOST_LEVELS:
        raise ConfigError(
            f"the ratings have {sizes.levels:,} levels",
            where="likelihood",
            expected=f"2 to {MOST_LEVELS}",
            remedy='Set likelihood = "normal".',
        )
    return sizes.levels
