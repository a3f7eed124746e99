"""A copy of the whole database in one file, while it is in use."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path

from matinee.errors import StoreError
from matinee.service.store.places import Place
from matinee.service.store.sqlite import connect


def back_up(url: str, target: Path, *, force: bool = False) -> None:
    """Copy a database as it is at one moment; nobody has to stop writing.

    SQLite's copy is a database itself; PostgreSQL's is what `pg_restore` reads. The file is
    whole and on the disk before it has its name.

    Args:
        url: The database.
        target: The new file.
        force: Replace a file of this name.

    Raises:
        StoreError: If there is a file of this name, the database cannot be read, or there is
            no `pg_dump` for PostgreSQL.
    """
    place = Place.of(url)
    copy = _dump if place.path is None else _copy_file
    if target.exists() and not force:
        raise _in_the_way(target)
    with _new_file(target, force=force) as made:
        copy(place, made)


def _copy_file(place: Place, target: Path) -> None:
    if place.path is None or not place.path.is_file():
        raise StoreError("there is no such database", where=str(place))
    try:
        with closing(connect(place, "ro")) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            found = copy.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"the database cannot be copied: {error}", where=str(place)) from error
    if found != ("ok",):
        raise StoreError(f"the copy is damaged: {found[0]}", where=str(place))


def _dump(place: Place, target: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise StoreError(
            "there is no pg_dump to copy PostgreSQL with",
            where="PATH",
            remedy="Install PostgreSQL's client programs, of the server's version or newer.",
        )
    url = place.url.set(drivername="postgresql", password=None)
    password = {} if place.url.password is None else {"PGPASSWORD": str(place.url.password)}
    done = subprocess.run(  # noqa: S603 - no shell, and the program is the system's own
        [program, "--format=custom", f"--file={target}", "--dbname", url.render_as_string()],
        env={**os.environ, **password},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StoreError(f"pg_dump failed: {done.stderr.strip()}", where=str(place))


@contextmanager
def _new_file(target: Path, *, force: bool) -> Generator[Path]:
    """A file that gets its name only when it is whole and on the disk."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise StoreError(f"no file can be made: {error.strerror}", where=str(target)) from error
    os.close(handle)
    made = Path(name)
    give_name: Callable[[Path, Path], None] = os.replace if force else os.link
    try:
        yield made
        _sync(made)
        give_name(made, target)  # a link, unlike a rename, never replaces
        _sync(target.parent)
    except FileExistsError:
        raise _in_the_way(target) from None
    finally:
        made.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _in_the_way(target: Path) -> StoreError:
    return StoreError(
        "there is a file of this name already",
        where=str(target),
        remedy="Name another, or replace it with --force.",
    )
