"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

DATASETS = Path(os.environ.get("MATINEE_DATA") or Path(__file__).parents[2] / "shared" / "datasets")


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a data home of its own, so that no cache carries over."""
    monkeypatch.setenv("MATINEE_HOME", str(tmp_path / "matinee-home"))


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of real data sets; tests that need it are skipped where it is absent."""
    if not DATASETS.is_dir():
        reason = f"real data sets are not at {DATASETS}: set MATINEE_DATA"
        warnings.warn(reason, pytest.PytestWarning, stacklevel=1)
        pytest.skip(reason)
    return DATASETS
