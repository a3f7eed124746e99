"""The parts of the Gibbs sampler against slow linear algebra."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array

from matinee.models.gibbs import Draws, Evidence, Features, Ratings, Side, conjugate_gradients

CPU = torch.device("cpu")


def _ratings() -> tuple[Ratings, torch.Tensor, torch.Tensor]:
    """Six ratings of three rows, of which the second has none, by four others."""
    rows, others = torch.tensor([2, 0, 2, 2, 0, 2]), torch.tensor([0, 1, 2, 3, 3, 1])
    return Ratings.by(rows, 3, others), rows, others


def test_evidence_is_the_sum_over_the_ratings_of_a_row() -> None:
    random = torch.Generator().manual_seed(0)
    ratings, rows, others = _ratings()
    vectors = torch.randn(4, 2, generator=random)
    target, precision = torch.randn(6, generator=random), torch.rand(6, generator=random)
    found = ratings.evidence(vectors, target, precision)
    for row in range(3):
        own = (rows == row).nonzero().squeeze(1)
        x, weights = vectors[others[own]], precision[own]
        torch.testing.assert_close(found.gram[row], x.T @ (weights[:, None] * x))
        torch.testing.assert_close(found.right[row], x.T @ (weights * target[own]))
    assert not found.noise.any()


def test_the_noise_of_the_evidence_has_its_gram_matrix_as_covariance() -> None:
    ratings, _, _ = _ratings()
    vectors, draws = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.5, 2.0], [0.0, 1.0]]), Draws(0, CPU)
    arguments = (vectors, torch.zeros(6), torch.full((6,), 2.0))
    found = [ratings.evidence(*arguments, draws) for _ in range(1500)]
    noise = torch.stack([one.noise for one in found])
    for row in range(3):
        covariance = noise[:, row].T @ noise[:, row] / len(noise)
        torch.testing.assert_close(covariance, found[0].gram[row], rtol=0.1, atol=0.6)


def test_conjugate_gradients_solve() -> None:
    random = torch.Generator().manual_seed(1)
    root = torch.randn(6, 6, generator=random)
    matrix = root @ root.T + torch.eye(6)
    right = torch.randn(6, 2, generator=random)
    diagonal = matrix.diagonal()[:, None].expand(6, 2)
    found = conjugate_gradients(lambda v: matrix @ v, right, torch.zeros(6, 2), diagonal)
    torch.testing.assert_close(found, torch.linalg.solve(matrix, right), rtol=1e-2, atol=1e-3)


def test_effects_and_vectors_are_drawn_from_their_joint_posterior() -> None:
    """One column, precisions held: the draws' moments are those of the linear model."""
    random = np.random.default_rng(0)
    rows = torch.arange(4).repeat_interleave(3)
    field = csr_array(np.array([[1.0], [1.0], [0.0], [0.0]], np.float32))
    side = Side(Ratings.by(rows, 4, rows * 0), Features(4, [field]), 1, Draws(0, CPU))
    target = torch.from_numpy(random.normal(size=12).astype("float32") + 2.0)
    x, noise, own, prior = 1.5, 0.7, 2.0, 0.5
    drawn = []
    for _ in range(1500):
        side.precision = torch.tensor([own])
        side.effect_precisions = torch.full((2, 1), prior)
        side.draw(torch.tensor([[x]]), target, torch.full((12,), noise))
        drawn.append(torch.cat([side.effects, side.vectors]).squeeze(1))
    # All six unknowns at once: two effects, four vectors.
    design = np.zeros((12, 6))
    design[np.arange(12), 2 + rows.numpy()] = x
    tie = np.concatenate([-np.array([[1, 1], [1, 1], [1, 0], [1, 0]]), np.eye(4)], 1)
    precision = noise * design.T @ design + own * tie.T @ tie
    precision[:2, :2] += prior * np.eye(2)
    mean = np.linalg.solve(precision, noise * design.T @ target.numpy())
    found = torch.stack(drawn).double().numpy()
    np.testing.assert_allclose(found.mean(0), mean, atol=0.1)
    np.testing.assert_allclose(np.cov(found.T), np.linalg.inv(precision), atol=0.12)


def test_steadiness_is_found_and_so_is_how_much_it_varies() -> None:
    random = torch.Generator().manual_seed(0)
    true = torch.tensor([0.25, 1.0, 4.0]).repeat(40) / 1.75
    rows = torch.arange(120).repeat_interleave(200)
    squares = torch.randn(len(rows), generator=random).square() / true[rows]
    side = Side(Ratings.by(rows, 120, rows * 0), Features(120, []), 1, Draws(0, CPU))
    found = torch.zeros(120)
    for _ in range(20):
        side.draw_steadiness(rows, squares)
        found += side.steadiness / 20
    torch.testing.assert_close(found, true, rtol=0.35, atol=0.0)
    assert side.shape <= 2
    side.draw_steadiness(rows, squares * true[rows])
    side.draw_steadiness(rows, squares * true[rows])
    assert side.shape >= 16


def test_a_row_without_ratings_has_no_evidence() -> None:
    none = torch.zeros(0, dtype=torch.int64)
    found = Ratings.by(none, 2, none).evidence(torch.ones(3, 2), torch.zeros(0), torch.zeros(0))
    assert isinstance(found, Evidence)
    assert not found.gram.any()
