"""The generated reference pages are those of the code as it is."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = (
    "cli.md",
    "metrics.md",
    "models.md",
    "python.md",
    "recipes.md",
    "rest.md",
    "settings.md",
    "splits.md",
)


@cache
def generated() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


def test_no_page_is_forgotten() -> None:
    assert sorted(generated()) == sorted(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_page_is_up_to_date(page: str) -> None:
    committed = (DOCS / "reference" / page).read_text(encoding="utf-8")
    up_to_date = committed == generated()[page]
    assert up_to_date, f"{page} is stale: run `make reference`"
