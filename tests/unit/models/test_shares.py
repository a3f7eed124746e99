"""Work in shares: the same with one thread and with two, errors told, noise of one's own."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest
import torch
from torch import Tensor, nn

from matinee.data.batches import Batch
from matinee.errors import DataError
from matinee.models import Sizes, build
from matinee.models.layers import Dropout
from matinee.models.sasrec import SASRec
from matinee.models.shares import side_by_side, sum_of_losses
from support.boards import staircase


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Generator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_come_in_order_and_threads_are_as_before(threads: int) -> None:
    assert side_by_side([lambda k=k: k * k for k in range(9)]) == [k * k for k in range(9)]
    assert torch.get_num_threads() == threads


def test_two_jobs_run_at_once_each_with_one_thread() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    meeting = threading.Barrier(2, timeout=30)

    def job() -> tuple[int, bool]:
        meeting.wait()  # breaks unless the other one is there as well
        return torch.get_num_threads(), torch.is_grad_enabled()

    try:
        with torch.no_grad():
            assert side_by_side([job, job]) == [(1, False), (1, False)]
    finally:
        torch.set_num_threads(before)


def test_an_error_is_raised_by_the_caller(threads: int) -> None:
    def fails() -> int:
        raise DataError("broken", where="here", remedy="mend it")

    with pytest.raises(DataError, match="broken"):
        side_by_side([lambda: 1, fails, lambda: 2])
    assert torch.get_num_threads() == threads


def test_gradients_of_a_sum_of_losses_are_those_of_plain_losses(threads: int) -> None:
    layer = nn.Linear(3, 2)
    inputs = torch.randn(5, 3).unbind()
    weights = list(layer.parameters())
    ours = 3 * sum_of_losses([lambda x=x: layer(x).exp().sum() for x in inputs], weights)
    plain = 3 * torch.stack([layer(x).exp().sum() for x in inputs]).sum()
    torch.testing.assert_close(ours, plain)
    for found, wanted in zip(
        torch.autograd.grad(ours, weights), torch.autograd.grad(plain, weights), strict=True
    ):
        torch.testing.assert_close(found, wanted)


def sequences() -> tuple[SASRec, Batch]:
    """An untrained model and a batch of people of unlike lengths."""
    data = staircase()
    model = build("sasrec", {"dim": 8, "length": 12, "dropout": 0.4}, Sizes.of(data))
    assert isinstance(model, SASRec)
    batch = model.batches(data, batch_size=32, seed=0).batch(0, 0)
    lengths = torch.arange(len(batch["items"])) % batch["items"].shape[1] + 1
    beyond = torch.arange(batch["items"].shape[1]) >= lengths[:, None]
    return model, {
        "items": batch["items"].masked_fill(beyond, data.n_items),
        "asked": ~beyond,
    }


def loss_and_gradients(model: SASRec, batch: Batch) -> list[Tensor]:
    torch.manual_seed(7)
    loss = model(batch)
    return [loss.detach(), *torch.autograd.grad(loss, list(model.parameters()))]


def test_shares_change_the_loss_of_a_batch_by_rounding_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, batch = sequences()
    model.eval()
    found: list[list[Tensor]] = []
    for films in (10**6, 20, 1):
        monkeypatch.setattr(SASRec, "share", films)
        found.append(loss_and_gradients(model, batch))
    with torch.no_grad():  # undivided
        torch.testing.assert_close(found[0][0], model(batch))
    for other in found[1:]:
        for ours, whole in zip(other, found[0], strict=True):
            torch.testing.assert_close(ours, whole, rtol=1e-4, atol=1e-6)


def test_threads_do_not_change_a_bit_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SASRec, "share", 20)
    model, batch = sequences()
    before = torch.get_num_threads()
    found: list[list[Tensor]] = []
    for count in (1, 2, 2):
        torch.set_num_threads(count)
        found.append(loss_and_gradients(model, batch))
    torch.set_num_threads(before)
    for other in found[1:]:
        assert all(map(torch.equal, other, found[0]))


def test_dropout_keeps_its_share_and_the_mean() -> None:
    dropout = Dropout(0.3)
    values = torch.ones(401, 501)
    noise = [torch.Generator().manual_seed(seed) for seed in (1, 1, 2)]
    first, again, other = (dropout(values, generator) for generator in noise)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.unique().tolist() == pytest.approx([0, 1 / 0.7])
    assert float((first == 0).float().mean()) == pytest.approx(0.3, abs=0.005)
    assert torch.equal(dropout.eval()(values), values)
