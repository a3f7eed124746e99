"""Rows asked for ahead: an instruction of the processor for each line, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

numba = pytest.importorskip("numba")


def test_the_processor_is_told() -> None:
    from matinee.kernels.prefetch import prefetch  # noqa: PLC0415 - needs numba

    @numba.njit
    def ask(table: np.ndarray, rows: np.ndarray) -> None:
        prefetch(table, rows)

    table = np.zeros((4, 40), np.float32)
    ask(table, np.array([1]))
    (code,) = ask.inspect_llvm().values()
    assert "call void @llvm.prefetch" in code


@pytest.mark.parametrize("rows", [[], [0], [6, 0, 6, 3]])
def test_nothing_changes(rows: list[int]) -> None:
    from matinee.kernels.prefetch import prefetch  # noqa: PLC0415 - needs numba

    table = np.arange(7 * 5, dtype=np.float32).reshape(7, 5)
    before = table.copy()
    prefetch(table, np.array(rows, np.int32))
    assert_array_equal(table, before)
