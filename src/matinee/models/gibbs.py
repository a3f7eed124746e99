"""One side of a Bayesian factorisation: drawing the vectors of all people, or of all films.

The rows of a side have vectors v ~ N(X B, Λ⁻¹): X are its features, B one vector a feature,
Λ a diagonal precision. Rating r of a row is x·v plus noise of precision τ, where x is the vector
of the other side. With G = Σ τ x xᵀ, b = Σ τ x y and P = G + Λ of each row:

- v is integrated out of the ratings, which leaves B normal with precision Xᵀ S X + Λ_B, where
  S = Λ P⁻¹ G, and right side Xᵀ Λ P⁻¹ b. A draw perturbs the right side and solves by conjugate
  gradients (Papandreou and Yuille, NIPS 2010);
- given B, v is normal with precision P and mean P⁻¹ (b + Λ X B).

B and v drawn together mix at once, however strongly the one explains the other.

The noise of a rating has the precision τ wᵤ wᵢ. The w ~ Gamma(a, a) of people and films say how
steady they are (Lakshminarayanan, Bouchard and Archambeau, 'Robust Bayesian matrix
factorisation', AISTATS 2011); a is drawn as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array, hstack
from torch import Tensor

from matinee.models.ragged import blocks

SHAPE, RATE = 1.0, 0.01
"""Of the Gamma priors of all precisions: weak, even next to a field of two values."""
TOLERANCE, ITERATIONS = 1e-3, 12
"""When the conjugate gradients are good enough, and when they give up: each sweep goes on from
the last one's solution."""
STEADINESS = 2.0 ** torch.arange(-1, 8)
"""What a, the shape of the steadiness, can be."""


