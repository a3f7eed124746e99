"""The autoencoders against numbers worked by hand and against dense twins."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from matinee.data.batches import Batch
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.engine import Trainer, TrainerConfig
from matinee.engine.heldout import loss_over
from matinee.models import Learned, Sizes, build
from matinee.models.autoencoders import Autoencoder, MultDAE, MultVAE, MultVAEConfig, drawn
from support.boards import checkerboard, fitted, likes

NAMES = ("multdae", "multvae")
LOOP = TrainerConfig(epochs=4, batch_size=16, learning_rate=0.01, checkpoint_every=1, threads=1)


@pytest.fixture
def data() -> Interactions:
    return likes(checkerboard())


LAYERS: dict[str, dict[str, Any]] = {
    "multdae": {"hidden": (6,)},
    "multvae": {"hidden": (6,), "anneal": 3},
    "recvae": {"width": 6, "layers": 2, "passes": 1},
}


def fresh(name: str, data: Interactions, **settings: Any) -> Any:
    model = build(name, {"dim": 3, **settings}, Sizes.of(data))
    assert isinstance(model, Autoencoder)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=random), alpha=0.1)
    return model


def first(model: Learned, data: Interactions, **changes: Any) -> Batch:
    return {**model.batches(data, batch_size=16, seed=0).batch(1, 0), **changes}


def dense(model: MultDAE[Any], rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logits from dense rows `[B, n_items]`, written out; and means and variances of codes."""
    unit = rows / rows.norm(dim=1, keepdim=True)
    code = unit @ model.encoder.shown.weight + model.encoder.offset
    for layer in model.encoder.layers:
        if isinstance(layer, nn.Linear):
            code = torch.tanh(code) @ layer.weight.T + layer.bias
    mean, variance = code.tanh(), torch.zeros(())
    if isinstance(model, MultVAE):
        mean, variance = code[:, : model.config.dim], code[:, model.config.dim :].exp()
    state = mean + variance.sqrt() * torch.randn(mean.shape) if model.training else mean
    for layer in model.decoder[::2]:
        state = torch.tanh(state @ layer.weight.T + layer.bias)
    return state @ model.films.weight.T + model.films.bias, mean, variance


def test_a_case_worked_by_hand() -> None:
    data = Interactions.build([0, 0, 1], [0, 2, 1])
    model = build("multdae", {"dim": 1, "dropout": 0.0}, Sizes.of(data))
    assert isinstance(model, MultDAE)
    with torch.no_grad():
        model.encoder.shown.weight.copy_(torch.tensor([[1.0], [0.0], [2.0]]))
        model.films.weight.copy_(torch.tensor([[0.0], [1.0], [-1.0]]))
        model.films.bias.copy_(torch.tensor([1.0, 2.0, 1.0]).log())
    code = math.tanh((1 + 2) / math.sqrt(2))
    scores = model.score(Queries.anonymous([[0, 2], [1], []]))
    assert scores[0].tolist() == pytest.approx([0, math.log(2) + code, -code])
    # A code of 0 leaves the odds of the biases: 1/4, 1/2 and 1/4.
    assert scores[1:].tolist() == [pytest.approx([0, math.log(2), 0])] * 2
    normaliser = math.log(1 + 2 * math.exp(code) + math.exp(-code))
    likelihood = (0 - normaliser) + (-code - normaliser) + math.log(1 / 2)
    assert model(first(model, data)).item() == pytest.approx(-likelihood / 3)


@pytest.mark.parametrize("hidden", [(), (5,), (6, 5)])
@pytest.mark.parametrize("name", NAMES)
def test_loss_and_gradients_are_those_of_a_dense_twin(
    name: str, hidden: tuple[int, ...], data: Interactions
) -> None:
    model = fresh(name, data, hidden=hidden, dropout=0.0)
    batch = first(model, data)
    if name == "multvae":
        batch["beta"] = torch.tensor(0.3)
    rows = torch.zeros(16, data.n_items).index_put((batch["rows"], batch["items"]), torch.ones(()))
    found: list[dict[str, Tensor]] = []
    for twin in (False, True):
        torch.manual_seed(7)
        if twin:
            logits, mean, variance = dense(model, rows)
            loss = -(logits.log_softmax(1) * rows).sum()
            if name == "multvae":
                prior = Normal(torch.zeros(()), torch.ones(()))
                loss = loss + 0.3 * kl_divergence(Normal(mean, variance.sqrt()), prior).sum()
            loss = loss / rows.sum()
        else:
            loss = model(batch)
        model.zero_grad()
        loss.backward()
        gradients = {key: weight.grad for key, weight in model.named_parameters()}
        found.append({"loss": loss.detach()})
        found[-1] |= {k: g.to_dense().clone() for k, g in gradients.items() if g is not None}
    assert len(found[0]) == 1 + len(list(model.parameters()))
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_the_logits_of_the_mean_code(name: str, data: Interactions) -> None:
    model = fresh(name, data, hidden=(5,)).eval()
    queries = data.queries()
    logits = dense(model, queries.dense(data.n_items))[0]
    torch.testing.assert_close(model.score(queries), logits.detach())


