"""Seconds of epochs, of every network in every way, beside the ceilings of the device."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.peers import multvae, named, neumf, sasrec
from benchmarks.peers.comparison import Arrays
from benchmarks.peers.rounds import spread
from benchmarks.roofline import roofline

WAYS: dict[str, dict[str, Any]] = {
    "float32": {},
    "float32 compiled": {"compile": True},
    "bfloat16": {"precision": "bfloat16"},
    "bfloat16 compiled": {"precision": "bfloat16", "compile": True},
}
"""Settings of the training."""


@dataclass(frozen=True)
class Network:
    """What is trained.

    Attributes:
        title: In words.
        model: Its name.
        settings: Of the model.
        data: Makes what it is trained on from the arrays that all comparisons share.
        batch: Rows of a step.
    """

    title: str
    model: str
    settings: Mapping[str, Any]
    data: Callable[[Arrays], Any]
    batch: int


NETWORKS = {
    "neumfbest": Network(
        "NeuMF, a quarter of the ratings",
        "neumf",
        neumf.SMALL.ours,
        neumf.interactions,
        65_536,
    ),
    "sasrec": Network(
        "SASRec, length 50", "sasrec", sasrec.settings(50), sasrec.interactions, sasrec.BATCH
    ),
    "sasrec_long": Network(
        "SASRec, length 200", "sasrec", sasrec.settings(200), sasrec.interactions, sasrec.BATCH
    ),
    "multvae": Network(
        "Mult-VAE", "multvae", multvae.SETTINGS, multvae.interactions, multvae.BATCH
    ),
}
"""By the names of the comparisons that they are from, whose work is counted."""


def epochs(network: Network, data: Any, settings: Mapping[str, Any], rounds: int) -> list[float]:
    """Seconds of each epoch but the first."""
    import torch

    from matinee.engine import Trainer, TrainerConfig
    from matinee.models import Learned, Sizes, build

    torch.compiler.reset()  # what others had compiled counts against a limit
    loop = TrainerConfig(epochs=1 + rounds, batch_size=network.batch).updated(settings)
    model = build(network.model, network.settings, Sizes.of(data))
    assert isinstance(model, Learned)
    return [record.seconds for record in Trainer(model, data, loop).run().records[1:]]


def measure(arrays: Arrays, device: str, rounds: int) -> dict[str, Any]:
    """Train every network in every way."""
    import torch

    from benchmarks.ceilings import FLOATS, LARGER, SIDE, ceilings
    from matinee.engine.trainer import choose_device, device_name

    kinds = ("float32", "bfloat16")
    limits = {kind: ceilings(device, getattr(torch, kind)) for kind in kinds}
    networks: dict[str, dict[str, Any]] = {}
    for name, network in NETWORKS.items():
        data, work = network.data(arrays), named(name).work(arrays)
        told: dict[str, Any] = {}
        for way, settings in WAYS.items():
            seconds = spread(epochs(network, data, {**settings, "device": device}, rounds))
            limit = limits[settings.get("precision", "float32")]
            floor = roofline(work, limit, seconds["median"])
            told[way] = {"seconds": seconds, "times_floor": floor["times_floor"]}
            print(f"{name} {way}: {seconds['median']:.4f} s", file=sys.stderr)
        networks[network.title] = told
    return {
        "device": device_name(choose_device(device)),
        "rounds": rounds,
        "side": LARGER * SIDE,
        "copied_mb": 4 * LARGER * FLOATS >> 20,
        "ceilings": limits,
        "networks": networks,
    }
