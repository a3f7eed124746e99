"""Data sets in columnar form in the data home, so that the second load takes no parsing."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.places import data_home
from matinee.data.vocabulary import Vocabulary
from matinee.errors import MatineeError

log = logging.getLogger(__name__)

FORMAT = 1
"""To be raised whenever the same files would be read differently."""

ARRAYS = ("users", "items", "ratings", "times")


def cache_folder(files: Sequence[Path], settings: Mapping[str, Any]) -> Path:
    """Where a data set's cache is: its name changes with every file, setting and format."""
    places = [str(file.resolve()) for file in files]
    states = [(s.st_size, s.st_mtime_ns) for s in (file.stat() for file in files)]
    source = hashlib.sha256(json.dumps(places).encode()).hexdigest()[:16]
    state = hashlib.sha256(json.dumps([FORMAT, states, settings]).encode()).hexdigest()[:16]
    return data_home() / "cache" / f"{source}-{state}"


def save_cache(data: Interactions, folder: Path, diagnosis: Mapping[str, Any]) -> None:
    """Write a data set beside others, all of it or nothing; caches of older files go.

    A place that cannot be written to is no error: there is just no cache.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".writing-"))
    except OSError as error:
        log.debug("no cache at %s: %s", folder, error)
        return
    try:
        _write(data, scratch, diagnosis)
        for old in folder.parent.glob(f"{folder.name.partition('-')[0]}-*"):
            shutil.rmtree(old, ignore_errors=True)
        scratch.rename(folder)
    except OSError as error:
        log.debug("no cache at %s: %s", folder, error)
        shutil.rmtree(scratch, ignore_errors=True)


def _write(data: Interactions, folder: Path, diagnosis: Mapping[str, Any]) -> None:
    def save(name: str) -> None:
        np.save(folder / f"{name}.npy", getattr(data, name))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(save, ARRAYS))
    people = pl.DataFrame({"id": list(data.user_ids)}, schema={"id": pl.String})
    (people if data.people is None else data.people).write_parquet(folder / "people.parquet")
    data.catalogue.frame.write_parquet(folder / "items.parquet")
    facts = {
        "explicit": data.explicit,
        "timed": data.timed,
        "people": data.people is not None,
        "diagnosis": diagnosis,
        "checksums": _checksums(sorted(folder.iterdir())),
    }
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def load_cache(folder: Path) -> tuple[Interactions, dict[str, Any]] | None:
    """The data set and its diagnosis, or None where there is no sound cache of it."""
    if not folder.is_dir():
        return None
    try:
        return _read(folder)
    except (OSError, ValueError, KeyError, TypeError, MatineeError, pl.exceptions.PolarsError) as e:
        log.debug("the cache at %s is damaged and made anew: %s", folder, e)
        return None


def _read(folder: Path) -> tuple[Interactions, dict[str, Any]]:
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    checksums = facts["checksums"]
    if _checksums([folder / name for name in checksums]) != checksums:
        raise ValueError("a file has changed")
    arrays = {n: np.load(folder / f"{n}.npy", mmap_mode="r", allow_pickle=False) for n in ARRAYS}
    people = pl.read_parquet(folder / "people.parquet")
    data = Interactions(
        **{name: np.asarray(array) for name, array in arrays.items()},
        user_ids=Vocabulary(people["id"], sort="person"),
        catalogue=Catalogue(pl.read_parquet(folder / "items.parquet")),
        people=people if facts["people"] else None,
        explicit=facts["explicit"],
        timed=facts["timed"],
    )
    return data, facts["diagnosis"]


def _checksums(files: Sequence[Path]) -> dict[str, int]:
    with ThreadPoolExecutor(2) as threads:
        return dict(zip((file.name for file in files), threads.map(_checksum, files), strict=True))


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            checksum = zlib.crc32(block, checksum)
    return checksum
