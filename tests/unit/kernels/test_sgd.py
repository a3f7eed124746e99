"""Steps for single ratings: which rows a thread asks for ahead; what they learn: see `mf`."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

COUNT, TURN = 90, 50


@pytest.mark.parametrize("thread", [0, 1])
@pytest.mark.parametrize("part", [(0, TURN), (TURN, COUNT)])
def test_a_thread_asks_for_the_rows_of_its_own_ratings(
    part: tuple[int, int], thread: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes = np.random.default_rng(0).integers(2, size=COUNT).astype(np.uint8)
    asked = rows_asked_for(part, (thread, 2), lanes, monkeypatch)
    ours, theirs = (set(np.flatnonzero(lanes == lane).tolist()) for lane in (thread, 1 - thread))
    assert asked >= ours & set(range(part[0] + ahead(), part[1]))
    assert not asked & theirs
    assert asked <= set(range(*part))


def test_one_thread_asks_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    lanes = np.arange(COUNT).astype(np.uint8) % 2
    asked = rows_asked_for((0, TURN), (0, 1), lanes, monkeypatch)
    assert asked == set(range(ahead(), TURN))


def ahead() -> int:
    from matinee.kernels.sgd import AHEAD  # noqa: PLC0415 - needs numba

    return AHEAD


def rows_asked_for(
    part: tuple[int, int],
    share: tuple[int, int],
    lanes: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> set[int]:
    """Of the people, where the rating of row n is by person n of film n."""
    from matinee.kernels import sgd  # noqa: PLC0415 - needs numba

    asked: list[int] = []
    monkeypatch.setattr(sgd, "prefetch_row", lambda _, row: asked.append(int(row)))
    rows = np.arange(COUNT, dtype=np.int32)
    tables = sgd.Tables(*np.zeros((2, COUNT, 3), np.float32))
    entries = sgd.Entries(rows, rows, np.ones(COUNT, np.float32), lanes)
    batches, losses = sgd.Batches(COUNT, np.full(1, 0.1)), np.zeros((2, 1))
    sgd._descend.py_func(part, share, tables, entries, batches, sgd.Stars(1, 0, 0), losses)
    return set(asked)
