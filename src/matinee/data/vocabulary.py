"""Outside ids and the integers that stand for them inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.errors import DataError, unknown

IntArray = NDArray[np.int32]
LongArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


class Vocabulary:
    """Ids as text, numbered 0..n-1 in the order given. Immutable.

    Args:
        ids: The outside ids, each once.
        sort: What they name ('film', 'person'); used in errors.

    Raises:
        DataError: If an id appears twice.
    """

    def __init__(self, ids: Iterable[str], *, sort: str = "id") -> None:
        self._ids = tuple(ids)
        self.sort = sort
        if len(set(self._ids)) != len(self._ids):
            twice = next(i for i in self._ids if self._ids.count(i) > 1)
            raise DataError(f"the {sort} id {twice!r} appears twice", expected="each id once")

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __getitem__(self, index: int) -> str:
        return self._ids[index]

    def __contains__(self, outside: object) -> bool:
        return outside in self._index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._ids == other._ids

    def __hash__(self) -> int:
        return hash(self._ids)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} {self.sort} ids)"

    @cached_property
    def _index(self) -> dict[str, int]:
        return {outside: index for index, outside in enumerate(self._ids)}

    def find(self, outside: str) -> int | None:
        """The integer of an outside id, or None."""
        return self._index.get(outside)

    def find_all(self, outside: Iterable[str]) -> list[int | None]:
        """As `find`, of many at once, so that one wait for the memory hides behind another."""
        return list(map(self._index.get, outside))

    def encode(self, outside: Iterable[str]) -> LongArray:
        """The integers of outside ids.

        Raises:
            UnknownName: On the first id that is not here.
        """
        found: list[int] = []
        for one in outside:
            index = self._index.get(one)
            if index is None:
                raise unknown(f"{self.sort} id", one, self._ids if len(self) <= 1000 else ())
            found.append(index)
        return np.asarray(found, dtype=np.int64)

    def decode(self, indices: Sequence[int] | NDArray[np.integer]) -> list[str]:
        """The outside ids of integers."""
        whole = indices.tolist() if isinstance(indices, np.ndarray) else indices
        return [self._ids[i] for i in whole]


class Numbers(Vocabulary):
    """The integers 0..n-1 themselves as ids, whose text is made when it is first asked for.

    Args:
        count: How many there are.
        sort: What they name; used in errors.
    """

    def __init__(self, count: int, *, sort: str = "id") -> None:
        self._count = count
        self.sort = sort

    @cached_property
    def _ids(self) -> tuple[str, ...]:
        return tuple(map(str, range(self._count)))

    def __len__(self) -> int:
        return self._count

    def decode(self, indices: Sequence[int] | NDArray[np.integer]) -> list[str]:
        """The integers as text."""
        return pl.Series(np.asarray(indices)).cast(pl.String).to_list()
