"""The best of a study as files that are ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matinee.config import toml_text
from matinee.experiment import RunSpec
from matinee.recipes import Recipe
from matinee.tuning.results import Result

BEST, RECIPE = "best.toml", "recipe.toml"
"""The run for `matinee train --config`, and the recipe, if one was tuned."""


def save_best(found: Result) -> Path:
    """Write the files beside the study; gives the one to go on with."""
    spec = best_spec(found)
    path = found.folder / BEST
    path.write_text(toml_text(_given(spec), _comment(found)), encoding="utf-8")
    recipe = found.plan.recipe
    if recipe is None:
        return path
    path = found.folder / RECIPE
    path.write_text(toml_text(_recipe(recipe, spec), _comment(found)), encoding="utf-8")
    return path


def best_spec(found: Result) -> RunSpec:
    """The run of the best trial: its settings, and those that were fixed."""
    assert found.best is not None
    spec = found.plan.spec
    return spec.updated({"settings": {**spec.settings, **found.best.settings}})


def _given(spec: RunSpec) -> dict[str, Any]:
    """What differs from the defaults; model and split always."""
    told = spec.model_dump(mode="json", exclude_defaults=True)
    return {"model": spec.model, "split": spec.split, **told}


def _recipe(recipe: Recipe, spec: RunSpec) -> dict[str, Any]:
    """The recipe with the best settings as the only variant, and the data and parts it was had on.

    It is trained anew with the validation part, which has done its work.
    """
    told = recipe.model_dump(mode="json", exclude_defaults=True)
    for name in ("name", "variants", "main", "choose"):
        told.pop(name, None)
    told |= {"title": f"{recipe.title}, tuned", "model": spec.model, "settings": spec.settings}
    split = {**recipe.split.model_dump(mode="json", exclude_defaults=True), "valid": spec.valid}
    return {**told, "data": spec.data or recipe.data, "split": split, "refit": True}


def _comment(found: Result) -> str:
    assert found.best is not None
    return (
        f"The best of {len(found.trials)} trials: {found.plan.metric} "
        f"{found.best.value:.4f} on the validation part.\nWritten by `matinee tune`."
    )
