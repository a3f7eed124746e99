"""A person's own ratings, taken along from another site, and found again in a catalogue."""

from matinee.data.exports.cells import guarded
from matinee.data.exports.formats import KINDS
from matinee.data.exports.matching import match
from matinee.data.exports.reading import read_export
from matinee.data.exports.types import Entry, Export, LeftOut, Limits, Matched

__all__ = [
    "KINDS",
    "Entry",
    "Export",
    "LeftOut",
    "Limits",
    "Matched",
    "guarded",
    "match",
    "read_export",
]
