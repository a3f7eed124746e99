"""Ratings as ordered levels: a normal variable, cut into levels.

Level l is given where z ~ N(e, 1/s²) falls between cut points c_{l-1} and c_l, of which the
lowest is -∞ and the highest ∞ (ordered probit: McKelvey and Zavoina 1975; by Gibbs: Albert and
Chib, 'Bayesian analysis of binary and polychotomous response data', JASA 1993). The scale of z
is held by the outermost cut points, which stay where they are (Nandram and Chen 1996), so
that z is in stars.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional
from torch.special import erfc, ndtri

BLOCK = 1 << 20
"""Ratings taken at a time."""
TINY = 1e-12
"""The least probability that is divided by."""


def ndtr(x: Tensor) -> Tensor:
    """The normal distribution function, exact in the lower tail, unlike that of torch 2."""
    return 0.5 * erfc(x * -math.sqrt(0.5))


def probabilities(cuts: Tensor, centre: Tensor, sharpness: Tensor) -> Tensor:
    """The probability of each level.

    Args:
        cuts: `[L - 1]`, ascending.
        centre: `[...]` e.
        sharpness: `[...]` s.

    Returns:
        `[..., L]`.
    """
    below = ndtr((cuts - centre[..., None]) * sharpness[..., None])
    end = torch.zeros_like(below[..., :1])
    return torch.diff(below, prepend=end, append=end + 1)


def draw_latent(
    cuts: Tensor, levels: Tensor, centre: Tensor, sharpness: Tensor, uniform: Tensor
) -> Tensor:
    """Draw z of each rating, given its level.

    Args:
        cuts: `[L - 1]`.
        levels: `[m]` the level given, 0 the lowest.
        centre: `[m]`.
        sharpness: `[m]`.
        uniform: `[m]` uniform numbers in 0..1, in double precision.
    """
    low, high, flipped = _between(cuts, levels, centre, sharpness)
    start, stop = ndtr(low), ndtr(high)
    drawn = ndtri((start + uniform * (stop - start)).clamp_min(torch.finfo(start.dtype).tiny))
    drawn = drawn.clamp(low, high)
    return centre + (torch.where(flipped, -drawn, drawn) / sharpness).to(centre.dtype)


def latent_moments(
    cuts: Tensor, levels: Tensor, centre: Tensor, sharpness: Tensor
) -> tuple[Tensor, Tensor]:
    """Mean and variance of z of each rating, given its level.

    Args:
        cuts: `[..., L - 1]`.
        levels: `[m]` the level given, 0 the lowest.
        centre: `[..., m]`.
        sharpness: `[..., m]`.
    """
    low, high, flipped = _between(cuts, levels, centre, sharpness)
    inside = (ndtr(high) - ndtr(low)).clamp_min(torch.finfo(low.dtype).tiny)
    at_low, at_high = _density(low), _density(high)
    mean = ((at_low - at_high) / inside).clamp(low, high)
    # An infinite bound has no density: any finite number does in its place.
    ends = low.nan_to_num(neginf=0.0) * at_low - high.nan_to_num(posinf=0.0) * at_high
    variance = (1 + ends / inside - mean.square()).clamp(0, 1) / sharpness.square()
    mean = centre + torch.where(flipped, -mean, mean) / sharpness
    return mean.to(centre.dtype), variance.to(centre.dtype)


def draw_cuts(
    cuts: Tensor, levels: Tensor, centre: Tensor, sharpness: Tensor, noise: Tensor
) -> Tensor:
    """Draw the inner cut points, z integrated out.

    Their posterior is all but normal with so many ratings: the draw is from the normal
    around a step of Fisher's scoring, with its information.

    Args:
        cuts: `[L - 1]` as they are.
        levels: `[m]` the level given, 0 the lowest.
        centre: `[m]`.
        sharpness: `[m]`.
        noise: `[L - 1]` standard normals.
    """
    slope, information = cuts.new_zeros(len(cuts)), cuts.new_zeros(len(cuts), len(cuts))
    for at in torch.arange(len(levels), device=cuts.device).split(BLOCK):
        blocks = _slope(cuts, levels[at], centre[at].double(), sharpness[at].double())
        slope, information = slope + blocks[0], information + blocks[1]
    inner = slice(1, -1)
    # Without a rating at some level nothing else holds the cut points around it.
    information.diagonal().add_(1.0)
    factor = torch.linalg.cholesky(information[inner, inner])
    step = torch.cholesky_solve(slope[inner, None], factor)
    step += torch.linalg.solve_triangular(factor.mT, noise[inner, None].to(step), upper=True)
    moved = cuts.clone()
    moved[inner] += step.squeeze(1)
    return moved if bool((moved.diff() > 0).all()) else cuts


def _slope(
    cuts: Tensor, levels: Tensor, centre: Tensor, sharpness: Tensor
) -> tuple[Tensor, Tensor]:
    """The slope of the log-likelihood in the cut points, and its expected information."""
    chances = probabilities(cuts, centre, sharpness).clamp_min(TINY)
    density = _density((cuts - centre[:, None]) * sharpness[:, None]) * sharpness[:, None]
    given = functional.one_hot(levels, len(cuts) + 1) / chances
    slope = ((given[:, :-1] - given[:, 1:]) * density).sum(0)
    own = (density.square() * (1 / chances[:, :-1] + 1 / chances[:, 1:])).sum(0)
    next_to = (density[:, :-1] * density[:, 1:] / chances[:, 1:-1]).sum(0)
    information = torch.diag(own) - torch.diag(next_to, 1) - torch.diag(next_to, -1)
    return slope, information


def _between(
    cuts: Tensor, levels: Tensor, centre: Tensor, sharpness: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The bounds of s (z - e), mirrored where both are positive, for the tail to be exact."""
    end = torch.full_like(cuts[..., :1], math.inf)
    edges = torch.cat([-end, cuts, end], -1)
    low = (edges[..., levels] - centre) * sharpness
    high = (edges[..., levels + 1] - centre) * sharpness
    flipped = low > 0
    return torch.where(flipped, -high, low), torch.where(flipped, -low, high), flipped


def _density(x: Tensor) -> Tensor:
    return torch.exp(-0.5 * x.square()) / math.sqrt(2 * math.pi)
