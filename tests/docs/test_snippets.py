"""Every example in the README and the documentation runs.

`python` blocks of a page run from top to bottom in one namespace; `console` lines that start
with `$ matinee` run in the same empty folder, between them. Other fences are only shown.
Generated reference pages hold no examples.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from matinee.cli.main import run

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(python|console)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.+)$", re.MULTILINE)


def blocks(page: Path) -> list[tuple[str, str]]:
    if page.parent.name == "reference":
        return []
    return FENCE.findall(page.read_text(encoding="utf-8"))


RUNNABLE = [page for page in PAGES if blocks(page)]


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda p: str(p.relative_to(ROOT)))
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MATINEE_DATA", raising=False)
    namespace: dict[str, Any] = {"__name__": "example"}
    for language, text in blocks(page):
        if language == "python":
            exec(compile(text, str(page), "exec", dont_inherit=True), namespace)
        else:
            run_commands(text)


def run_commands(text: str) -> None:
    commands = COMMAND.findall(text)
    assert commands, f"a console block without a command:\n{text}"
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "matinee", f"only matinee is run: {command}"
        assert run(arguments) == 0, command


def test_the_readme_has_an_example() -> None:
    assert [language for language, _ in blocks(ROOT / "README.md")].count("python") == 1
