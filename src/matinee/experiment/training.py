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
from matinee.errors import ArtefactError, ConfigError
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


def begun(folder: Path, spec: RunSpec) -> bool:
    """Whether a folder is of that very run, be it finished or cut short."""
    try:
        return read_spec(folder) == spec
    except ArtefactError:
        return False


def finished(folder: Path, spec: RunSpec) -> Facts | None:
    """The facts of that very run, if a folder holds it, trained and judged; else None.

    What its data were at the time is one of them. It is another run if defaults of its settings
    have changed since.
    """
    kind = models.find(spec.model)
    try:
        manifest = Manifest.read(read_manifest(folder), where=str(folder))
        theirs = kind.Config.parse(manifest.config)
        loop = {key: manifest.trainer[key] for key in manifest.trainer if key not in REACHED}
        their_loop = TrainerConfig.parse(loop) if loop else None
    except (ArtefactError, ConfigError):
        return None
    settings, our_loop = route(spec.settings, kind)
    same = theirs == kind.Config.parse(settings) and their_loop == our_loop
    return manifest.facts() if same and begun(folder, spec) and manifest.metrics else None


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
