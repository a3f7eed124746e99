"""Recipes: published results as files, run the whole way and compared with their figures."""

from matinee.recipes.recipe import Goal, Outputs, Recipe, SplitSettings, Variant, find, names
from matinee.recipes.results import Outcome, Row, Trial
from matinee.recipes.running import recipe_of, run

__all__ = [
    "Goal",
    "Outcome",
    "Outputs",
    "Recipe",
    "Row",
    "SplitSettings",
    "Trial",
    "Variant",
    "find",
    "names",
    "recipe_of",
    "run",
]
