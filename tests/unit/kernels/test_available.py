"""Where machine code is kept when nothing may be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from matinee import kernels

pytest.importorskip("numba")


@pytest.fixture
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(kernels.CACHE, raising=False)
    kernels.available.cache_clear()
    yield
    kernels.available.cache_clear()


@pytest.mark.usefixtures("_nothing_remembered")
def test_a_folder_of_its_own_where_no_other_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_writable", lambda folder: False)
    assert kernels.available()
    folder = Path(os.environ[kernels.CACHE])
    assert folder.is_dir()
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("_nothing_remembered")
def test_numba_chooses_otherwise() -> None:
    assert kernels.available()
    assert kernels.CACHE not in os.environ
