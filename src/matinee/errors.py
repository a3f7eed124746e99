"""What can go wrong, told so that it can be mended.

Every error a user can cause is a `MatineeError`: it says what happened, where, what was
expected and what to do, on one line. Anything else that escapes is a bug of ours, and is
shown as a `Bug`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class MatineeError(Exception):
    """A mistake that the user can mend.

    Args:
        what: What happened, as a short clause without a full stop.
        where: The file, line, key or option it happened in.
        expected: What would have been right.
        remedy: What to do about it.
    """

    kind: ClassVar[str] = "error"

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what, self.where, self.expected, self.remedy = what, where, expected, remedy

    def __str__(self) -> str:
        """The whole story on one line."""
        line = self.what if self.where is None else f"{self.where}: {self.what}"
        if self.expected:
            line += f"; expected {self.expected}"
        if self.remedy:
            line += f". {self.remedy}"
        return " ".join(line.split())

    def as_dict(self) -> dict[str, str | None]:
        """The fields of the outward JSON form."""
        return {
            "kind": self.kind,
            "what": self.what,
            "where": self.where,
            "expected": self.expected,
            "remedy": self.remedy,
        }


class DataError(MatineeError):
    """Ratings, films or people that cannot be read or do not fit together."""

    kind = "data"


class DownloadError(MatineeError):
    """A data set that could not be fetched, verified or unpacked."""

    kind = "download"


class ConfigError(MatineeError):
    """A setting that does not exist or has a value out of its range."""

    kind = "config"


class UnknownName(MatineeError):
    """A name (model, data set, film, person, metric) that is not there."""

    kind = "unknown"


class AmbiguousTitle(MatineeError):
    """A title that fits several films."""

    kind = "ambiguous"


class ArtefactError(MatineeError):
    """A run folder that is incomplete, tampered with, or from a newer version."""

    kind = "artefact"


class TrainingError(MatineeError):
    """A training that cannot go on, or a checkpoint that cannot be resumed."""

    kind = "training"


class StaleCheckpoint(TrainingError):
    """A checkpoint of other data or settings than those of the training that is to go on."""


class TooLarge(MatineeError):
    """A training that cannot fit in the memory there is."""

    kind = "memory"


class EvaluationError(MatineeError):
    """An evaluation that cannot be done, or a figure that would not mean anything."""

    kind = "evaluation"


class StoreError(MatineeError):
    """A database that cannot be reached, opened or used."""

    kind = "store"


class Bug(MatineeError):
    """What nobody who uses Matinee can mend: a mistake of ours."""

    kind = "bug"


def unknown(sort: str, name: str, known: Iterable[str], *, where: str | None = None) -> UnknownName:
    """An `UnknownName` that suggests the nearest of the known names.

    Args:
        sort: What kind of thing was asked for ('model', 'data set').
        name: The name that was not found.
        known: All valid names.
        where: The option or key it was given in.
    """
    names = sorted(known)
    return UnknownName(
        f"there is no {sort} called {name!r}",
        where=where,
        expected="one of " + ", ".join(names) if len(names) <= 40 else None,
        remedy=suggestion(name, names),
    )


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """'Did you mean X?' for the nearest known name, or None if nothing is near."""
    originals = {k.casefold(): k for k in known}
    near = difflib.get_close_matches(name.casefold(), originals, n=1)
    return f"Did you mean {originals[near[0]]!r}?" if near else None
