"""Optuna's study in a folder: opening it, drawing from it, telling it."""

from __future__ import annotations

import fcntl
import hashlib
import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matinee.errors import ArtefactError, ConfigError
from matinee.models import find
from matinee.tuning.plan import PLAN, Plan, check_same, read_plan
from matinee.tuning.space import Space, usual

if TYPE_CHECKING:
    from optuna import Study
    from optuna.pruners import BasePruner
    from optuna.trial import FrozenTrial, Trial

STORE = "study.db"
LOCK = "lock"
PATIENCE = 60
"""Seconds a process waits while another one writes to the store."""
AT_RANDOM = 10
"""Trials drawn blindly before the sampler has something to go by."""


def require() -> None:
    """Refuse to start without Optuna.

    Raises:
        ConfigError: Saying how to install it.
    """
    try:
        import optuna  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigError(
            "tuning needs Optuna, which is not installed",
            remedy="Install it with: pip install 'matinee[tune]'",
        ) from None
    optuna.logging.set_verbosity(logging.WARNING)
    optuna.logging.disable_default_handler()
    optuna.logging.enable_propagation()


@contextmanager
def held(folder: Path) -> Generator[None]:
    """Be the only one who tunes in a folder, which is made if it is not there.

    Raises:
        ArtefactError: If another process is at it, or the folder holds something else.
    """
    if folder.is_dir() and not (folder / PLAN).exists():
        left = [path for path in folder.iterdir() if path.name not in (LOCK, f"{PLAN}.part")]
        if left:
            raise ArtefactError(
                "the folder holds something else than a study and is left alone",
                where=str(folder),
                expected="a new or empty folder, or an earlier study",
            )
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ArtefactError(
                "another process is tuning in this folder", where=str(folder)
            ) from None
        yield


def begin(plan: Plan, folder: Path) -> Study:
    """Open the study of a plan, made now or going on; what was cut short is given up.

    Trials that were under way when a process was killed are marked as failed, and are drawn
    again: see `draw`.

    Raises:
        ArtefactError: If the folder has the study of another plan.
    """
    import optuna  # noqa: PLC0415 - an extra

    if (folder / PLAN).exists():
        check_same(plan, read_plan(folder), folder)
    found = _study(plan, folder, new=True)
    plan.save(folder)
    for trial in found.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
        found.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    if not any(map(counts, found.trials)):
        # The first trial is the defaults, so that no study ends below them.
        found.enqueue_trial(usual(find(plan.spec.model), plan.space), skip_if_exists=False)
    return found


def join(plan: Plan, folder: Path) -> Study:
    """Open a study that another process began."""
    return _study(plan, folder, new=False)


def _study(plan: Plan, folder: Path, *, new: bool) -> Study:
    import optuna  # noqa: PLC0415 - an extra

    storage = optuna.storages.RDBStorage(
        f"sqlite:///{folder / STORE}",
        engine_kwargs={"connect_args": {"timeout": PATIENCE}},
        skip_table_creation=not new,
    )
    name, pruner = plan.spec.model, _pruner(plan.pruner)
    if not new:
        return optuna.load_study(study_name=name, storage=storage, pruner=pruner)
    return optuna.create_study(
        study_name=name,
        storage=storage,
        pruner=pruner,
        direction="maximize" if plan.sign > 0 else "minimize",
        load_if_exists=True,
    )


def _pruner(name: str) -> BasePruner:
    from optuna import pruners  # noqa: PLC0415 - an extra

    match name:
        case "median":
            return pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
        case "halving":
            return pruners.SuccessiveHalvingPruner()
        case _:
            return pruners.NopPruner()


@dataclass(frozen=True)
class Drawn:
    """A trial and its settings."""

    trial: Trial
    settings: dict[str, Any]


def draw(study: Study, plan: Plan, worker: int = 0) -> Drawn:
    """Draw the settings of a new trial.

    What is drawn is a function of the seed, the worker and the trials finished before, and not
    of any failed one: so a trial that was cut short is drawn again, and a study that goes on
    draws as if it had never been stopped.
    """
    from optuna.samplers import TPESampler  # noqa: PLC0415 - an extra

    place = sum(map(counts, study.get_trials(deepcopy=False)))
    text = f"{plan.spec.seed}/{worker}/{place}".encode()
    seed = int.from_bytes(hashlib.sha256(text).digest()[:4], "big")
    study.sampler = TPESampler(seed=seed, n_startup_trials=AT_RANDOM, multivariate=True)
    trial = study.ask({name: one.distribution() for name, one in plan.space.items()})
    return Drawn(trial, settings_of(trial.params, plan.space))


def settings_of(params: dict[str, Any], space: Space) -> dict[str, Any]:
    """The settings that a trial's parameters stand for."""
    return {name: values.value(params[name]) for name, values in space.items() if name in params}


def counts(trial: FrozenTrial) -> bool:
    """Whether a trial is finished, pruned or under way; those that were cut short are not."""
    return trial.state.name in ("COMPLETE", "PRUNED", "RUNNING")
