"""Side by side with other packages, each in an environment of its own."""

from __future__ import annotations

from importlib import import_module
from typing import Any

COMPARISONS = [
    *("neumf256", "neumf2048", "neumfbest", "neumfquality", "sasrec", "sasrec_ten"),
    *("sasrec_long", "multvae"),
    *("ease", "ials", "mf", "topk", "neumftop", "ranking"),
]


def named(name: str) -> Any:
    """The `Comparison` of that name."""
    return import_module(f"benchmarks.peers.{name}").COMPARISON
