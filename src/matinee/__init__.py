"""Film recommendations, from raw ratings to a page people use.

The public names are imported when they are first used, so that `import matinee` and
`matinee --help` need not wait for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matinee.artefact import Artefact
    from matinee.data import diagnose, load
    from matinee.data.interactions import Interactions
    from matinee.engine import fit
    from matinee.errors import MatineeError
    from matinee.evaluation import evaluate
    from matinee.experiment import RunSpec, train
    from matinee.models import MODELS, Sizes, build
    from matinee.recommendation import recommend, similar
    from matinee.splits import make_split

__all__ = [
    "MODELS",
    "Artefact",
    "Interactions",
    "MatineeError",
    "RunSpec",
    "Sizes",
    "build",
    "diagnose",
    "evaluate",
    "fit",
    "load",
    "make_split",
    "recommend",
    "similar",
    "train",
]

_HOMES = {
    "matinee.artefact": ("Artefact",),
    "matinee.data": ("diagnose", "load"),
    "matinee.data.interactions": ("Interactions",),
    "matinee.engine": ("fit",),
    "matinee.errors": ("MatineeError",),
    "matinee.evaluation": ("evaluate",),
    "matinee.experiment": ("RunSpec", "train"),
    "matinee.models": ("MODELS", "Sizes", "build"),
    "matinee.recommendation": ("recommend", "similar"),
    "matinee.splits": ("make_split",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'matinee' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
