"""Where tuning looks: the ranges declared beside the settings, or those asked for."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from pydantic import JsonValue

from matinee.config import Config, Search, parse_assignments
from matinee.errors import ConfigError
from matinee.models import Learned, Recommender
from matinee.models.routing import route
from matinee.training import TrainerConfig

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

FIGURES = 3
"""Significant figures of the numbers tried: more say nothing and are hard to read."""


class Range(Config):
    """The values of a setting that are tried."""

    low: float = 0.0
    """Smallest number."""
    high: float = 0.0
    """Largest number."""
    log: bool = False
    """Whether numbers are drawn on a logarithmic scale."""
    whole: bool = False
    """Whether they are whole."""
    multiple: int = 1
    """Whole ones are multiples of this."""
    choices: tuple[JsonValue, ...] = ()
    """Values instead of numbers."""

    @classmethod
    def of(cls, search: Search, *, whole: bool) -> Self:
        """The range that a setting declares."""
        if search.choices:
            return cls(choices=search.choices)
        assert search.low is not None
        assert search.high is not None
        return cls(
            low=search.low,
            high=search.high,
            log=search.log,
            whole=whole,
            multiple=search.multiple,
        )

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values that must be possible if all between them are: the ends, or every choice."""
        return self.choices or tuple(self.value(end) for end in (self.low, self.high))

    def distribution(self) -> BaseDistribution:
        """The same to Optuna; choices are told by their JSON."""
        from optuna import distributions  # noqa: PLC0415 - an extra

        if self.choices:
            return distributions.CategoricalDistribution([*map(json.dumps, self.choices)])
        if self.whole:
            return distributions.IntDistribution(int(self.low), int(self.high), log=self.log)
        return distributions.FloatDistribution(self.low, self.high, log=self.log)

    def value(self, drawn: Any) -> Any:
        """The setting that something drawn from `distribution` stands for."""
        if isinstance(drawn, str):
            return json.loads(drawn)
        if self.whole:
            most = math.floor(self.high / self.multiple)
            least = math.ceil(self.low / self.multiple)
            return self.multiple * min(max(round(drawn / self.multiple), least), most)
        return min(max(float(f"{drawn:.{FIGURES}g}"), self.low), self.high)

    def drawn(self, value: Any) -> Any:
        """What `distribution` has nearest to a setting; None if the setting is no number."""
        if self.choices:
            return json.dumps(value) if value in self.choices else None
        if value is None:
            return None
        return min(max(value, self.low), self.high)


Space = Mapping[str, Range]
"""Ranges by the names of the settings."""


def space(
    kind: type[Recommender], fixed: Mapping[str, Any], asked: Iterable[str] = ()
) -> dict[str, Range]:
    """The settings to be tried.

    Args:
        kind: The model.
        fixed: Settings that are given, and so not tried.
        asked: The only ones wanted: `dim`, `dim=16..64`, `l2=1e-4..1:log`, `heads=1|2|4`;
            by default all that declare a range.

    Raises:
        ConfigError: On a setting that does not exist, a range that is none or that the model
            refuses, a setting both fixed and asked for, or if nothing is left to try.
    """
    configs = [TrainerConfig, kind.Config] if issubclass(kind, Learned) else [kind.Config]
    declared = {
        name: Range.of(search, whole=_whole(config, name))
        for config in configs
        for name, search in config.ranges().items()
        if name not in fixed
    }
    wanted = dict(_asked(text, kind, declared, fixed) for text in asked)
    found = wanted or declared
    if not found:
        raise ConfigError(
            f"{kind.name} has no setting left to try",
            where="--search",
            expected="a setting and its values, such as --search l2=0.1..10",
        )
    for name, values in found.items():
        for end in values.ends:
            route({**fixed, name: end}, kind, where="--search")
    return found


def _asked(
    text: str, kind: type[Recommender], declared: Space, fixed: Mapping[str, Any]
) -> tuple[str, Range]:
    name, sign, told = text.partition("=")
    if name in fixed:
        raise ConfigError(
            f"{name!r} is both fixed and to be tried",
            where="--search",
            remedy="Leave out one of them.",
        )
    if sign:
        return name, _told(name, told, kind, declared.get(name))
    if name not in declared:
        route({name: _defaults(kind).get(name)}, kind, where="--search")  # unless there is none
        raise ConfigError(
            f"{name!r} declares no range",
            where="--search",
            expected=f"{name}=LOW..HIGH or {name}=A|B|C",
        )
    return name, declared[name]


def _told(name: str, told: str, kind: type[Recommender], declared: Range | None) -> Range:
    """A range as the command line has it."""
    ends, _, scale = told.partition(":")
    low, sign, high = ends.partition("..")
    if not sign:
        values = [parse_assignments([f"{name}={one}"])[name] for one in told.split("|")]
        return Range(choices=tuple(values))
    config = kind.Config if name in kind.Config.model_fields else TrainerConfig
    try:
        least, most = float(low), float(high)
    except ValueError:
        least, most = 1.0, 0.0
    log = scale == "log" or (not scale and declared is not None and declared.log)
    if not least < most or scale not in ("", "log", "linear") or (log and least <= 0):
        raise ConfigError(
            f"{told!r} is no range of {name}",
            where="--search",
            expected="LOW..HIGH, LOW..HIGH:log above 0, or A|B|C",
        )
    multiple = declared.multiple if declared else 1
    whole = name in config.model_fields and _whole(config, name)
    return Range(low=least, high=most, log=log, whole=whole, multiple=multiple)


def _whole(config: type[Config], name: str) -> bool:
    return config.model_fields[name].annotation is int


def usual(kind: type[Recommender], tried: Space) -> dict[str, Any]:
    """The model's defaults, as near as the ranges have them, as Optuna draws them."""
    settings = _defaults(kind)
    near = {name: values.drawn(settings.get(name)) for name, values in tried.items()}
    return {name: drawn for name, drawn in near.items() if drawn is not None}


def _defaults(kind: type[Recommender]) -> dict[str, Any]:
    """What all settings are if nobody says otherwise."""
    own = kind.Config().model_dump()
    return TrainerConfig(**kind.defaults).model_dump() | own if issubclass(kind, Learned) else own
