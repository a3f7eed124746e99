"""An environment for each peer, made from its pinned versions: `NAME.txt` beside this file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PINS = {path.stem: path for path in sorted(Path(__file__).parent.glob("*.txt"))}
OURS = "matinee"
THREADS = 2


def folder(name: str) -> Path:
    """Where the environment of a peer is."""
    return ROOT / "build" / "peers" / name


def python(name: str) -> Path:
    """The interpreter of an environment; ours is the one that runs this."""
    return Path(sys.executable) if name == OURS else folder(name) / "bin" / "python"


def ready(name: str) -> bool:
    """Whether the environment has been made, from the versions that are pinned now."""
    stamp = folder(name) / "pins.txt"
    return name == OURS or (stamp.exists() and stamp.read_text() == PINS[name].read_text())


def setup(names: list[str]) -> None:
    """Make the environments that are not there, one after the other; all of them by default."""
    for name in names or PINS:
        if name not in PINS:
            raise SystemExit(f"there is no peer {name!r}; there are {', '.join(PINS)}")
        if ready(name):
            continue
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder(name)], check=True)
        pip = [python(name), "-m", "pip", "install", "--quiet", "--requirement", PINS[name]]
        # The pins of this project, which the tools of `make` set for pip, are not the peers'.
        own = ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT")
        subprocess.run(pip, check=True, env={k: v for k, v in os.environ.items() if k not in own})
        (folder(name) / "pins.txt").write_text(PINS[name].read_text())


def surroundings(name: str) -> dict[str, str]:
    """The variables a turn runs with: as many threads for all, and none that spin while waiting."""
    threads = ("OMP", "MKL", "OPENBLAS", "NUMBA", "RAYON", "POLARS", "LK")
    paths = [str(ROOT), str(ROOT / "src")] if name == OURS else [str(ROOT)]
    return {
        **{k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")},
        **{f"{library}_NUM_THREADS": str(THREADS) for library in threads},
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONWARNINGS": "ignore",
    }


def child(name: str, module: str, *arguments: str) -> str:
    """What a module prints last when run in an environment."""
    done = subprocess.run(
        [python(name), "-m", module, *arguments],
        check=True,
        cwd=ROOT,
        env=surroundings(name),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if name != OURS else None,
        text=True,
    )
    return done.stdout.splitlines()[-1]


def version(name: str) -> str:
    """The pinned version of a peer: the line of its own name."""
    lines = PINS[name].read_text().splitlines()
    return next(line.partition("==")[2] for line in lines if line.lower().startswith(f"{name}=="))
