"""What no other package is measured beside: reading, a large epoch, service calls, starting."""

from __future__ import annotations

from importlib import import_module
from typing import Any

MEASUREMENTS = ["reading", "neumf20m", "service27k", "service1m", "near1m", "starting"]


def named(name: str) -> Any:
    """The `Measurement` of that name."""
    return import_module(f"benchmarks.own.{name}").MEASUREMENT
