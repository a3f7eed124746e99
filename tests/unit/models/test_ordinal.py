"""Levels cut from a normal variable, against SciPy and simulated ratings."""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import norm, truncnorm

from matinee.models import ordinal

CUTS = torch.tensor([1.5, 2.2, 3.3, 4.5], dtype=torch.float64)


def _case() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Levels, centres and sharpness, far tails among them."""
    levels = torch.tensor([0, 1, 2, 3, 4, 0, 4])
    centre = torch.tensor([1.0, 3.0, 2.7, 3.0, 5.0, 9.0, -3.0])
    return levels, centre, torch.tensor([1.0, 2.0, 0.5, 1.5, 1.0, 1.0, 1.2])


def test_probabilities_of_levels() -> None:
    centre, sharpness = torch.tensor([3.0, 1.0]), torch.tensor([1.0, 2.0])
    found = ordinal.probabilities(CUTS, centre, sharpness)
    edges = np.array([-np.inf, *CUTS.tolist(), np.inf])
    for row in range(2):
        scale = 1 / float(sharpness[row])
        expected = np.diff(norm.cdf(edges, float(centre[row]), scale))
        np.testing.assert_allclose(found[row].numpy(), expected, atol=1e-6)


def test_moments_within_a_level() -> None:
    levels, centre, sharpness = _case()
    mean, variance = ordinal.latent_moments(CUTS, levels, centre.double(), sharpness.double())
    edges = np.array([-np.inf, *CUTS.tolist(), np.inf])
    for i, level in enumerate(levels.tolist()):
        e, sd = float(centre[i]), 1 / float(sharpness[i])
        told = truncnorm((edges[level] - e) / sd, (edges[level + 1] - e) / sd, e, sd)
        np.testing.assert_allclose(float(mean[i]), told.mean(), rtol=1e-6)
        np.testing.assert_allclose(float(variance[i]), told.var(), rtol=1e-4, atol=1e-6)


def test_draws_within_a_level_have_its_moments() -> None:
    random = torch.Generator().manual_seed(0)
    levels, centre, sharpness = (part.repeat(20_000) for part in _case())
    uniform = torch.rand(len(levels), generator=random, dtype=torch.float64)
    drawn = ordinal.draw_latent(CUTS, levels, centre, sharpness, uniform)
    assert (torch.bucketize(drawn.double(), CUTS) == levels).float().mean() > 0.999
    mean, variance = ordinal.latent_moments(CUTS, *_case())
    drawn = drawn.unflatten(0, (20_000, -1))
    torch.testing.assert_close(drawn.mean(0), mean, atol=0.02, rtol=0.0)
    torch.testing.assert_close(drawn.var(0), variance, rtol=0.05, atol=1e-3)


def test_cut_points_of_simulated_ratings_are_found() -> None:
    random = torch.Generator().manual_seed(0)
    centre = 3.2 + torch.randn(40_000, generator=random)
    sharpness = 0.8 + torch.rand(40_000, generator=random)
    latent = centre + torch.randn(40_000, generator=random) / sharpness
    levels = torch.bucketize(latent.double(), CUTS)
    cuts = torch.tensor([1.5, 2.5, 3.5, 4.5], dtype=torch.float64)
    drawn = []
    for _ in range(40):
        noise = torch.randn(4, generator=random)
        cuts = ordinal.draw_cuts(cuts, levels, centre, sharpness, noise)
        drawn.append(cuts)
    torch.testing.assert_close(torch.stack(drawn[10:]).mean(0), CUTS, atol=0.03, rtol=0.0)
    assert 0.002 < float(torch.stack(drawn[10:])[:, 1].std()) < 0.03


def test_a_level_that_nobody_gives_does_no_harm() -> None:
    random = torch.Generator().manual_seed(0)
    centre = 3.0 + torch.randn(2000, generator=random)
    levels = torch.bucketize(centre.double(), CUTS)
    levels[levels == 2] = 3
    cuts = CUTS
    for _ in range(20):
        noise = torch.randn(4, generator=random)
        cuts = ordinal.draw_cuts(cuts, levels, centre, torch.ones(2000), noise)
    assert torch.isfinite(cuts).all()
    assert (cuts.diff() > 0).all()
