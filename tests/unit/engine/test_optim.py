"""Row-wise optimisers against PyTorch's own."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from matinee.engine import optim
from matinee.engine.optim import RowOptimizer, clip_gradients, learning_rate, optimizers
from matinee.models.layers import Table
from matinee.training import TrainerConfig

ROWS, DIM = 7, 3


def losses(table: nn.Embedding, step: int) -> torch.Tensor:
    """A loss that touches every row, some of them twice."""
    index = torch.cat([torch.arange(ROWS), torch.tensor([2, 5, 2])])
    return (table(index) - step).square().sum(1).cos().sum()


@pytest.mark.parametrize(
    ("rule", "oracle"),
    [
        ("adam", lambda p: torch.optim.Adam(p, lr=0.05)),
        ("adagrad", lambda p: torch.optim.Adagrad(p, lr=0.05, eps=1e-8)),
        ("sgd", lambda p: torch.optim.SGD(p, lr=0.05)),
    ],
)
def test_where_all_rows_are_touched_it_is_the_dense_rule(rule: str, oracle: object) -> None:
    torch.manual_seed(0)
    sparse = nn.Embedding(ROWS, DIM, sparse=True)
    dense = nn.Embedding(ROWS, DIM, _weight=sparse.weight.detach().clone())
    ours, theirs = RowOptimizer([sparse.weight], rule=rule, lr=0.05), oracle(dense.parameters())  # type: ignore[operator]
    for step in range(20):
        for table, optimizer in ((sparse, ours), (dense, theirs)):
            optimizer.zero_grad()
            losses(table, step).backward()
            optimizer.step()
    torch.testing.assert_close(sparse.weight, dense.weight, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rule", ["adam", "adagrad", "sgd"])
def test_rows_that_move_in_parts_end_alike(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of Adam by a compiled loop, where there is one."""
    ends = []
    for cached in (2 * DIM, 1 << 20):
        monkeypatch.setattr(optim, "CACHED", cached)
        torch.manual_seed(0)
        table = nn.Embedding(ROWS, DIM, sparse=True)
        optimizer = RowOptimizer([table.weight], rule=rule, lr=0.05, decay=0.1)
        for step in range(3):
            optimizer.zero_grad()
            losses(table, step).backward()
            optimizer.step()
        ends.append(table.weight.detach())
    torch.testing.assert_close(*ends, rtol=1e-5, atol=1e-7)


def test_a_gradient_that_names_each_row_once_moves_what_its_parts_move() -> None:
    ends = []
    for whole in (True, False):
        weight = nn.Parameter(torch.ones(ROWS, DIM))
        optimizer = RowOptimizer([weight], rule="adam", lr=0.05)
        parts = torch.sparse_coo_tensor(
            torch.tensor([[4, 1, 4]]),
            torch.arange(9.0).view(3, DIM),
            weight.shape,
            check_invariants=True,
        )
        weight.grad = parts.coalesce() if whole else parts
        optimizer.step()
        ends.append(weight.detach())
    assert torch.equal(*ends)


def test_momentum_moves_a_row_as_far_as_it_does_a_dense_weight_in_the_end() -> None:
    sparse = nn.Embedding(ROWS, DIM, sparse=True)
    dense = nn.Embedding(ROWS, DIM, _weight=sparse.weight.detach().clone())
    ours = RowOptimizer([sparse.weight], rule="sgd", lr=0.05, momentum=0.9)
    theirs = torch.optim.SGD(dense.parameters(), lr=0.05, momentum=0.9)
    for table, optimizer in ((sparse, ours), (dense, theirs)):
        table(torch.tensor([1, 4])).square().sum().backward()
        optimizer.step()
    dense.zero_grad(set_to_none=False)
    for _ in range(200):  # what is left of the momentum
        theirs.step()
    torch.testing.assert_close(sparse.weight, dense.weight, rtol=1e-4, atol=1e-6)


def test_rows_that_are_not_touched_stay_bit_for_bit() -> None:
    table = nn.Embedding(ROWS, DIM, sparse=True)
    before = table.weight.detach().clone()
    optimizer = RowOptimizer([table.weight], rule="adam", lr=0.1, decay=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        table(torch.tensor([1, 4, 1])).sum().backward()
        optimizer.step()
    touched = torch.zeros(ROWS, dtype=torch.bool)
    touched[[1, 4]] = True
    assert torch.equal(table.weight[~touched], before[~touched])
    assert not torch.isclose(table.weight[touched], before[touched]).any()


def test_decay_pulls_only_matrices_unless_asked() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = Table(4, 2)
            self.linear = nn.Linear(2, 2)

    net = Net()
    made = optimizers(net, TrainerConfig(weight_decay=0.1))
    decays = {
        tuple(w.shape): group.get("weight_decay", group.get("decay"))
        for optimizer in made
        for group in optimizer.param_groups
        for w in group["params"]
    }
    assert decays == {(2, 2): 0.1, (2,): 0.0, (4, 2): 0.0}
    asked = optimizers(net, TrainerConfig(embedding_decay=0.2))[-1]
    assert asked.param_groups[0]["decay"] == 0.2


def test_clipping_counts_sparse_and_dense_gradients_together() -> None:
    table, weight = nn.Embedding(3, 1, sparse=True), nn.Parameter(torch.zeros(1))
    # the same row twice: its gradient is 1 + 2 = 3, and the dense one 4, so the norm is 5
    (table(torch.tensor([0, 0])) * torch.tensor([[1.0], [2.0]])).sum().add(
        4 * weight.sum()
    ).backward()
    clip_gradients([table.weight, weight], 2.5)
    assert table.weight.grad is not None
    assert weight.grad is not None
    assert float(table.weight.grad.to_dense()[0]) == pytest.approx(1.5)
    assert float(weight.grad) == pytest.approx(2.0)
    clip_gradients([table.weight, weight], 100.0)
    assert float(weight.grad) == pytest.approx(2.0)


def test_the_learning_rate_rises_then_falls_as_asked() -> None:
    config = TrainerConfig(learning_rate=1.0, schedule="linear", warmup=2, final_rate=0.2)
    rates = [learning_rate(config, step, 12) for step in (0, 1, 2, 7, 12)]
    assert rates == pytest.approx([0.5, 1.0, 1.0, 0.6, 0.2])
    cosine = TrainerConfig(learning_rate=2.0, schedule="cosine")
    assert learning_rate(cosine, 3, 12) == pytest.approx(1 + math.cos(math.pi / 4))
    assert learning_rate(TrainerConfig(learning_rate=0.3), 5, 12) == 0.3
