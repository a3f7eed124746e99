"""Bayesian matrix factorisation of ratings, sampled by Gibbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from scipy.sparse import csr_array
from torch import Tensor

from matinee.config import Config, Search
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.models.base import Sizes, Solved
from matinee.models.linear import bag
from matinee.models.ragged import blocks

SHAPE = RATE = 1.0
"""Of the Gamma priors of all precisions: weak next to hundreds of people and films."""
TOLERANCE, ITERATIONS = 1e-3, 30
"""When the conjugate gradients are good enough, and when they give up."""


class BayesianMFConfig(Config):
    """Settings of `BayesianMF`."""

    dim: Annotated[int, Field(ge=1), Search(8, 64, log=True)] = 24
    """Width of the vectors."""
    burn_in: Annotated[int, Field(ge=0)] = 60
    """Sweeps before the first sample is kept."""
    samples: Annotated[int, Field(ge=1)] = 40
    """Samples kept; predictions are their mean."""
    every: Annotated[int, Field(ge=1)] = 4
    """Sweeps from one kept sample to the next."""
    implicit: bool = True
    """Whether a person is also described by which films they rated, whatever the stars."""
    seed: int = 0
    """Of all that is drawn."""


class BayesianMF(Solved[BayesianMFConfig]):
    """Stars as μ + bᵤ + bᵢ + (pᵤ + Σⱼ yⱼ / √|Nᵤ|)·qᵢ, averaged over the posterior.

    The model of SVD++ (Koren, KDD 2008, eq. 15) with normal priors whose means and
    precisions have priors of their own, sampled by Gibbs (Salakhutdinov and Mnih, 'Bayesian
    probabilistic matrix factorization', ICML 2008). People, then films, are drawn all at
    once from their normal conditionals. All yⱼ together are drawn by perturbing the right
    side of their normal equations and solving them by conjugate gradients (Papandreou and
    Yuille, NIPS 2010). A new person's vector is the posterior mean under each sample.
    """

    name: ClassVar[str] = "bmf"
    Config = BayesianMFConfig
    users: Tensor
    items: Tensor
    implicit: Tensor
    prior_mean: Tensor
    prior_precision: Tensor
    noise_precision: Tensor
    mean: Tensor
    low: Tensor
    high: Tensor

    def __init__(self, config: BayesianMFConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        s, k = config.samples, config.dim + 1
        buffers = {
            "users": (s, sizes.users, k),
            "items": (s, sizes.items, k),
            "implicit": (s, sizes.items if config.implicit else 0, config.dim),
            "prior_mean": (s, k),
            "prior_precision": (s, k),
            "noise_precision": (s,),
            **dict.fromkeys(("mean", "low", "high"), ()),
        }
        for name, shape in buffers.items():
            self.register_buffer(name, torch.zeros(shape))

    def solve(self, data: Interactions) -> None:
        """Run the chain and keep samples of it."""
        config = self.config
        self.mean.fill_(float(data.ratings.mean()))
        self.low.fill_(data.scale.low)
        self.high.fill_(data.scale.high)
        chain = _Chain(data, config, float(self.mean), self.device)
        for sweep in range(config.burn_in + config.samples * config.every):
            chain.sweep()
            kept, left = divmod(sweep - config.burn_in, config.every)
            if sweep >= config.burn_in and left == 0:
                self._keep(kept, chain)

    def _keep(self, place: int, chain: _Chain) -> None:
        self.users[place] = chain.users
        self.users[place, :, :-1] += chain.shift
        self.items[place] = chain.items
        if self.config.implicit:
            self.implicit[place] = chain.implicit
        self.prior_mean[place], self.prior_precision[place] = chain.user_prior
        self.noise_precision[place] = chain.noise

    @torch.no_grad()
    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Expected stars, not clipped to the scale so that the best films stay apart."""
        total = None
        for people, films in zip(self._people(queries), self.items, strict=True):
            films = films if items is None else films[items]  # noqa: PLW2901
            if films.ndim == 2:
                stars = people[:, :-1] @ films[:, :-1].T + films[:, -1]
            else:
                stars = torch.bmm(films[..., :-1], people[:, :-1, None]).squeeze(2) + films[..., -1]
            stars = stars + people[:, -1:]
            total = stars if total is None else total.add_(stars)
        assert total is not None
        return total.div_(self.config.samples).add_(self.mean)

    def predict(self, queries: Queries, items: Tensor) -> Tensor:
        """Expected stars on the scale of the data."""
        return self.score(queries, items).clamp(self.low, self.high)

    def item_vectors(self) -> Tensor:
        """The films' vectors of the last sample."""
        return self.items[-1, :, :-1]

    def _people(self, queries: Queries) -> Tensor:
        """Vectors and biases under each sample, `[samples, B, dim + 1]`."""
        people = self.users[:, queries.users.clamp_min(0)]
        strangers = (queries.users < 0).nonzero().squeeze(1)
        if len(strangers):
            asked = queries.take(strangers)
            for sample in range(self.config.samples):
                people[sample, strangers] = self._fold_in(sample, asked)
        return people

    def _fold_in(self, sample: int, queries: Queries) -> Tensor:
        """Posterior means of new people's vectors and biases, `[B, dim + 1]`."""
        films = self.items[sample]
        rows = queries.rows
        shift = films.new_zeros(len(queries), self.config.dim)
        if self.config.implicit:
            weights = queries.lengths.clamp_min(1).rsqrt()[rows]
            shift = bag(self.implicit[sample], queries, weights)
        seen = films[queries.items]
        known = self.mean + seen[:, -1] + (shift[rows] * seen[:, :-1]).sum(1)
        regressors = torch.cat([seen[:, :-1], torch.ones_like(seen[:, :1])], 1)
        found = films.new_zeros(len(queries), self.config.dim + 1)
        _conditional(
            queries.offsets,
            regressors,
            queries.ratings - known,
            self.noise_precision[sample],
            (self.prior_mean[sample], self.prior_precision[sample]),
            lambda at, mean, _: found.index_copy_(0, at, mean),
        )
        found[:, :-1] += shift
        return found


Prior = tuple[Tensor, Tensor]
"""Mean and precision of each column, `[k]` each."""


@dataclass(frozen=True)
class _Side:
    """The ratings in the order of one side: row r has `offsets[r]:offsets[r + 1]`."""

    offsets: Tensor
    order: Tensor


class _Chain:
    """The state of the sampler; vectors carry the bias in their last column."""

    def __init__(
        self, data: Interactions, config: BayesianMFConfig, mean: float, device: torch.device
    ) -> None:
        self.dim, self.random = config.dim, torch.Generator(device).manual_seed(config.seed)
        self.gammas = np.random.Generator(np.random.Philox(key=config.seed))
        self.user_of = torch.from_numpy(data.users.astype("int64")).to(device)
        self.item_of = torch.from_numpy(data.items.astype("int64")).to(device)
        self.target = torch.from_numpy(data.ratings - mean).to(device)
        counts = torch.bincount(self.item_of, minlength=data.n_items)
        self.by_user = _Side(
            torch.from_numpy(data.offsets).to(device),
            torch.arange(len(data), device=device),
        )
        ends = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        self.by_item = _Side(ends, self.item_of.argsort(stable=True))
        self.users = 0.1 * self._normal(data.n_users, config.dim + 1)
        self.items = 0.1 * self._normal(data.n_items, config.dim + 1)
        self.noise = torch.ones((), device=device)
        self.user_prior, self.item_prior = self._prior(self.users), self._prior(self.items)
        self.implicit = torch.zeros(data.n_items, config.dim, device=device)
        self.implicit_precision = torch.full((config.dim,), 10.0, device=device)
        self.shift = torch.zeros(data.n_users, config.dim, device=device)
        lengths = torch.from_numpy(data.offsets).diff().clamp_min(1)
        weights = lengths.rsqrt()[self.user_of.cpu()].float().numpy()
        self.rated = data.matrix(weights) if config.implicit else None

    def sweep(self) -> None:
        """Draw everything once, each part given all others."""
        self.user_prior = self._prior(self.users)
        self.users, grams = self._side(
            self.by_user, self.items, self.item_of, self._unexplained_by_items(), self.user_prior
        )
        if self.rated is not None:
            self._draw_implicit(self.rated, grams)
        self.item_prior = self._prior(self.items)
        full = self.users.clone()
        full[:, :-1] += self.shift
        remains = self.target - self.users[self.user_of, -1]
        self.items, _ = self._side(self.by_item, full, self.user_of, remains, self.item_prior)
        self._draw_noise()

    def _unexplained_by_items(self) -> Tensor:
        films = self.items[self.item_of]
        return self.target - films[:, -1] - (self.shift[self.user_of] * films[:, :-1]).sum(1)

    def _side(
        self, side: _Side, other: Tensor, other_of: Tensor, remains: Tensor, prior: Prior
    ) -> tuple[Tensor, Tensor]:
        """Draw all vectors of one side: normal, each given its own ratings.

        Returns:
            `[n, k]` and the Gram matrices of the regressors `[n, dim, dim]`.
        """
        regressors = torch.cat([other[:, :-1], torch.ones_like(other[:, :1])], 1)
        count = len(side.offsets) - 1
        drawn = other.new_empty(count, self.dim + 1)
        grams = other.new_empty(count, self.dim, self.dim)

        def draw(rows: Tensor, mean: Tensor, factor: Tensor) -> None:
            noise = self._normal(len(rows), self.dim + 1, 1)
            spread = torch.linalg.solve_triangular(factor.mT, noise, upper=True)
            drawn[rows] = mean + spread.squeeze(2)
            normal = factor @ factor.mT
            normal.diagonal(dim1=1, dim2=2).sub_(prior[1])
            grams[rows] = normal[:, :-1, :-1] / self.noise

        order = side.order
        _conditional(
            side.offsets, regressors[other_of[order]], remains[order], self.noise, prior, draw
        )
        return drawn, grams

    def _draw_implicit(self, rated: csr_array, grams: Tensor) -> None:
        """All yⱼ at once: perturb the right side, then solve by conjugate gradients."""
        films = self.items[self.item_of]
        mine = self.users[self.user_of]
        remains = self.target - films[:, -1] - mine[:, -1] - (mine * films)[:, :-1].sum(1)
        pulls = self.noise * remains + self.noise.sqrt() * self._normal(len(remains))
        by_user = torch.zeros_like(self.shift)
        by_user.index_add_(0, self.user_of, pulls[:, None] * films[:, :-1])
        precision = self.implicit_precision
        right = _times(rated.T, by_user) + precision.sqrt() * self._normal(*self.implicit.shape)

        def normal(vectors: Tensor) -> Tensor:
            people = torch.bmm(grams, _times(rated, vectors)[:, :, None]).squeeze(2)
            return _times(rated.T, self.noise * people) + precision * vectors

        self.implicit = _conjugate_gradients(normal, right, self.implicit)
        self.shift = _times(rated, self.implicit)
        squares = self.implicit.square().sum(0)
        self.implicit_precision = self._gamma(len(self.implicit), squares)

    def _draw_noise(self) -> None:
        films = self.items[self.item_of]
        full = self.users[self.user_of]
        full[:, :-1] += self.shift[self.user_of]
        stars = (full * films)[:, :-1].sum(1) + full[:, -1] + films[:, -1]
        self.noise = self._gamma(len(stars), (self.target - stars).square().sum())

    def _prior(self, vectors: Tensor) -> Prior:
        """Draw mean and precision of each column, given the vectors."""
        n = len(vectors)
        mean = vectors.mean(0)
        precision = self._gamma(n, (vectors - mean).square().sum(0))
        return mean + self._normal(vectors.shape[1]) / (precision * (n + 1)).sqrt(), precision

    def _gamma(self, count: int, squares: Tensor) -> Tensor:
        """Precisions of normals, given their number and their sums of squares."""
        drawn = self.gammas.standard_gamma(SHAPE + count / 2, size=tuple(squares.shape))
        return torch.as_tensor(drawn).to(squares) / (RATE + squares / 2)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.random, device=self.random.device)


