"""Epochs on an accelerator: the same script on a processor, on a handful of ratings."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from benchmarks import ceilings
from benchmarks.accelerated import epochs, section
from benchmarks.peers.comparison import Arrays

from matinee.engine import Trainer

PEOPLE, FILMS, EACH = 12, 30, 9


@pytest.fixture
def arrays() -> Arrays:
    """Everyone rated films of their own, one after the other."""
    users = np.repeat(np.arange(PEOPLE, dtype=np.int32), EACH)
    items = (7 * users + 2 * np.arange(len(users))) % FILMS
    return {
        "n_users": np.array(PEOPLE),
        "n_items": np.array(FILMS),
        "train_users": users,
        "train_items": items.astype(np.int32),
    }


def test_every_network_is_trained_in_either_precision(
    arrays: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ceilings, "SIDE", 32)
    monkeypatch.setattr(ceilings, "FLOATS", 1000)
    ways = {way: given for way, given in epochs.WAYS.items() if not given.get("compile")}
    monkeypatch.setattr(epochs, "WAYS", ways)
    result = epochs.measure(arrays, "cpu", rounds=2)
    assert list(result["networks"]) == [network.title for network in epochs.NETWORKS.values()]
    for told in result["networks"].values():
        assert list(told) == ["float32", "bfloat16"]
        for figures in told.values():
            assert 0 < figures["seconds"]["low"] <= figures["seconds"]["median"]
            assert math.isfinite(figures["times_floor"])
    text = section.section({**result, "day": "2026-01-01"})
    assert text.count("| bfloat16 |") == len(epochs.NETWORKS)


def test_the_first_epoch_does_not_count(arrays: Arrays, monkeypatch: pytest.MonkeyPatch) -> None:
    network, took = epochs.NETWORKS["multvae"], [9.0, 1.0, 2.0, 3.0]
    records = [SimpleNamespace(seconds=seconds) for seconds in took]
    monkeypatch.setattr(Trainer, "run", lambda _: SimpleNamespace(records=records))
    assert epochs.epochs(network, network.data(arrays), {}, rounds=3) == took[1:]


def test_ways_are_told_beside_float32_without_compiling() -> None:
    def took(seconds: float) -> dict[str, object]:
        return {"seconds": dict.fromkeys(("median", "low", "high"), seconds), "times_floor": 5.0}

    limit = {"operations": 2e12, "bytes": 3e9}
    text = section.section(
        {
            "device": "An abacus",
            "day": "2026-01-01",
            "rounds": 5,
            "side": 64,
            "copied_mb": 7,
            "ceilings": {"float32": limit, "bfloat16": limit},
            "networks": {"Mult-VAE": {"float32": took(3.0), "bfloat16": took(2.0)}},
        }
    )
    assert "2 TFLOP/s in bfloat16, copies 3" in text
    assert "copies of 7 MB" in text
    assert "| bfloat16 | 2 [2, 2] | 1.5 | 5 |" in text
