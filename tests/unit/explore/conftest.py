"""Small data that the tests of exploring share."""

from __future__ import annotations

import pytest

from matinee.data.checks import Diagnosis, Finding
from matinee.data.interactions import Interactions
from support.exploring import HOSTILE, tastes


@pytest.fixture(scope="session")
def two_tastes() -> Interactions:
    return tastes(("Horror", "Musical"))


@pytest.fixture(scope="session")
def diagnosis() -> Diagnosis:
    return Diagnosis(
        541, 540, {"bad number": 1}, (Finding("a/b.csv", 7, HOSTILE[0]),), {"header": "yes"}
    )
