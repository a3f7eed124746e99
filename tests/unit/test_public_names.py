"""The public names are there, whatever was imported before, and cost nothing until used."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import matinee


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("name", matinee.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert not inspect.ismodule(getattr(matinee, name))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'recomend'"):
        _ = matinee.recomend  # pyright: ignore[reportAttributeAccessIssue] - that is the point


def test_importing_the_package_does_not_import_torch() -> None:
    assert run("import sys, matinee, matinee.cli.main\nprint('torch' in sys.modules)") == "False"
