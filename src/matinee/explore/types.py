"""What an exploration is: sections, each one side of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matinee.exhibits.types import Section


@dataclass(frozen=True)
class Survey:
    """All that was found in a data set.

    Attributes:
        data: The name it was asked for by.
        seed: Of what was drawn: random splits and the first guesses of segments.
        sections: In the order they are read.
        note: What must be known of the data before anything else, or ''.
    """

    data: str
    seed: int
    sections: tuple[Section, ...]
    note: str = ""

    def section(self, name: str) -> Section:
        """The section of a name."""
        return next(section for section in self.sections if section.name == name)

    def as_dict(self) -> dict[str, Any]:
        """The outward JSON form."""
        return {
            "data": self.data,
            "seed": self.seed,
            "note": self.note,
            "sections": {section.name: section.as_dict() for section in self.sections},
        }
