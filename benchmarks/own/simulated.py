"""Simulated ratings of the size of MovieLens-20M and, where it is not here, MovieLens-1M."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.environments import ROOT

FOLDER = ROOT / "build" / "simulated-20m"
SHAPES = {
    FOLDER.name: {"users": 138_493, "items": 27_278, "ratings": 20_000_263},
    "simulated-1m": {"users": 6_040, "items": 3_883, "ratings": 1_000_209},
}


def large() -> Path:
    """The folder of 20 million ratings, written unless it is there."""
    return _written(FOLDER)


def small() -> str:
    """MovieLens-1M, or the folder of as many simulated ratings."""
    from matinee.data.download import find_local

    return "ml-1m" if find_local("ml-1m") else str(_written(FOLDER.with_name("simulated-1m")))


def _written(folder: Path) -> Path:
    from matinee.data.simulate import simulate_to

    if not (folder / "ratings.csv").exists():
        simulate_to(folder, **SHAPES[folder.name])
    return folder