class Draws:
    """All that is drawn: a function of the seed and of the order of the draws."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.torch = torch.Generator(device).manual_seed(seed)
        self.numpy = np.random.Generator(np.random.Philox(key=seed))

    def normal(self, *shape: int) -> Tensor:
        """Standard normals."""
        return torch.randn(shape, generator=self.torch, device=self.torch.device)

    def uniform(self, count: int) -> Tensor:
        """Uniform numbers in 0..1, `[count]`, in double precision."""
        device = self.torch.device
        return torch.rand(count, generator=self.torch, device=device, dtype=torch.float64)

    def choice(self, values: Tensor, log_weights: Tensor) -> Tensor:
        """One of some values, each with a weight."""
        gumbel = torch.from_numpy(self.numpy.gumbel(size=len(values)))
        return values[(log_weights.double().cpu() + gumbel).argmax()]

    def gamma(self, shape: Tensor, rate: Tensor) -> Tensor:
        """Gamma variables of given shapes and rates."""
        drawn = self.numpy.standard_gamma(shape.expand_as(rate).cpu().numpy())
        return torch.as_tensor(drawn).to(rate) / rate

    def precision(self, count: int, squares: Tensor) -> Tensor:
        """Precisions of normals, given their number and their sums of squares."""
        return self.gamma(squares.new_tensor(SHAPE + count / 2), RATE + squares / 2)


@dataclass(frozen=True)
class Evidence:
    """What the ratings say of each row: `[n, k, k]` and `[n, k]` each.

    Attributes:
        gram: Σ τ x xᵀ.
        right: Σ τ x y.
        noise: A draw of N(0, gram).
    """

    gram: Tensor
    right: Tensor
    noise: Tensor


@dataclass(frozen=True)
class Ratings:
    """The ratings in the order of one side: row r has `order[offsets[r]:offsets[r + 1]]`.

    Attributes:
        offsets: `[n + 1]`.
        order: `[m]` which rating comes where.
        others: `[m]` row of the other side of each rating, in this order.
    """

    offsets: Tensor
    order: Tensor
    others: Tensor

    @classmethod
    def by(cls, rows: Tensor, count: int, others: Tensor) -> Ratings:
        """Sort ratings `[m]` by their row of one side, of which there are `count`."""
        order = rows.argsort(stable=True)
        sizes = torch.bincount(rows, minlength=count)
        return cls(torch.cat([sizes.new_zeros(1), sizes.cumsum(0)]), order, others[order])

    def evidence(
        self, vectors: Tensor, target: Tensor, precision: Tensor, draws: Draws | None = None
    ) -> Evidence:
        """Sum up the ratings of each row.

        Args:
            vectors: `[n_other, k]` of the other side.
            target: `[m]` what x·v is to explain.
            precision: `[m]` of the noise.
            draws: Where the noise of the evidence is from; it is 0 without.
        """
        n, k = len(self.offsets) - 1, vectors.shape[1]
        gram, sums = vectors.new_zeros(n, k, k), vectors.new_zeros(n, k, 2)
        roots = precision.sqrt()
        noise = torch.zeros_like(target) if draws is None else draws.normal(len(target))
        both = torch.stack([target * roots, noise], 1)
        for rows, entries, inside in blocks(self.offsets, k):
            if not inside.shape[1]:
                continue
            at = self.order[entries]
            x = vectors[self.others[entries]] * (roots[at] * inside)[:, :, None]
            gram[rows] = x.mT @ x
            sums[rows] = x.mT @ both[at]
        return Evidence(gram, sums[:, :, 0], sums[:, :, 1])


class Features:
    """What is known of the rows: several matrices side by side, and a column of ones.

    Args:
        rows: Number of rows.
        fields: Matrices `[rows, n_values]`.
    """

    def __init__(self, rows: int, fields: Sequence[csr_array]) -> None:
        fields = [csr_array(np.ones((rows, 1), np.float32)), *fields]
        self.widths = [_width(field) for field in fields]
        self._matrix = csr_array(hstack(fields, format="csr", dtype=np.float32))
        self._back = csr_array(self._matrix.T)
        self._squares = self._back.power(2)

    def apply(self, effects: Tensor) -> Tensor:
        """X B: `[rows, k]`."""
        return _times(self._matrix, effects)

    def back(self, values: Tensor) -> Tensor:
        """Xᵀ V: `[values, k]`."""
        return _times(self._back, values)

    def back_squares(self, values: Tensor) -> Tensor:
        """The same with the squares of X."""
        return _times(self._squares, values)


class Side:
    """The vectors of all people or of all films, and what they are expected to be.

    Attributes:
        vectors: `[n, k]`.
        effects: `[n_values, k]` B: a row for the mean, then one for each value of each field.
        expected: `[n, k]` X B.
        precision: `[k]` Λ.
        effect_precisions: `[n_fields + 1, k]` the diagonal of Λ_B, for the mean and each field.
        steadiness: `[n]` w.
        shape: a, of the prior of w.
    """

    def __init__(self, ratings: Ratings, features: Features, k: int, draws: Draws) -> None:
        self.ratings, self.features, self._draws = ratings, features, draws
        n = len(ratings.offsets) - 1
        self.vectors = 0.1 * draws.normal(n, k)
        self.effects = self.vectors.new_zeros(sum(features.widths), k)
        self.expected = torch.zeros_like(self.vectors)
        # Small vectors with a narrow prior would hold each other small.
        self.precision = self.vectors.new_ones(k)
        self.effect_precisions = self.vectors.new_full((len(features.widths), k), 10.0)
        self.steadiness = self.vectors.new_ones(n)
        self.shape = self.vectors.new_ones(())

    def draw(self, other: Tensor, target: Tensor, precision: Tensor) -> None:
        """Draw effects, vectors and precisions, given the other side.

        Args:
            other: `[n_other, k]`.
            target: `[m]` what the products of vectors are to explain.
            precision: `[m]` of the noise.
        """
        found = self.ratings.evidence(other, target, precision, self._draws)
        factor = torch.linalg.cholesky(found.gram + torch.diag(self.precision))
        inverse = torch.cholesky_inverse(factor)
        self._draw_effects(found, inverse)
        mean = each(inverse, found.right + self.precision * self.expected)
        noise = self._draws.normal(*mean.shape, 1)
        self.vectors = mean + torch.linalg.solve_triangular(factor.mT, noise, upper=True).squeeze(2)
        own = self.vectors - self.expected
        self.precision = self._draws.precision(len(own), own.square().sum(0))

    def draw_steadiness(self, rows: Tensor, squares: Tensor) -> None:
        """Draw how steady each row is, then the shape of the prior.

        Args:
            rows: `[m]` the row of each rating.
            squares: `[m]` squared errors, times the precision that they would have with w = 1.
        """
        n = len(self.steadiness)
        count = torch.bincount(rows, minlength=n)
        sums = torch.bincount(rows, squares, n)
        drawn = self._draws.gamma(self.shape + count / 2, self.shape + sums / 2)
        # Their common level is left to the precision of all noise, or both would drift for long.
        self.steadiness = drawn / drawn.mean()
        w, a = self.steadiness, STEADINESS.to(self.steadiness)
        likely = n * (a * a.log() - a.lgamma()) + a * (w.log().sum() - w.sum())
        self.shape = self._draws.choice(a, likely)

    def _draw_effects(self, found: Evidence, inverse: Tensor) -> None:
        """All effects at once, the vectors integrated out; then their precisions, by field."""
        ours, draws, features = self.precision, self._draws, self.features
        widths = torch.tensor(features.widths, device=ours.device)
        prior = self.effect_precisions.repeat_interleave(widths, 0)
        passed = ours[:, None] * (inverse @ found.gram)
        own = draws.normal(*self.vectors.shape) / ours.sqrt()
        pull = found.right + each(found.gram, own) + found.noise
        right = features.back(ours * each(inverse, pull))
        right += prior.sqrt() * draws.normal(*prior.shape)

        def normal(effects: Tensor) -> Tensor:
            return features.back(each(passed, features.apply(effects))) + prior * effects

        scale = features.back_squares(passed.diagonal(dim1=1, dim2=2)) + prior
        self.effects = conjugate_gradients(normal, right, self.effects, scale)
        self.expected = features.apply(self.effects)
        for place, values in enumerate(self.effects.split(features.widths)):
            self.effect_precisions[place] = draws.precision(len(values), values.square().sum(0))


def conjugate_gradients(
    apply: Callable[[Tensor], Tensor], right: Tensor, start: Tensor, scale: Tensor
) -> Tensor:
    """Solve apply(x) = right for a symmetric positive definite `apply`.

    Preconditioned by its diagonal, `scale` (Hestenes and Stiefel 1952).
    """
    x, residual = start.clone(), right - apply(start)
    step = residual / scale
    direction, size = step.clone(), (residual * step).sum()
    goal = TOLERANCE**2 * (right.square() / scale).sum()
    for _ in range(ITERATIONS):
        if size <= goal:
            break
        image = apply(direction)
        length = size / (direction * image).sum()
        x.add_(length * direction)
        residual.sub_(length * image)
        step = residual / scale
        last, size = size, (residual * step).sum()
        direction = step + size / last * direction
    return x


def each(matrices: Tensor, vectors: Tensor) -> Tensor:
    """The product of each row's matrix `[n, k, k]` and vector `[n, k]`."""
    return torch.bmm(matrices, vectors[:, :, None]).squeeze(2)


def _width(matrix: Any) -> int:
    return matrix.shape[1]


def _times(matrix: csr_array, dense: Tensor) -> Tensor:
    return torch.from_numpy(matrix @ dense.cpu().numpy()).to(dense)
