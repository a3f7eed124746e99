"""Rows asked for ahead: an instruction of the processor for each line, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

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


@pytest.mark.parametrize("width", [1, 5, 16, 40, 101])
@pytest.mark.parametrize("row", [0, 3, 6])
def test_all_lines_of_a_row_are_asked_for_and_no_others(
    width: int, row: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matinee.kernels import prefetch  # noqa: PLC0415 - needs numba

    asked: list[int] = []
    monkeypatch.setattr(prefetch, "_fetch", asked.append)
    table = np.zeros((7, width), np.float32)
    prefetch.prefetch_row.py_func(table, row)
    first = table[row].ctypes.data
    wanted = {byte // prefetch.LINE for byte in range(first, first + table[row].nbytes)}
    assert {byte // prefetch.LINE for byte in asked} == wanted


@pytest.mark.parametrize("rows", [[], [2, 0, 2]])
def test_each_row_is_asked_for(rows: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    from matinee.kernels import prefetch  # noqa: PLC0415 - needs numba

    asked: list[int] = []
    monkeypatch.setattr(prefetch, "prefetch_row", lambda _, row: asked.append(int(row)))
    prefetch.prefetch.py_func(np.zeros((3, 5), np.float32), np.array(rows, np.int32))
    assert asked == rows
