"""Which settings are the model's own, and which are those of its training loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matinee.errors import ConfigError, suggestion
from matinee.models.base import Learned, Recommender
from matinee.training import TrainerConfig


def route(
    settings: Mapping[str, Any], kind: type[Recommender], *, where: str = "--set"
) -> tuple[dict[str, Any], TrainerConfig | None]:
    """Tell the model's settings from those of the training loop.

    Args:
        settings: Both, as they were given.
        kind: The model.
        where: Where they were given.

    Returns:
        The model's own settings, and the loop's, or None if the model is solved.

    Raises:
        ConfigError: On a setting of neither, with all that there are.
    """
    ours = set(kind.Config.model_fields)
    learned = issubclass(kind, Learned)
    theirs = set(TrainerConfig.model_fields) if learned else set[str]()
    for key in settings:
        if key not in ours | theirs:
            raise ConfigError(
                f"{kind.name} has no setting called {key!r}",
                where=where,
                expected="one of " + ", ".join(sorted(ours | theirs)),
                remedy=suggestion(key, ours | theirs),
            )
    config = {key: value for key, value in settings.items() if key in ours}
    kind.Config.parse(config, where=f"model {kind.name}")
    if not learned:
        return config, None
    loop = {key: value for key, value in settings.items() if key in theirs}
    return config, TrainerConfig.parse({**kind.defaults, **loop}, where="trainer")
