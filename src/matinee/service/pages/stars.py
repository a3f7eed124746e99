"""Stars: the ratings a page offers, and how they are written and said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

MOST = 10
"""Ratings that are offered at most."""

HALF = "½"


class Scale(Protocol):
    """The scale of the data."""

    @property
    def low(self) -> float: ...  # noqa: D102
    @property
    def high(self) -> float: ...  # noqa: D102
    @property
    def step(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Level:
    """A rating that can be given.

    Attributes:
        value: As forms send it.
        shown: As it is written: '3½'.
        said: As it is read aloud: '3½ stars'.
    """

    value: str
    shown: str
    said: str


def levels(scale: Scale) -> list[Level]:
    """The ratings to choose from, ascending: those of the data, or ten spread over them."""
    count = 1 + (round((scale.high - scale.low) / scale.step) if scale.step else 0)
    if count == 1:
        return [Level(f"{scale.low:g}", "♥", "I like it")]
    step = scale.step if count <= MOST else (scale.high - scale.low) / (MOST - 1)
    values = (scale.low + i * step for i in range(min(count, MOST)))
    return [Level(f"{v:.4g}", shown(v), said(v)) for v in values]


def shown(value: float) -> str:
    """'3½' for a half, '4' for a whole, one decimal for anything else."""
    whole, rest = divmod(value, 1)
    if rest == 0.5:
        return f"{whole:.0f}{HALF}" if whole else HALF
    return f"{value:.1f}".removesuffix(".0")


def said(value: float) -> str:
    """'half a star', '1 star', '3½ stars'."""
    if value == 0.5:
        return "half a star"
    return f"{shown(value)} star" + ("" if value == 1 else "s")


def given(text: str, offered: Sequence[Level]) -> float | None:
    """The rating that a form sends, or None if it is not among those offered."""
    return next((float(level.value) for level in offered if level.value == text), None)
