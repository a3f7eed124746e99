"""What a run is asked to do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from matinee.config import Config

SPEC = "run.json"
"""The file of a run folder that says what was asked for."""


NARROWING = ("ordered", "at_least", "user_ratings", "film_ratings")
"""The fields of a run that say what of the data is learned from."""


class RunSpec(Config):
    """All that a run is a function of."""

    model: str
    """Name of the model."""
    data: str | None = None
    """A data set's name, a folder or a file; None where the split's files say it all."""
    split: str = "random"
    """Kind of split."""
    test: float | str | None = None
    """Share to test with, or the test file of a `files` split; None is the kind's default."""
    valid: Annotated[float, Field(ge=0)] | Literal["last"] | None = None
    """Share to validate with, or 'last' for a `files` split; None is the kind's default."""
    fold_in: float | None = None
    """Share of a stranger's ratings that is shown, for `strong`."""
    train: str | None = None
    """Training file of a `files` split."""
    negatives: str | None = None
    """File of candidates of a `files` split."""
    seen_films: bool = False
    """Whether only films of the training part are asked for; else all held-out ones are."""
    candidates: Annotated[int, Field(ge=1)] | None = None
    """Unseen films drawn for each person, to rank the held-out ones among; None ranks all."""
    at_least: float | None = None
    """Ratings below this are left out, so that what remains is 'liked'; None keeps all."""
    ordered: bool = False
    """Whether ratings without times are given in the order of time; it then stands for them."""
    user_ratings: Annotated[int, Field(ge=1)] | None = None
    """People with fewer ratings, of those not left out, are left out; None keeps everyone."""
    film_ratings: Annotated[int, Field(ge=1)] | None = None
    """Films with fewer ratings are left out altogether; None keeps all, unrated ones too."""
    seed: int = 0
    """Of the split, the initial weights and the training."""
    split_seed: int | None = None
    """Of the split, if another."""
    settings: dict[str, Any] = {}
    """Settings of the model and of the training loop by their names."""
    k: tuple[Annotated[int, Field(ge=1)], ...] = (10,)
    """Cut-offs of the ranking metrics."""
    retrained: bool = False
    """Whether it also learned from a service's ratings, which `matinee retrain` alone adds."""

    @property
    def drawn_from(self) -> int:
        """The seed of the split."""
        return self.seed if self.split_seed is None else self.split_seed


def read_spec(run: str | Path) -> RunSpec:
    """What a run was asked to do.

    Raises:
        ArtefactError: If the folder does not say.
    """
    return RunSpec.of_folder(Path(run), SPEC, "a run")
