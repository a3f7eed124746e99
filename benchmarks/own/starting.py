"""Starting: `import matinee` and `matinee --help`, beside an interpreter that does nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from benchmarks.goals import Bar
from benchmarks.own.measurement import Figure, Floor, Measurement
from benchmarks.peers.environments import OURS, ROOT, surroundings
from benchmarks.roofline import Work

IMPORT = "import matinee"
HELP = "from matinee.cli.main import main; main()"
"""What the command `matinee` does."""
LOADED = """
import atexit, json, os, sys
@atexit.register
def tell():
    files = [getattr(module, "__cached__", None) for module in list(sys.modules.values())]
    size = sum(os.path.getsize(file) for file in files if file and os.path.exists(file))
    torch = sum(name.partition(".")[0] == "torch" for name in sys.modules)
    print(json.dumps({"torch": torch, "bytes": size}))
"""


def started(code: str, *arguments: str) -> str:
    """What an interpreter prints that runs this code."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        cwd=ROOT,
        env=surroundings(OURS),
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def seconds(code: str, *arguments: str) -> float:
    """How long it runs, its start and its end included."""
    start = time.perf_counter()
    started(code, *arguments)
    return time.perf_counter() - start


def loaded(code: str, *arguments: str) -> dict[str, float]:
    """How many modules of torch it loads, and how many bytes of compiled modules in all."""
    return json.loads(started(LOADED + code, *arguments).splitlines()[-1])


def turns(rounds: int) -> list[dict[str, float]]:
    """Starts of each kind, one after the other."""
    torch = {
        "import_torch": loaded(IMPORT)["torch"],
        "help_torch": loaded(HELP, "--help")["torch"],
    }
    return [
        {
            "bare": seconds("pass"),
            "import": seconds(IMPORT),
            "help": seconds(HELP, "--help"),
            **torch,
        }
        for _ in range(rounds)
    ]


def moved(code: str, *arguments: str) -> Floor:
    """The least: the compiled modules read."""
    return Floor(
        "the compiled modules read once", lambda: Work(0, loaded(code, *arguments)["bytes"])
    )


MEASUREMENT = Measurement(
    title="Starting",
    figures={
        "bare": Figure("`python -c pass`", "s"),
        "import": Figure("`import matinee`", "s", moved(IMPORT)),
        "help": Figure("`matinee --help`", "s", moved(HELP, "--help")),
        "import_torch": Figure("modules of torch that the import loads", ""),
        "help_torch": Figure("modules of torch that the help loads", ""),
    },
    bars=[
        Bar("`import matinee`", "import", 0.15, "s"),
        Bar("`matinee --help`", "help", 0.15, "s"),
        Bar("`import matinee`", "import_torch", 0, "modules of torch"),
        Bar("`matinee --help`", "help_torch", 0, "modules of torch"),
    ],
    turns=turns,
    rounds=21,
    note="Seconds are those of the whole process, the interpreter's start and end included.",
)
