"""Cells of a table that a spreadsheet must not take for formulas.

A film's title is whatever a catalogue says it is, and a spreadsheet runs a cell that begins
with one of a few signs. Such a cell gets an apostrophe in front, and so does one that begins
with apostrophes and then such a sign: then taking one apostrophe off gives back every text.
Source: OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection.
"""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def guarded(text: str) -> str:
    """A text as a cell that every spreadsheet shows as it is."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """The text that was guarded; any other cell as it is."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
