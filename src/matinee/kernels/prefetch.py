"""Asking for rows of a table before they are needed, so that work goes on while they come.

A row that lies anywhere in a large table is as long in coming as a hundred products. Those that a
step will touch are known when it begins; told of them, a processor fetches many at a time and
goes on, and the step finds them in its cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from matinee.kernels.arrays import Floats, Integers, ShortIntegers

LINE = 64
"""Bytes of a line of the cache."""
WRITTEN, NEAREST, DATA = 1, 3, 1
"""What is to be known of a line: it will be written to, belongs in the nearest cache, is data."""


@intrinsic
def _line(_: Any, address: Any) -> Any:
    """LLVM's `prefetch` of the line that an address is in: one instruction of the processor."""

    def emit(context: Any, builder: Any, _: Any, given: Any) -> Any:
        place, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place, number, number, number])
        call = builder.module.declare_intrinsic("llvm.prefetch", [place], kind)
        where = builder.inttoptr(given[0], place)
        builder.call(call, [where, number(WRITTEN), number(NEAREST), number(DATA)])
        return context.get_dummy_value()

    return types.void(address), emit


_fetch: Callable[[int], None] = cast("Any", _line)


@njit(nogil=True, cache=True)
def prefetch(table: Floats, rows: Integers | ShortIntegers) -> None:
    """Have the processor fetch rows `[n]` of a contiguous table `[m, d]`; nothing waits for it."""
    for row in rows:
        prefetch_row(table, row)


@njit(nogil=True, cache=True, inline="always")
def prefetch_row(table: Floats, row: int) -> None:
    """As `prefetch`, a single row."""
    size = table.shape[1] * table.itemsize
    first = table.ctypes.data + row * size
    for address in range(first, first + size, LINE):
        _fetch(address)
    _fetch(first + size - 1)
