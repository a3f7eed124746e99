"""One run from ratings to a judged model: load, split, fit, evaluate, save."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from matinee import models
from matinee.artefact import Artefact, DataFacts, Facts, SplitFacts, check_target, discard
from matinee.artefact.folder import read_manifest
from matinee.artefact.manifest import Manifest
from matinee.curves import save_curves
from matinee.data.interactions import Interactions
from matinee.engine import History, Watcher, fit, memory
from matinee.engine.trainer import device_name
from matinee.errors import ArtefactError, ConfigError, StaleCheckpoint
from matinee.experiment.judging import judged, validation
from matinee.experiment.preparing import Prepared, prepare
from matinee.experiment.spec import SPEC, RunSpec, read_spec
from matinee.models.routing import route
from matinee.splits import Split
from matinee.training import TrainerConfig

REACHED = ("best_epoch", "trained_epochs")
"""What the facts of a trainer have besides its settings."""


def train(
    spec: RunSpec,
    out: str | Path,
    *,
    parts: tuple[Interactions, Split] | None = None,
    watcher: Watcher | None = None,
    announce: Callable[[memory.Needs], object] | None = None,
    resume: bool = False,
    check_memory: bool = True,
) -> Artefact:
    """Train a model, judge it next to popularity, and keep all of it in a folder.

    The model is saved before it is judged, so that no failure of the judging loses it. All
    ratings, those of the test part too, become the artefact's history: nobody is to be
    recommended a film they have rated. The figures are had on the split alone.

    Args:
        spec: What to do.
        out: The run folder; made, or an earlier run that is replaced.
        parts: All ratings and their split; those that the spec names by default.
        watcher: Told of progress.
        announce: Told, before the training starts, what memory it is expected to take.
        resume: Go on from the folder's checkpoints.
        check_memory: Whether to refuse what cannot fit in memory.

    Raises:
        MatineeError: On anything that cannot be done.
        KeyboardInterrupt: After Ctrl-C, with the folder ready to be resumed.
    """
    folder = Path(out)
    check_target(folder)
    ready = prepare(spec, parts, check_memory=check_memory)
    if announce is not None:
        announce(ready.needs)
    folder.mkdir(parents=True, exist_ok=True)
    if not resume:
        discard(folder)
    (folder / SPEC).write_text(spec.model_dump_json(indent=2), encoding="utf-8")
    started = time.perf_counter() - (_spent(folder) if resume else 0)
    history = fit(
        ready.model,
        ready.split.train,
        ready.trainer,
        seed=spec.seed,
        validate=validation(ready),
        folder=folder,
        watcher=watcher,
        resume=resume,
    )
    seconds = time.perf_counter() - started
    if history.records:
        save_curves(history, folder / "loss.png", model=spec.model)
    artefact = Artefact.of(
        ready.model.eval(), ready.split.train, ready.data, _facts(ready, history, seconds)
    ).save(folder)
    return judged(artefact, ready).save(folder)


def resume(
    run: str | Path,
    *,
    watcher: Watcher | None = None,
    announce: Callable[[memory.Needs], object] | None = None,
    check_memory: bool = True,
) -> Artefact:
    """Go on with a training that was stopped; see `train`.

    Raises:
        ArtefactError: If the folder holds none.
    """
    return train(
        read_spec(run),
        run,
        watcher=watcher,
        announce=announce,
        resume=True,
        check_memory=check_memory,
    )


def complete(
    spec: RunSpec,
    folder: Path,
    *,
    parts: tuple[Interactions, Split] | None = None,
    watcher: Watcher | None = None,
) -> Artefact:
    """Go on with that very run if a folder has it cut short, or else train it anew; see `train`.

    It is also trained anew if data or settings, defaults included, have changed since.
    """
    done = _manifest(folder)
    resume = _is_of(folder, spec) and not (done and done.metrics)
    try:
        return train(spec, folder, parts=parts, watcher=watcher, resume=resume)
    except StaleCheckpoint:
        return train(spec, folder, parts=parts, watcher=watcher)


def finished(folder: Path, spec: RunSpec) -> Facts | None:
    """The facts of that very run, if a folder holds it, trained and judged; else None.

    What its data were at the time is one of them. It is another run if defaults of its settings
    have changed since.
    """
    manifest = _manifest(folder)
    if manifest is None or not manifest.metrics or not _is_of(folder, spec):
        return None
    return manifest.facts() if _same_settings(manifest, spec) else None


def _same_settings(manifest: Manifest, spec: RunSpec) -> bool:
    """Whether a run has the settings that it would have now, defaults included."""
    kind = models.find(spec.model)
    settings, loop = route(spec.settings, kind)
    told = {key: value for key, value in manifest.trainer.items() if key not in REACHED}
    try:
        theirs, their_loop = kind.Config.parse(manifest.config), TrainerConfig.parse(told)
    except ConfigError:  # one of them is no longer there
        return False
    return theirs == kind.Config.parse(settings) and (their_loop if told else None) == loop


def _is_of(folder: Path, spec: RunSpec) -> bool:
    try:
        return read_spec(folder) == spec
    except ArtefactError:
        return False


def _manifest(folder: Path) -> Manifest | None:
    try:
        return Manifest.read(read_manifest(folder), where=str(folder))
    except ArtefactError:
        return None


def _spent(folder: Path) -> float:
    """Seconds that epochs took which a folder's logs tell of, those of parts as well."""
    texts = [log.read_text(encoding="utf-8") for log in folder.rglob("metrics.jsonl")]
    lines = "".join(texts).splitlines(keepends=True)
    return sum(json.loads(line)["seconds"] for line in lines if line.endswith("}\n"))


def _facts(ready: Prepared, history: History, seconds: float) -> Facts:
    spec, best = ready.spec, history.best
    trainer = ready.trainer.model_dump(mode="json") if ready.trainer else {}
    if best is not None:
        trainer |= dict(zip(REACHED, (best.epoch, history.records[-1].epoch), strict=True))
    return Facts(
        data=DataFacts.of(spec.data or str(spec.train), ready.data),
        split=SplitFacts.of(ready.split, ready.split.arguments),
        trainer=trainer,
        seed=spec.seed,
        seconds=seconds,
        peak_mb=memory.peak_mb(),
        machine=device_name(ready.model.device),
    )
