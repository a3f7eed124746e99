"""Reading what a person wishes: a range of years."""

from __future__ import annotations

from matinee.errors import ConfigError


def years(text: str) -> tuple[int | None, int | None]:
    """The first and last year of `1990..1999`, `1990..`, `..1999` or `1994`.

    Raises:
        ConfigError: On anything else.
    """
    first, dots, last = text.partition("..")
    ends = [first, last] if dots else [first, first]
    if not any(ends) or not all(end == "" or (end.isascii() and end.isdigit()) for end in ends):
        raise ConfigError(
            f"{text!r} is no range of years",
            where="--year",
            expected="A..B, such as 1990..1999, 1990.. or ..1999",
        )
    start, stop = (int(end) if end else None for end in ends)
    return start, stop
