"""Every example in the README and the documentation runs.

`python` blocks of a page run from top to bottom in one namespace; `console` lines that start
with `$ matinee` run in the same empty folder, between them. Other fences are only shown.
Generated reference pages hold no examples.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(python|console)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*(?:\\\n.*)*)$", re.MULTILINE)


def blocks(page: Path) -> list[tuple[str, str]]:
    if page.parent.name == "reference":
        return []
    return FENCE.findall(page.read_text(encoding="utf-8"))


RUNNABLE = [page for page in PAGES if blocks(page)]


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda p: str(p.relative_to(ROOT)))
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MATINEE_DATA", raising=False)
    namespace: dict[str, Any] = {"__name__": "example"}
    for language, text in blocks(page):
        if language == "python":
            exec(compile(text, str(page), "exec"), namespace)
        else:
            run_commands(text, folder)


def run_commands(text: str, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    commands = COMMAND.findall(text)
    assert commands, f"a console block without a command:\n{text}"
    for command in commands:
        assert command.startswith("matinee "), f"only matinee is run: {command}"
        done = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env={**os.environ, "PATH": path, "COLUMNS": "100"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"


def test_the_readme_has_an_example() -> None:
    assert [language for language, _ in blocks(ROOT / "README.md")].count("python") == 1
