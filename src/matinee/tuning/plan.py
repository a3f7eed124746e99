"""What a study is a function of, kept in its folder so that it can go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from matinee.config import Config
from matinee.errors import ArtefactError, ConfigError, EvaluationError
from matinee.evaluation import direction
from matinee.evaluation.names import parse
from matinee.experiment import RunSpec
from matinee.models import Learned, RatingPredictor, find
from matinee.recipes import Recipe
from matinee.tuning.space import Range, space

PLAN = "plan.json"
"""The file of a study's folder that says what is tuned."""


class Plan(Config):
    """What is tuned, on what, and by what."""

    spec: RunSpec
    """The run to be tuned, with the settings that stay as they are."""
    metric: str
    """The metric on the validation part that is made best."""
    space: dict[str, Range]
    """The settings that are tried."""
    pruner: Literal["median", "halving", "none"] = "median"
    """How hopeless trials are told after an epoch."""
    recipe: Recipe | None = None
    """The recipe that is tuned, if it is one."""
    digest: str = ""
    """SHA-256 of the training and the validation part; empty until they are cut."""

    @property
    def sign(self) -> int:
        """1 if more of the metric is better, else -1."""
        return direction(self.metric)

    def save(self, folder: Path) -> None:
        """Write it, whole or not at all."""
        beside = folder / f"{PLAN}.part"
        beside.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        beside.replace(folder / PLAN)


def make_plan(
    spec: RunSpec,
    *,
    metric: str | None = None,
    search: list[str] | None = None,
    pruner: str = "median",
    recipe: Recipe | None = None,
) -> Plan:
    """Check what is asked for.

    Args:
        spec: The run to be tuned; its settings stay as they are.
        metric: What is made best on the validation part; by default what the model watches.
        search: As `asked` of `tuning.space.space`.
        pruner: `median`, `halving` or `none`.
        recipe: The recipe the run is of, if it is of one.

    Raises:
        UnknownName: If there is no such model or metric.
        ConfigError: On settings, ranges or a pruner that cannot be.
        EvaluationError: On a metric that has no better end.
    """
    kind = find(spec.model)
    fixed = dict(spec.settings)
    name = _metric(metric or fixed.get("monitor") or _usual_metric(kind))
    # The best epoch, of a trial as of the run trained in the end, is told by the metric.
    if issubclass(kind, Learned) and fixed.setdefault("monitor", name) != name:
        raise ConfigError(f"monitor = {fixed['monitor']!r} is not the metric", expected=name)
    found = space(kind, fixed, search or ())
    values = {
        "spec": spec.updated({"settings": fixed}),
        "metric": name,
        "space": found,
        "pruner": pruner,
        "recipe": recipe,
    }
    return Plan.parse(values, where="tune")


def _usual_metric(kind: type[Any]) -> str:
    if issubclass(kind, Learned):
        return kind.monitor
    return "rmse" if issubclass(kind, RatingPredictor) else "ndcg@10"


def _metric(name: str) -> str:
    wanted = parse([name], (10,))
    if not direction(name):
        raise EvaluationError(
            f"{name} has no better end",
            where="--metric",
            expected="a metric of accuracy, such as ndcg@10 or rmse",
        )
    return wanted[0].label


def read_plan(folder: Path) -> Plan:
    """The plan of a study.

    Raises:
        ArtefactError: If the folder holds none that can be read.
    """
    return Plan.of_folder(folder, PLAN, "a study")


def check_same(plan: Plan, before: Plan, folder: Path) -> None:
    """Refuse to go on with a study of something else.

    Raises:
        ArtefactError: Saying what is another.
    """
    theirs, ours = (_identity(one) for one in (before, plan))
    for what, value in theirs.items():
        if ours[what] != value:
            shown = [_short(one) for one in (value, ours[what])]
            differs = f": {shown[0]}, not {shown[1]}" if shown[0] != shown[1] else ""
            raise ArtefactError(
                f"the study in this folder is of another {what}{differs}",
                where=str(folder),
                remedy="Name another folder (--out), or ask for the same again.",
            )


def _identity(plan: Plan) -> dict[str, Any]:
    """What must be the same, by its name to people, the most telling first."""
    told = plan.spec.model_dump(mode="json")
    first = {"model": told.pop("model"), "data set": told.pop("data")}
    cuts = {"kind of split": told.pop("split"), "seed": told.pop("seed")}
    ranges = {name: one.model_dump(mode="json") for name, one in plan.space.items()}
    return {
        **first,
        "metric": plan.metric,
        **cuts,
        "set of ranges": ranges,
        "pruner": plan.pruner,
        **{name.replace("_", " "): value for name, value in told.items()},
        "training or validation part: the data have changed": plan.digest,
    }


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else "…"
