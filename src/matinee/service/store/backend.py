"""What a kind of database must be able to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.sql.selectable import SelectBase

from matinee.service.store.direct import Rows
from matinee.service.store.places import Place

T = TypeVar("T")


class Backend(Protocol):
    """A database that functions of a connection are run on.

    Every function runs in a transaction of its own and may be run again if the database asks
    for it, so it must change nothing but the database.
    """

    place: Place

    def read(self, question: Callable[[Connection], T]) -> T:
        """Run a function that reads; all it reads is of one moment."""
        ...

    def fetch(self, statement: SelectBase, every: Sequence[Mapping[str, Any]]) -> list[Rows]:
        """The rows of a statement for each set of parameters; those of one are of one moment."""
        ...

    def write(self, change: Callable[[Connection], T]) -> T:
        """Run a function that writes; what it wrote is on the disk when this returns."""
        ...

    def close(self) -> None:
        """Finish what waits and let go of the database."""
        ...
