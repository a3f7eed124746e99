"""Where data are kept on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def data_home() -> Path:
    """The folder for downloads and caches: `MATINEE_HOME`, or `~/.cache/matinee`."""
    named = os.environ.get("MATINEE_HOME")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "matinee"


def local_copies() -> Path | None:
    """The folder of data sets that are here already: `MATINEE_DATA`, or None."""
    named = os.environ.get("MATINEE_DATA")
    return Path(named).expanduser() if named else None
