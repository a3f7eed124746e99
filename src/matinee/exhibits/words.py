"""Numbers and lists as sentences say them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NBSP = "\N{NO-BREAK SPACE}"


def percent(share: float) -> str:
    """A share in percent, with a decimal only where there is little of it."""
    value = 100 * share
    if 0 < value < 0.05:
        return f"less than 0.1{NBSP}%"
    if 99.95 < value < 100:
        return f"more than 99.9{NBSP}%"
    places = 0 if 10 <= value <= 90 or value in (0, 100) else 1
    return f"{value:.{places}f}{NBSP}%"


def plain(number: float) -> str:
    """A number with a decimal only where it has one: '2,000', '123.5'."""
    return f"{number:,.1f}".removesuffix(".0")


def significant(number: float) -> str:
    """A number with three significant figures: '0.00123', '2600', '5e-07'."""
    return f"{float(f'{number:.3g}'):g}"


def count(number: float, one: str, many: str) -> str:
    """A number of things: '1 film', '2,000 films'."""
    return f"{plain(number)} {one if number == 1 else many}"


def listed(names: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + " and " + names[-1]


def lasting(seconds: float) -> str:
    """A time span in the unit that suits it: '42 minutes', '3.5 years'."""
    units = (("year", 31_557_600), ("month", 2_629_800), ("day", 86_400), ("hour", 3600))
    for name, size in (*units, ("minute", 60)):
        if seconds >= size:
            value = seconds / size
            shown = f"{value:.1f}".removesuffix(".0") if value < 10 else f"{value:.0f}"
            return f"{shown} {name}{'' if shown == '1' else 's'}"
    return count(seconds, "second", "seconds")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join("| " + " | ".join(line) + " |" for line in escaped)
