"""Sums of a table's rows against a product with a dense matrix."""

from __future__ import annotations

import torch

from matinee.models.layers import Table


def test_sums_and_their_gradients_are_those_of_a_dense_product() -> None:
    random = torch.Generator().manual_seed(0)
    rows = torch.tensor([0, 0, 0, 2, 2, 3])  # sums 1 and 4 are of nothing
    items = torch.tensor([5, 1, 5, 1, 0, 6])  # a row twice in a sum; rows 2, 3 and 4 never
    weights = torch.rand(6, generator=random)
    slopes = torch.randn(5, 3, generator=random)
    table = Table(7, 3, std=1.0)
    ours = table.sums(rows, items, weights, 5)
    ours.backward(slopes)
    matrix = torch.zeros(5, 7).index_put((rows, items), weights, accumulate=True)
    torch.testing.assert_close(ours.detach(), matrix @ table.weight.detach())
    gradient = table.weight.grad
    assert gradient is not None
    assert gradient.is_sparse
    assert gradient._indices().tolist() == [[0, 1, 5, 6]]  # each once
    torch.testing.assert_close(gradient.to_dense(), matrix.T @ slopes)


def test_sums_of_nothing_are_null() -> None:
    nothing = torch.zeros(0, dtype=torch.int64)
    sums = Table(7, 3).sums(nothing, nothing, torch.zeros(0), 2)
    assert torch.equal(sums, torch.zeros(2, 3))
    sums.sum().backward()
