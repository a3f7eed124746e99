"""Every model in turn, fitted once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from matinee.data.interactions import Interactions
from matinee.models import MODELS, Recommender
from support.boards import checkerboard, fitted, training


@pytest.fixture(params=sorted(MODELS))
def name(request: pytest.FixtureRequest) -> str:
    """The name of each model in turn."""
    return request.param


@pytest.fixture(scope="session")
def board() -> Interactions:
    """The checkerboard."""
    return checkerboard()


@pytest.fixture(scope="session")
def trained(board: Interactions) -> Callable[[str], Recommender]:
    """Gives the fitted model of a name, fitted once for the whole session."""
    kept: dict[str, Recommender] = {}

    def get(name: str) -> Recommender:
        if name not in kept:
            kept[name] = fitted(name, training(name, board))
        return kept[name]

    return get
