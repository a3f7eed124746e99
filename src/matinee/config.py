"""Settings: small frozen types, each beside the class that reads it.

A settings class is a `Config` whose fields carry their docstring and, where tuning them
makes sense, a `Search` range. An unknown key or a value out of range is a `ConfigError`
that names the valid ones.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from matinee.errors import ArtefactError, ConfigError, suggestion


@dataclass(frozen=True, slots=True)
class Search:
    """The range in which tuning looks for a setting; used as `Annotated[int, Search(8, 256)]`.

    Attributes:
        low: Smallest value tried.
        high: Largest value tried.
        log: Whether to search on a logarithmic scale.
        choices: A list of values instead of a range.
        multiple: Whole numbers tried are multiples of this.
    """

    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()
    multiple: int = 1


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

    @classmethod
    def of_folder(cls, folder: Path, file: str, what: str) -> Self:
        """Read the settings that a JSON file in a folder holds.

        Args:
            folder: Where it is looked for.
            file: Its name.
            what: What the folder is said to be one of, such as "a run".

        Raises:
            ArtefactError: If it is not there or cannot be read.
        """
        path = folder / file
        try:
            return cls.parse(_object(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            raise ArtefactError(
                f"this is not the folder of {what}",
                where=str(folder),
                expected=f"a folder with {file}",
            ) from None
        except ConfigError as error:
            raise ArtefactError(
                error.what, where=str(path), expected=error.expected, remedy=error.remedy
            ) from None
        except ValueError as error:
            raise ArtefactError(f"cannot be read: {error}", where=str(path)) from None

    @classmethod
    def ranges(cls) -> dict[str, Search]:
        """The ranges of the settings that declare one, by name."""
        found = {name: _search(field) for name, field in cls.model_fields.items()}
        return {name: search for name, search in found.items() if search is not None}

    def updated(self, values: Mapping[str, Any], *, where: str | None = None) -> Self:
        """A copy with some values replaced, checked as in `parse`."""
        return self.parse({**self.model_dump(), **values}, where=where)


def _object(text: str) -> dict[str, Any]:
    told = json.loads(text)
    if not isinstance(told, dict):
        raise ConfigError("cannot be read", expected="a JSON object")
    return cast("dict[str, Any]", told)


def _search(field: FieldInfo) -> Search | None:
    """The range of a field; where None is allowed too it stands inside the other type."""
    inner = (mark for part in get_args(field.annotation) for mark in get_args(part))
    return next((m for m in (*field.metadata, *inner) if isinstance(m, Search)), None)


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


def toml_text(values: Mapping[str, Any], comment: str = "") -> str:
    """A mapping as TOML that `load_toml` reads back; what is None is left out.

    Args:
        values: Text, numbers, truth values, and lists and mappings of them; a mapping at the
            top becomes a table of its own.
        comment: Lines to stand at the head.
    """
    told = {key: value for key, value in values.items() if value is not None}
    tables = {key: value for key, value in told.items() if isinstance(value, Mapping) and value}
    lines = [f"# {line}" for line in comment.splitlines()]
    lines += [_toml_line(key, value) for key, value in told.items() if key not in tables]
    for name, table in tables.items():
        kept = {key: value for key, value in table.items() if value is not None}
        lines += ["", f"[{_toml_key(name)}]", *map(_toml_line, kept, kept.values())]
    return "\n".join(lines) + "\n"


def _toml_line(key: str, value: Any) -> str:
    return f"{_toml_key(key)} = {_toml(value)}"


def _toml_key(key: str) -> str:
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if plain else _toml(key)


def _toml(value: Any) -> str:
    """A value on one line; JSON writes text and numbers as TOML reads them, but for one sign."""
    if isinstance(value, Mapping):
        pairs = (_toml_line(str(k), v) for k, v in value.items() if v is not None)
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
