"""Settings: small frozen types, each beside the class that reads it.

A settings class is a `Config` whose fields carry their docstring and, where tuning them
makes sense, a `Search` range. An unknown key or a value out of range is a `ConfigError`
that names the valid ones.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from matinee.errors import ConfigError, suggestion


@dataclass(frozen=True, slots=True)
class Search:
    """The range in which tuning looks for a setting; used as `Annotated[int, Search(8, 256)]`.

    Attributes:
        low: Smallest value tried.
        high: Largest value tried.
        log: Whether to search on a logarithmic scale.
        choices: A list of values instead of a range.
    """

    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()


class Config(BaseModel):
    """Base of all settings: frozen, keyword-only, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, where: str | None = None) -> Self:
        """Build from loose values (strings from a command line, TOML, JSON).

        Args:
            values: Setting names and values; strings are converted where the type allows it.
            where: Named in errors.

        Raises:
            ConfigError: On an unknown key or a bad value.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise _config_error(cls, error, where) from None

    def updated(self, values: Mapping[str, Any], *, where: str | None = None) -> Self:
        """A copy with some values replaced, checked as in `parse`."""
        return self.parse({**self.model_dump(), **values}, where=where)


def _config_error(cls: type[Config], error: ValidationError, where: str | None) -> ConfigError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        valid = sorted(cls.model_fields)
        return ConfigError(
            f"there is no setting called {key!r}",
            where=where,
            expected="one of " + ", ".join(valid),
            remedy=suggestion(key, valid),
        )
    if first["type"] == "missing":
        return ConfigError(f"the setting {key!r} is missing", where=where)
    return ConfigError(
        f"{key} = {first['input']!r} cannot be used",
        where=where,
        expected=first["msg"].removeprefix("Input should be ").removeprefix("Value error, "),
    )


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Turn `key=value` strings into a mapping; values are read as TOML, else kept as text.

    `tower=[64,32]`, `dim=16`, `l2=1e-3`, `compile=true` and `loss=bce` all read as meant.

    Raises:
        ConfigError: On a string without `=` or a key given twice.
    """
    values: dict[str, Any] = {}
    for text in assignments:
        key, sign, raw = text.partition("=")
        key = key.strip()
        if not sign or not key:
            raise ConfigError(
                f"{text!r} is not a setting", where="--set", expected="key=value, such as dim=16"
            )
        if key in values:
            raise ConfigError(f"{key!r} is set twice", where="--set", remedy="Give it once.")
        values[key] = _toml_value(raw.strip())
    return values


def _toml_value(raw: str) -> Any:
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        return raw


def load_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ConfigError: If it is not there or is not TOML; the message names the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError("no such file", where=str(path), expected="a TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"cannot be read as TOML: {error}", where=str(path)) from None
