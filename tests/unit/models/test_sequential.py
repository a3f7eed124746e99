"""Models of order: what they may look at, what time does, and HSTU beside its equations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from matinee.data.batches import Batch
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.errors import ConfigError
from matinee.models import Sizes, build
from matinee.models.hstu import BUCKETS, HSTU, Unit, bucket
from matinee.models.sequential import Sequential
from support.boards import fitted, staircase

FILMS, LENGTH = 20, 6
MODELS = {
    "sasrec": {},
    "sasrec from the end": {"counted": "end"},
    "gru4rec": {},
    "bert4rec": {},
    "hstu": {},
    "hstu from the end": {"counted": "end"},
    "hstu of eras": {"eras": 4},
}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> Sequential:
    """Each model with random weights."""
    name, settings = request.param.split()[0], MODELS[request.param]
    common = {"dim": 8, "length": LENGTH}
    made = build(name, common | settings, Sizes(3, FILMS, 30), seed=1)
    assert isinstance(made, Sequential)
    return made.eval()


def sequences() -> Batch:
    """Three people of unlike lengths, asked about some places."""
    random = torch.Generator().manual_seed(0)
    places = torch.arange(LENGTH)
    real = places < torch.tensor([6, 4, 2])[:, None]
    items = torch.randint(FILMS, real.shape, generator=random)
    waits = torch.randint(1, 100_000, real.shape, generator=random)
    return {
        "items": items.masked_fill(~real, FILMS),
        "asked": real & (places % 2 == 1),
        "times": 1_000_000 + waits.cumsum(1),
    }


@torch.no_grad()
def states(model: Sequential, batch: Batch) -> Tensor:
    """What the places that are asked about are foretold from."""
    return model.foretell(batch)[batch["asked"]]


def test_the_film_at_a_place_that_is_asked_about_is_not_looked_at(model: Sequential) -> None:
    """From left to right that one and all later ones; from both sides the hidden ones."""
    batch = sequences()
    last = batch["asked"] & ~batch["asked"].flip(1).cumsum(1).gt(1).flip(1)
    assert last.sum(1).tolist() == [1, 1, 1]
    batch["asked"] = last
    others = batch | {"items": torch.where(last, (batch["items"] + 1) % FILMS, batch["items"])}
    torch.testing.assert_close(states(model, batch), states(model, others))
    before = last.roll(-1, 1)
    others = batch | {"items": torch.where(before, (batch["items"] + 1) % FILMS, batch["items"])}
    assert not torch.allclose(states(model, batch), states(model, others))


def test_padding_is_not_looked_at(model: Sequential) -> None:
    batch = sequences()
    alone = torch.cat(
        [
            states(model, {name: column[row : row + 1, :length] for name, column in batch.items()})
            for row, length in enumerate((6, 4, 2))
        ]
    )
    torch.testing.assert_close(states(model, batch), alone)


@pytest.mark.parametrize("name", ["sasrec", "bert4rec", "hstu"])
def test_heads_that_do_not_share_the_width_evenly_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"heads = 3.*divisor of dim = 8"):
        build(name, {"dim": 8, "heads": 3}, Sizes(3, FILMS, 30))
    with pytest.raises(ConfigError, match=r"heads = 2.*divisor of dim = 9"):
        build(name, {"dim": 9}, Sizes(3, FILMS, 30))


def test_only_the_latest_films_count(model: Sequential) -> None:
    history = list(range(10))
    scores = model.score(Queries.anonymous([history, history[-LENGTH:], history[1 - LENGTH :]]))
    torch.testing.assert_close(scores[0], scores[1])
    assert not torch.allclose(scores[0], scores[2])


def test_what_is_asked_in_training_is_what_is_asked_later(model: Sequential) -> None:
    """The state before a film is that of a request of someone who has rated those before it."""
    batch = sequences()
    batch["asked"] = torch.zeros_like(batch["asked"])
    batch["asked"][0, 4] = True
    batch = {name: column[:1, :5] for name, column in batch.items()}
    history = Queries.anonymous([batch["items"][0, :4].tolist()])
    history = replace(history, times=batch["times"][0, :4], at=batch["times"][0, 4:])
    logits = states(model, batch) @ model.item_vectors().T
    torch.testing.assert_close(model.score(history), logits)


@pytest.mark.parametrize("loss", ["sampled", "gbce"])
def test_a_few_negatives_teach_the_next_step_too(loss: str) -> None:
    model = fitted("sasrec", staircase(), loss=loss, negatives=10)
    best = model.score(Queries.anonymous([[3, 4, 5], [17, 18, 19], [9, 10]])).argmax(1)
    assert best.tolist() == [6, 0, 11]


@pytest.mark.parametrize("name", ["sasrec", "hstu"])
def test_counted_from_the_end_all_ask_at_the_same_place(name: str) -> None:
    settings = {"dim": 8, "length": LENGTH, "counted": "end"}
    model = build(name, settings, Sizes(3, FILMS, 30), seed=1).eval()
    assert isinstance(model, Sequential)
    looked_up: list[Tensor] = []
    places = model.get_submodule("places")
    places.register_forward_hook(lambda _, inputs, __: looked_up.append(inputs[0]))
    model.score(Queries.anonymous([[1, 2], [1, 2, 3, 4]]))
    assert looked_up[0].tolist() == [[2, 1, 0, 0, 0], [4, 3, 2, 1, 0]]


def test_a_unit_of_hstu_is_the_published_one() -> None:
    """Equations 1 to 3, each weight worked by itself."""
    torch.manual_seed(0)
    unit = Unit(8, 2, LENGTH, 0.0).eval()
    for bias in (unit.distance, unit.wait):
        torch.nn.init.normal_(bias)
    hidden, waits = torch.randn(1, 4, 8), torch.randint(BUCKETS, (1, 4, 4))
    with torch.no_grad():
        parts = unit.parts(unit.before(hidden))[0].double().numpy()
        gate, value, query, key = np.split(silu(parts), 4, axis=1)
        seen = np.zeros((4, 8))
        for head in (slice(0, 4), slice(4, 8)):
            for i in range(4):
                for j in range(i + 1):
                    bias = float(unit.distance[i - j] + unit.wait[waits[0, i, j]])
                    seen[i, head] += silu(query[i, head] @ key[j, head] + bias) * value[j, head]
        seen = unit.after(torch.from_numpy(seen).float())
        expected = hidden[0] + unit.joined(torch.from_numpy(gate).float() * seen)
        torch.testing.assert_close(unit(hidden, waits)[0], expected, rtol=1e-4, atol=1e-5)


def silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))


def test_buckets_of_time_grow_with_time() -> None:
    seconds = torch.tensor([-5, 0, 1, 60, 3600, 86_400, 10**9, 2**60])
    found = bucket(seconds).tolist()
    assert found[:2] == [0, 0]
    assert found[1:-1] == sorted(set(found[1:-1]))
    assert found[-1] == BUCKETS - 1


def test_hstu_minds_how_long_ago_things_were_and_when_it_is_asked() -> None:
    model = build("hstu", {"dim": 8, "length": LENGTH}, Sizes(3, FILMS, 30), seed=1).eval()
    assert isinstance(model, HSTU)
    for unit in model.blocks:
        assert isinstance(unit, Unit)
        torch.nn.init.normal_(unit.wait)
    asked = replace(
        Queries.anonymous([[1, 2, 3]] * 4 + [[]]),
        times=torch.tensor([100, 200, 300] * 3 + [9100, 9200, 9300]),
        at=torch.tensor([0, 300, 9000, 9300, 50]),
    )
    scores = model.score(asked)
    torch.testing.assert_close(scores[0], scores[1])  # unknown is right after the last
    assert not torch.allclose(scores[1], scores[2])
    torch.testing.assert_close(scores[1], scores[3])  # not the time counts but the distance


def test_eras_have_as_many_ratings_each() -> None:
    times = np.array([5, 1, 9, 2, 30, 40, 7, 8])
    data = Interactions.build([0, 0, 0, 0, 1, 1, 1, 1], [0, 1, 2, 3] * 2, times=times)
    model = of_eras(Sizes.of(data))
    model.prepare(data)
    eras = torch.bucketize(torch.from_numpy(np.sort(times)), model.ends, right=True)
    assert eras.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_with_eras_both_the_wait_and_the_date_of_a_question_count() -> None:
    """The biases of attention are 0, and tell nothing."""
    model = of_eras(Sizes(3, FILMS, 30))
    model.ends.copy_(torch.tensor([1000, 2000, 3000]))
    for unit in model.blocks:
        assert isinstance(unit, Unit)
        torch.nn.init.zeros_(unit.wait)
    asked = replace(
        Queries.anonymous([[1, 2]] * 4),
        times=torch.tensor([100, 200] * 3 + [1100, 1200]),
        at=torch.tensor([201, 999, 1000, 1201]),
    )
    scores = model.score(asked)
    assert not torch.allclose(scores[0], scores[1])  # another wait
    assert not torch.allclose(scores[1], scores[2])  # the same wait, the next era
    assert not torch.allclose(scores[0], scores[3])  # the same, all in the next era
    later = model.score(replace(asked, times=asked.times + 8000, at=asked.at + 8000))
    torch.testing.assert_close(later[0], later[3])  # what is after the last era's begin is of it


def test_who_is_not_known_to_ask_at_any_time_asks_in_the_last_era() -> None:
    model = of_eras(Sizes(3, FILMS, 30))
    model.ends.copy_(torch.tensor([1000, 2000, 3000]))
    stranger = Queries.anonymous([[1, 2]])
    now, early = (replace(stranger, times=torch.tensor([at, at])) for at in (3500, 500))
    torch.testing.assert_close(model.score(stranger), model.score(now))
    assert not torch.allclose(model.score(stranger), model.score(early))


def of_eras(sizes: Sizes) -> HSTU:
    model = build("hstu", {"dim": 8, "length": LENGTH, "eras": 4}, sizes, seed=1).eval()
    assert isinstance(model, HSTU)
    return model
