"""Which of the fields of people and films a model takes in."""

from __future__ import annotations

from matinee.errors import ConfigError
from matinee.models.base import Sizes


def chosen(
    inputs: tuple[str, ...], sizes: Sizes, besides: tuple[str, ...]
) -> tuple[dict[str, int], dict[str, int]]:
    """The fields of people and of films that are inputs, and how many values they have.

    Args:
        inputs: Names of fields; 'people' is all fields of people.
        sizes: Says which fields there are.
        besides: Names that are no fields.

    Raises:
        ConfigError: If there is no such field.
    """
    people = dict(sizes.user_fields) if "people" in inputs else {}
    films: dict[str, int] = {}
    for name in inputs:
        if name in sizes.user_fields:
            people[name] = sizes.user_fields[name]
        elif name in sizes.item_fields:
            films[name] = sizes.item_fields[name]
        elif name not in (*besides, "people"):
            there = [*besides, "people", *sizes.user_fields, *sizes.item_fields]
            raise ConfigError(
                f"the data have no {name!r}", where="inputs", expected="of " + ", ".join(there)
            )
    return people, films
