"""RecVAE against dense twins of its two turns."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, Normal
from torch.nn import functional

from matinee.data.batches import Batch
from matinee.data.interactions import Interactions
from matinee.engine import TrainerConfig, fit
from matinee.errors import ConfigError
from matinee.models import Sizes, build
from matinee.models.autoencoders import Encoder
from matinee.models.recvae import DenseLayers, RecVAE
from support.boards import checkerboard, likes

WEIGHTS = (0.2, 0.5, 0.3)


@pytest.fixture
def data() -> Interactions:
    """Likes of 40 people."""
    return likes(checkerboard())


@pytest.fixture
def model(data: Interactions) -> RecVAE:
    """Small, all weights moved, and with an encoder of before that is another one."""
    settings = {"dim": 3, "width": 5, "layers": 3, "dropout": 0.0, "gamma": 0.3, "prior": WEIGHTS}
    made = build("recvae", settings, Sizes.of(data))
    assert isinstance(made, RecVAE)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(torch.randn(weight.shape, generator=random), alpha=0.3)
    return made


def batches_of(model: RecVAE, data: Interactions, epoch: int = 0) -> list[Batch]:
    batches = model.batches(data, batch_size=16, seed=0)
    return [batches.batch(epoch, step) for step in range(len(batches))]


def dense(encoder: Encoder, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Means and log-variances from dense rows `[B, n_items]`, as the paper draws them."""
    layers = encoder.layers
    assert isinstance(layers, DenseLayers)
    before = functional.normalize(rows) @ encoder.shown.weight + encoder.offset
    made: list[Tensor] = []
    for place, norm in enumerate(layers.norms):
        if place:
            before = layers.layers[place - 1](made[-1]) + torch.stack(made).sum(0)
        made.append(norm(before * before.sigmoid()))
    mean, log_variance = layers.out(made[-1]).chunk(2, 1)
    return mean, log_variance


def gradients(model: RecVAE, loss: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    loss.backward()
    given = {name: w.grad for name, w in model.named_parameters() if w.grad is not None}
    return {name: g.to_dense().clone() for name, g in given.items()}


def test_the_encoders_turn_is_that_of_a_dense_twin(model: RecVAE, data: Interactions) -> None:
    batch = batches_of(model, data)[0]
    rows = torch.zeros(16, data.n_items).index_put((batch["rows"], batch["items"]), torch.ones(()))
    torch.manual_seed(7)
    loss = model(batch)
    ours = gradients(model, loss)
    torch.manual_seed(7)
    mean, log_variance = dense(model.encoder, rows)
    now = Normal(mean, (0.5 * log_variance).exp())
    code = mean + now.scale * torch.randn(mean.shape)
    with torch.no_grad():
        was, log_was = dense(model.before, rows)
    means = torch.stack([torch.zeros_like(was), was, torch.zeros_like(was)], -1)
    spreads = torch.stack([torch.ones_like(was), (0.5 * log_was).exp(), torch.ones_like(was)], -1)
    spreads[..., 2] = math.exp(5)
    prior = MixtureSameFamily(Categorical(torch.tensor(WEIGHTS)), Normal(means, spreads))
    divergence = (now.log_prob(code) - prior.log_prob(code)).sum(1)
    odds = (code @ model.films.weight.detach().T + model.films.bias.detach()).log_softmax(1)
    likelihood = (odds * rows).sum(1) - 0.3 * rows.sum(1) * divergence
    expected = -likelihood.sum() / rows.sum()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(ours, gradients(model, expected), rtol=1e-4, atol=1e-6)
    assert all(name.startswith("encoder.") for name in ours)


def test_the_decoders_turn_is_that_of_a_dense_twin(model: RecVAE, data: Interactions) -> None:
    batch = batches_of(model, data)[-1]
    count = int(batch["rows"][-1]) + 1
    rows = torch.zeros(count, data.n_items)
    rows[batch["rows"], batch["items"]] = 1
    torch.manual_seed(7)
    loss = model(batch)
    ours = gradients(model, loss)
    torch.manual_seed(7)
    with torch.no_grad():
        mean, log_variance = dense(model.before, rows)
        code = mean + (0.5 * log_variance).exp() * torch.randn(mean.shape)
    odds = (code @ model.films.weight.T + model.films.bias).log_softmax(1)
    expected = -(odds * rows).sum() / rows.sum()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(ours, gradients(model, expected), rtol=1e-4, atol=1e-6)
    assert set(ours) == {"films.weight", "films.bias"}


def test_an_epoch_is_the_encoders_passes_and_then_the_decoders(
    model: RecVAE, data: Interactions
) -> None:
    told = batches_of(model, data)
    assert [bool(b["decoding"]) for b in told] == [False] * 9 + [True] * 3
    assert [bool(b["first"]) for b in told] == [False] * 9 + [True] + [False] * 2
    for turn in range(4):  # everyone once in each pass, in another order
        lengths = torch.cat([b["rows"].bincount() for b in told[3 * turn : 3 * turn + 3]])
        assert len(lengths) == data.n_users
    firsts = [b["items"].tolist() for b in told[::3]]
    assert len({tuple(items) for items in firsts}) == 4
    assert told[0]["items"].tolist() != batches_of(model, data, epoch=1)[0]["items"].tolist()


def test_the_encoder_is_remembered_when_it_has_learned(model: RecVAE, data: Interactions) -> None:
    def alike() -> bool:
        pairs = zip(model.encoder.parameters(), model.before.parameters(), strict=True)
        return all(torch.equal(ours, theirs) for ours, theirs in pairs)

    told = batches_of(model, data)
    model(told[0])
    assert not alike()
    model(told[9])
    assert alike()


def test_the_encoder_of_before_learns_nothing_and_has_no_moments(data: Interactions) -> None:
    settings = {"dim": 3, "width": 5, "layers": 2, "passes": 2}
    model = build("recvae", settings, Sizes.of(data))
    assert isinstance(model, RecVAE)
    fit(model, data, TrainerConfig(epochs=2, batch_size=16, weight_decay=0.1))
    assert not any(weight.requires_grad for weight in model.before.parameters())
    # The decoder's turn comes last, and the encoder is remembered at its beginning.
    for ours, theirs in zip(model.encoder.parameters(), model.before.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_strong_prior_makes_all_people_alike(data: Interactions) -> None:
    spread: list[float] = []
    for gamma in (0.0, 10.0):
        settings = {"dim": 3, "width": 8, "layers": 2, "gamma": gamma, "prior": (0.998, 1e-3, 1e-3)}
        model = build("recvae", settings, Sizes.of(data))
        fit(model, data, TrainerConfig(epochs=30, batch_size=16, learning_rate=0.02))
        spread.append(float(model.eval().score(data.queries()).std(0).mean()))
    assert spread[1] < 0.2 * spread[0]


@pytest.mark.parametrize("prior", [(0.5, 0.5, 0.5), (1.0, 0.0, 0.0)])
def test_weights_of_the_prior_must_be_shares(prior: tuple[float, float, float]) -> None:
    with pytest.raises(ConfigError, match="prior"):
        build("recvae", {"prior": prior}, Sizes(3, 4, 5))
