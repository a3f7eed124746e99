"""A run folder on the disk: staging, checksums, and what may be read and replaced.

How a save stays whole: every file is written into `.saving` inside the folder and forced
to the disk; only then is the old `model.json` taken away, each file renamed into place, and
the new `model.json` last of all. A kill before that leaves the old run. A kill after it
leaves the new one, part of which is still in `.saving`, where it is read from and whence the
next save moves it. Folders are not swapped as a whole, because the trainer keeps its
checkpoints and its log in the same folder while it runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path

from matinee.errors import ArtefactError

MANIFEST = "model.json"
WEIGHTS = "model.safetensors"
ITEMS = "items.parquet"
PEOPLE = "people.parquet"
HISTORY = "history.parquet"
CARD = "card.md"

REQUIRED = (WEIGHTS, ITEMS, PEOPLE, HISTORY, CARD)
"""The files every finished run has beside `model.json`."""

OPTIONAL = ("loss.png", "metrics.jsonl")
"""What the trainer may have left in the folder; covered by the checksums if it did."""

TRAINING = ("run.json", "checkpoint", "pretraining", "rehearsal", "members")
"""What marks a run that is being trained or can be resumed."""

STAGING = ".saving"


def check_target(folder: Path) -> None:
    """Refuse to write a run where something else is; to be asked before a long training.

    A folder is fit if it does not exist, is empty (hidden files aside) or is a run.

    Raises:
        ArtefactError: If it is not fit.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ArtefactError("there is a file of this name", where=str(folder), expected="a folder")
    if is_run(folder) or all(path.name.startswith(".") for path in folder.iterdir()):
        return
    raise ArtefactError(
        "the folder holds something else than a run and is left alone",
        where=str(folder),
        expected="a new or empty folder, or an earlier run",
    )


def discard(folder: Path) -> None:
    """Take away what an earlier run left in a folder, `model.json` first: it is a run no more.

    Files that no run writes stay.
    """
    for name in (MANIFEST, *REQUIRED, *OPTIONAL, *TRAINING):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    shutil.rmtree(folder / STAGING, ignore_errors=True)


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run, finished or not."""
    marks = any((folder / name).exists() for name in TRAINING)
    return marks or _says_matinee(locate(folder, MANIFEST))


def locate(folder: Path, name: str) -> Path:
    """Where a file of a run is: in its folder, or still staged if a save was cut short."""
    staged = folder / STAGING / name
    return staged if _cut_short(folder) and staged.exists() else folder / name


def read_manifest(folder: Path) -> str:
    """The text of `model.json`.

    Raises:
        ArtefactError: If there is no such folder, or none of a finished run.
    """
    if not folder.is_dir():
        raise ArtefactError(
            "there is no such run",
            where=str(folder),
            expected="the folder that `matinee train` wrote",
        )
    path = locate(folder, MANIFEST)
    if not (path.exists() or path.is_symlink()):
        unfinished = is_run(folder)
        raise ArtefactError(
            "the training of this run has not finished" if unfinished else "this is not a run",
            where=str(folder),
            expected=f"a folder with {MANIFEST}",
            remedy=f"Go on with `matinee train --resume {folder}`." if unfinished else None,
        )
    with _reading(path):
        return regular(path).read_text(encoding="utf-8")


def check_files(folder: Path, checksums: Mapping[str, str]) -> None:
    """Check that the files of a run are there, are plain files, and are as they were written.

    Raises:
        ArtefactError: On the first that is not.
    """
    known = {*REQUIRED, *OPTIONAL}
    for name in checksums:
        if name not in known:
            raise ArtefactError(
                f"{name!r} is no file of a run",
                where=str(folder / MANIFEST),
                expected="one of " + ", ".join(sorted(known)),
            )
    for name in REQUIRED:
        if name not in checksums:
            raise ArtefactError(f"the checksum of {name} is missing", where=str(folder / MANIFEST))
    for name, checksum in checksums.items():
        if sha256(regular(locate(folder, name))) != checksum:
            raise ArtefactError(
                "the file was changed after it was written: its checksum does not match",
                where=str(folder / name),
                remedy="Restore it from a copy, or train the run again.",
            )


def regular(path: Path) -> Path:
    """The path itself if it is a plain file and no link.

    Raises:
        ArtefactError: If it is missing or something else.
    """
    if path.is_symlink() or not path.is_file():
        there = path.is_symlink() or path.exists()
        raise ArtefactError(
            "this is not a plain file" if there else "the file is missing",
            where=str(path),
            remedy="Restore it from a copy, or train the run again.",
        )
    return path


def sha256(path: Path) -> str:
    """The checksum of a file.

    Raises:
        ArtefactError: If it cannot be read.
    """
    with _reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def staging(folder: Path) -> Generator[Path]:
    """An empty folder inside a run folder, in which to write before `publish`.

    Raises:
        ArtefactError: If the run cannot be written, with the reason the system gives.
    """
    check_target(folder)
    staged = folder / STAGING
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if _cut_short(folder):
            _move(staged, [name for name in REQUIRED if (staged / name).exists()])
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir()
        yield staged
    except OSError as error:
        reason = error.strerror or str(error)
        raise ArtefactError(f"the run cannot be written: {reason}", where=str(folder)) from error
    finally:
        if not _cut_short(folder):
            shutil.rmtree(staged, ignore_errors=True)


def publish(staged: Path, names: Iterable[str], manifest: str) -> None:
    """Move staged files into the run folder around them, with a new `model.json`.

    Args:
        staged: What `staging` gave.
        names: The files in it.
        manifest: The text of `model.json`.
    """
    names = list(names)
    part = staged / f"{MANIFEST}.part"
    part.write_text(manifest, encoding="utf-8")
    for path in (*(staged / name for name in names), part):
        _sync(path)
    part.replace(staged / MANIFEST)
    _sync(staged)
    (staged.parent / MANIFEST).unlink(missing_ok=True)
    _move(staged, names)


def _move(staged: Path, names: Iterable[str]) -> None:
    for name in (*names, MANIFEST):
        (staged / name).replace(staged.parent / name)
    _sync(staged.parent)


def _cut_short(folder: Path) -> bool:
    """Whether a save was killed after everything was staged; its `model.json` is staged last."""
    return not (folder / MANIFEST).exists() and (folder / STAGING / MANIFEST).exists()


@contextmanager
def _reading(path: Path) -> Generator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ArtefactError(f"the file cannot be read: {reason}", where=str(path)) from None


def _says_matinee(manifest: Path) -> bool:
    try:
        return "matinee" in json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def _sync(path: Path) -> None:
    """Force a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
