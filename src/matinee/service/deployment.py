"""The model that serves, and how another takes its place without anyone noticing."""

from __future__ import annotations

import gc
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from matinee.artefact import Artefact
from matinee.artefact.folder import read_manifest
from matinee.errors import ArtefactError, MatineeError
from matinee.recommendation import Ask, recommend_batch, similar
from matinee.recommendation.reach import reach

VERSION_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Deployment:
    """A run in memory, with the name that replies give it.

    Attributes:
        artefact: The run.
        version: The first digits of the SHA-256 of its `model.json`, which carries the
            checksums of all its files: the same run has the same version everywhere.
        loaded: When it was loaded, in Unix seconds.
        approximate: Whether nearly all of the best films will do.
        reach: How near films are then reckoned to be; 1 finds all.
    """

    artefact: Artefact
    version: str
    loaded: float = field(default_factory=time.time)
    approximate: bool = False
    reach: float = 1.0


def version_of(run: str) -> str:
    """The version of the run in a folder, without loading it.

    Raises:
        ArtefactError: If there is no finished run.
    """
    text = read_manifest(Path(run))
    return hashlib.sha256(text.encode()).hexdigest()[:VERSION_LENGTH]


def load(run: str, *, approximate: bool = False) -> Deployment:
    """Load a run, check it, and try it out before anyone depends on it.

    Args:
        run: The folder.
        approximate: Whether nearly all of the best films will do.

    Raises:
        MatineeError: If the run is incomplete, changes while it is read, or cannot answer.
    """
    version = version_of(run)
    artefact = Artefact.load(run)
    if version_of(run) != version:
        raise ArtefactError(
            "the run was written anew while it was read", where=run, remedy="Try again."
        )
    found = reach(artefact) if approximate else 1.0
    probe(artefact, found)
    # A catalogue is a million objects that stay: the collector need not visit them again,
    # which would stop everyone for tens of milliseconds.
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    return Deployment(artefact, version, approximate=approximate, reach=found)


def probe(artefact: Artefact, reach: float = 1.0) -> None:
    """Ask a run what people will ask; this also builds the indexes that it needs for it.

    Raises:
        MatineeError: If it cannot answer.
    """
    popular = artefact.catalogue.ids[int(artefact.favour[0])]
    asks = [Ask(likes=(f"id:{popular}",), k=3), Ask(user=artefact.history.user_ids[0], k=3), Ask()]
    # Each alone: what answers one of them, compiled loops included, may not be what answers all.
    for answer in (recommend_batch(artefact, [ask], reach)[0] for ask in asks):
        if isinstance(answer, MatineeError):
            raise answer
        if len(artefact.catalogue) > 1 and not answer.items:
            raise ArtefactError("the run recommends no films", where=artefact.run)
    artefact.titles.search("a film that nobody made", 3)
    _ = artefact.catalogue.by_genre, artefact.catalogue.by_tag
    try:
        similar(artefact, f"id:{popular}", 3)
    except MatineeError:
        return  # of a film without genres some models know nothing, and say so


class Deployments:
    """The one that serves now. Replacing it is one assignment, so no request sees half of it.

    Args:
        first: What to begin with.
    """

    def __init__(self, first: Deployment) -> None:
        self.current = first
        self._changing = threading.Lock()

    def replace(
        self, run: str, *, expected: str, before: Callable[[], object] | None = None
    ) -> Deployment:
        """Load a run beside the one that serves, then let it serve; on a failure nothing changes.

        Args:
            run: The folder.
            expected: The version it must have.
            before: What must have succeeded before it serves, such as telling the others.

        Raises:
            MatineeError: If it cannot be loaded, fails its probe, or is another version.
        """
        with self._changing:
            found = version_of(run)
            if found != expected:
                raise ArtefactError(
                    f"the folder holds version {found} by now",
                    where=run,
                    expected=expected,
                    remedy="Register the run anew, and activate what it holds.",
                )
            serving = self.current
            same = found == serving.version
            made = serving if same else load(run, approximate=serving.approximate)
            if before is not None:
                before()
            self.current = made
            return made
