"""Running a study: trials one after the other, in this process or in several."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from matinee.errors import MatineeError, TrainingError
from matinee.tuning import study as studies
from matinee.tuning.objective import Cut, Objective, cut
from matinee.tuning.plan import Plan
from matinee.tuning.results import Result, Tried, result, tried

if TYPE_CHECKING:
    from optuna import Study

LOOK_EVERY = 0.5
"""Seconds between looks at what other processes have done."""

Tell = Callable[[Tried], object]
"""Told of each trial that is over."""


@dataclass
class Limits:
    """When to stop, known to all processes of a study.

    Attributes:
        tickets: Trials that may still be begun; a shared number.
        deadline: Of `time.time`, or None.
        stopping: Set when the study is to stop at once; a shared flag.
        parent: The process that must live for this one to go on.
    """

    tickets: Any
    deadline: float | None
    stopping: Any
    parent: int

    def take(self) -> bool:
        """Whether another trial may begin; if so, it is counted."""
        with self.tickets.get_lock():
            if self.halt() or self.tickets.value <= 0:
                return False
            self.tickets.value -= 1
            return True

    def halt(self) -> str | None:
        """'stop' if the study is to stop at once, 'late' if time is up, else None."""
        if self.stopping.is_set() or self.parent not in (os.getpid(), os.getppid()):
            return "stop"
        late = self.deadline is not None and time.time() > self.deadline
        return "late" if late else None


def tune(
    plan: Plan,
    folder: Path,
    *,
    trials: int = 50,
    minutes: float | None = None,
    workers: int = 1,
    tell: Tell | None = None,
) -> Result:
    """Tune, or go on tuning, until there are so many trials or time is up.

    Nothing here sees the test part: `tuning.objective.cut` leaves it behind.

    Args:
        plan: What is tuned, on what and by what.
        folder: The study's folder; made, or one in which the same was tuned before.
        trials: Trials altogether, those of before included; failed ones do not count.
        minutes: Time for it; a trial under way is cut short then. None is no limit.
        workers: Processes that try settings side by side.
        tell: Told of each trial that is over.

    Raises:
        ConfigError: If Optuna is not installed, or there is no validation part.
        ArtefactError: If the folder holds something else, or the study of another plan.
        TrainingError: If not one trial could be finished.
        KeyboardInterrupt: After Ctrl-C; the study can go on.
    """
    started = time.time()
    studies.require()
    split = cut(plan.spec)
    plan = plan.updated({"digest": split.digest})
    with studies.held(folder):
        study = studies.begin(plan, folder)
        done = sum(map(studies.counts, study.trials))
        limits = _limits(max(trials - done, 0), minutes)
        if workers == 1:
            _work(study, Objective(plan, split, limits.halt), limits, tell)
        else:
            _share(study, plan, folder, workers, limits, tell)
        return _finished(result(plan, study, folder, seconds=time.time() - started))


def _limits(tickets: int, minutes: float | None) -> Limits:
    context = get_context("spawn")
    deadline = None if minutes is None else time.time() + 60 * minutes
    return Limits(context.Value("i", tickets), deadline, context.Event(), os.getpid())


def _finished(found: Result) -> Result:
    if found.best is None:
        why = next((t.why for t in reversed(found.trials) if t.why), None)
        raise TrainingError(
            "not one trial was finished" + (f"; of the last: {why}" if why else ""),
            where=str(found.folder),
            remedy="Give it more --trials or --minutes, or other ranges (--search).",
        )
    return found


def _work(
    study: Study, objective: Objective, limits: Limits, tell: Tell | None, worker: int = 0
) -> None:
    """Try settings until the limits are reached."""
    while limits.take():
        drawn = studies.draw(study, objective.plan, worker)
        try:
            value = objective(drawn.trial, drawn.settings)
        except Cut as cut:
            if cut.why is None:
                study.tell(drawn.trial, state=_state("FAIL"))
                return
            drawn.trial.set_user_attr("why", cut.why)
            over = study.tell(drawn.trial, state=_state("PRUNED"))
        except BaseException:
            study.tell(drawn.trial, state=_state("FAIL"))
            raise
        else:
            over = study.tell(drawn.trial, value)
        if tell is not None:
            tell(tried(over, objective.plan))


def _state(name: str) -> Any:
    from optuna.trial import TrialState  # noqa: PLC0415 - an extra

    return TrialState[name]


# Several processes


def _share(
    study: Study,
    plan: Plan,
    folder: Path,
    workers: int,
    limits: Limits,
    tell: Tell | None,
) -> None:
    """Have so many processes try settings, and tell of what they did.

    Raises:
        MatineeError: What the first process that could not go on said.
        KeyboardInterrupt: After Ctrl-C, when all have stopped.
    """
    context = get_context("spawn")
    failures = context.SimpleQueue()
    threads = max((os.cpu_count() or 1) // workers, 1)
    told = {trial.number for trial in study.trials if trial.state.is_finished()}
    processes: list[SpawnProcess] = []
    try:
        for worker in range(workers):
            given = (plan, folder, limits, worker, threads, failures)
            processes.append(context.Process(target=_join, args=given, daemon=True))
            processes[-1].start()
        while alive := [process.sentinel for process in processes if process.is_alive()]:
            wait(alive, LOOK_EVERY)
            _news(study, plan, told, tell)
            if any(process.exitcode for process in processes):
                limits.stopping.set()
    finally:
        limits.stopping.set()
        for process in processes:
            if process.pid is not None:
                process.join()
    _news(study, plan, told, tell)
    if not failures.empty():
        raise failures.get()
    if any(process.exitcode for process in processes):
        raise TrainingError(
            "a worker was killed", where=str(folder), remedy="Run the same again to go on."
        )


def _news(study: Study, plan: Plan, told: set[int], tell: Tell | None) -> None:
    """Tell of trials that are over and were not told of."""
    for trial in study.get_trials(deepcopy=False):
        if trial.state.is_finished() and trial.number not in told:
            told.add(trial.number)
            if tell is not None and studies.counts(trial):
                tell(tried(trial, plan))


def _join(
    plan: Plan, folder: Path, limits: Limits, worker: int, threads: int, failures: Any
) -> None:
    """What a process of its own does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):  # whoever asked this process to stop asked the first as well
        torch.set_num_threads(threads)
        studies.require()
        try:
            objective = Objective(plan, cut(plan.spec), limits.halt)
            _work(studies.join(plan, folder), objective, limits, None, worker)
        except MatineeError as error:
            limits.stopping.set()
            failures.put(error)