def _conditional(
    offsets: Tensor,
    regressors: Tensor,
    target: Tensor,
    noise: Tensor,
    prior: Prior,
    take: Callable[[Tensor, Tensor, Tensor], object],
) -> None:
    """Each row's conditional of a Bayesian linear regression over its own entries.

    Args:
        offsets: `[n + 1]` which entries belong to which row.
        regressors: `[m, k]`.
        target: `[m]`.
        noise: Precision of the target.
        prior: Mean and precision of the coefficients.
        take: Given rows `[r]`, means `[r, k]` and Cholesky factors of precisions `[r, k, k]`.
    """
    mean, precision = prior
    for rows, entries, inside in blocks(offsets, len(mean)):
        marks = inside[:, :, None].to(mean.dtype)
        if len(target):
            x, y = regressors[entries] * marks, target[entries][:, :, None] * marks
        else:
            x, y = mean.new_zeros(len(rows), 0, len(mean)), mean.new_zeros(len(rows), 0, 1)
        normal = noise * (x.mT @ x) + torch.diag(precision)
        right = noise * (x.mT @ y) + (precision * mean)[:, None]
        factor = torch.linalg.cholesky(normal)
        take(rows, torch.cholesky_solve(right, factor).squeeze(2), factor)


def _conjugate_gradients(apply: Callable[[Tensor], Tensor], right: Tensor, start: Tensor) -> Tensor:
    """Solve apply(x) = right for a symmetric positive definite `apply` (Hestenes, Stiefel 1952)."""
    x, residual = start.clone(), right - apply(start)
    direction, size = residual.clone(), residual.square().sum()
    goal = TOLERANCE**2 * right.square().sum()
    for _ in range(ITERATIONS):
        if size <= goal:
            break
        image = apply(direction)
        step = size / (direction * image).sum()
        x.add_(step * direction)
        residual.sub_(step * image)
        last, size = size, residual.square().sum()
        direction = residual + size / last * direction
    return x


def _times(matrix: csr_array, dense: Tensor) -> Tensor:
    return torch.from_numpy(matrix @ dense.cpu().numpy()).to(dense)