def test_half_of_a_history_is_shown_and_counts_twice() -> None:
    people, films = 200, 100
    users, items = np.repeat(np.arange(people), films), np.tile(np.arange(films), people)
    data = Interactions.build(users, items)
    model = build("multdae", {"dim": films}, Sizes.of(data))
    assert isinstance(model, MultDAE)
    model.encoder.shown.weight.data.copy_(torch.eye(films))  # so that the code tells what was shown
    batch = first(model, data)
    torch.manual_seed(0)
    shown = model.encoder(batch["rows"], batch["items"], 16).atanh()
    assert sorted(shown.unique().tolist()) == pytest.approx([0, 2 / math.sqrt(films)])
    assert 0.45 < (shown > 0).float().mean() < 0.55


def test_the_divergence_rises_to_beta(data: Interactions) -> None:
    model = build("multvae", {"beta": 0.4, "anneal": 2}, Sizes.of(data))
    assert isinstance(model, MultVAE)
    batches = model.batches(data, batch_size=10, seed=0)
    assert len(batches) == 4
    weights = [float(batches.batch(e, s)["beta"]) for e in range(3) for s in range(4)]
    assert weights == pytest.approx([0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35] + [0.4] * 4)
    assert MultVAEConfig(beta=0.4, anneal=0).weight(0.0) == 0.4


def test_codes_vary_in_training_by_a_share_of_what_the_model_says() -> None:
    mean, log_variance = torch.full((20_000,), 3.0), torch.full((20_000,), math.log(4.0))
    assert torch.equal(drawn(mean, log_variance, 0.0), mean)
    for noise in (1.0, 0.25):
        codes = drawn(mean, log_variance, noise)
        assert float(codes.mean()) == pytest.approx(3.0, abs=0.1)
        assert float(codes.std()) == pytest.approx(2 * noise, rel=0.05)


def test_a_divergence_of_much_weight_makes_all_people_alike(data: Interactions) -> None:
    spread = [
        float(fitted("multvae", data, beta=beta, anneal=0).score(data.queries()).std(0).mean())
        for beta in (0.0, 100.0)
    ]
    assert spread[1] < 0.1 * spread[0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("people", [7, 100])
def test_the_held_out_loss_is_the_mean_over_held_out_films(
    name: str, people: int, data: Interactions
) -> None:
    out = np.arange(len(data)) % 4 == 0
    learned, held_out = data.take(~out), data.take(out & (data.users % 3 > 0))
    model = fitted(name, learned)
    assert isinstance(model, Learned)
    batches = model.held_out_batches(held_out, learned, batch_size=people, seed=0)
    assert batches is not None
    odds = model.score(learned.queries()).log_softmax(1).numpy()
    expected = -odds[held_out.users, held_out.items].mean()
    assert loss_over(model, batches) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "stop"),
    [*product(LAYERS, [(1, 0), (2, 1)]), ("recvae", (1, 3)), ("recvae", (1, 4))],
)
def test_a_run_cut_anywhere_ends_with_the_same_bits(
    name: str, stop: tuple[int, int], data: Interactions, tmp_path: Path
) -> None:
    def trainer(folder: Path | None) -> Trainer:
        return Trainer(fresh(name, data, **LAYERS[name]), data, LOOP, seed=5, folder=folder)

    whole = trainer(None)
    losses = [record.loss for record in whole.run().records]
    cut = trainer(tmp_path)
    taken = cut.batches.batch

    def batch(epoch: int, step: int) -> Batch:
        if (epoch, step) == stop:
            raise RuntimeError("cut")
        return taken(epoch, step)

    cut.batches.batch = batch  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="cut"):
        cut.run()
    resumed = trainer(tmp_path)
    assert [record.loss for record in resumed.run(resume=True).records] == losses
    ours, theirs = resumed.model.state_dict(), whole.model.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())


@pytest.mark.parametrize("changes", [{"threads": 2}, {"precision": "bfloat16"}])
@pytest.mark.parametrize("name", LAYERS)
def test_it_trains_the_like_on_two_threads_and_in_half_precision(
    name: str, changes: dict[str, Any], data: Interactions
) -> None:
    losses = []
    for settings in ({}, changes, changes):
        model = fresh(name, data, **LAYERS[name])
        records = Trainer(model, data, LOOP.updated(settings), seed=5).run().records
        losses.append([record.loss for record in records])
    assert losses[1] == losses[2]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_films_that_nobody_watched_say_nothing(name: str, data: Interactions) -> None:
    learned = data.take(data.items != 4)
    model = fitted(name, learned)
    assert isinstance(model, MultDAE)
    assert not model.encoder.shown.weight[4].any()
    assert model.encoder.shown.weight[3].any()
