"""The list of commands, which is written without importing them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from matinee.cli.group import COMMANDS, Imported


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says(name: str) -> None:
    assert Imported()[name].help.startswith(COMMANDS[name].rstrip("."))


def test_help_imports_neither_commands_nor_torch() -> None:
    code = (
        "import sys\nfrom matinee.cli.main import run\nrun(['--help'])\n"
        "print([m for m in ('torch', 'numpy', 'matinee.cli.train') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "recommend  List films" in done.stdout
    assert done.stdout.endswith("[]\n")
