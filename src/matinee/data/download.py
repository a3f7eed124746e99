"""Fetching the MovieLens editions: a local copy if there is one, else the published file."""

from __future__ import annotations

import hashlib
import http.client
import logging
import sys
import urllib.error
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from matinee.data.movielens import EDITIONS, Edition
from matinee.data.places import data_home, local_copies
from matinee.data.unpack import unpack
from matinee.errors import DownloadError, unknown

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 30
_CHUNK = 1 << 18


def fetch(name: str, home: Path | None = None) -> Path:
    """The folder of a MovieLens edition, downloaded if it is nowhere on this machine.

    Looked for in `MATINEE_DATA` (as a folder or a zip file), then in the data home, then at
    its publisher's. A download goes on where an earlier one stopped, and counts only once
    its checksum is right.

    Args:
        name: A key of `EDITIONS`.
        home: The data home; by default `MATINEE_HOME` or `~/.cache/matinee`.

    Raises:
        UnknownName: If there is no such edition.
        DownloadError: If it cannot be had, or is not what was published.
    """
    if name not in EDITIONS:
        raise unknown("edition of MovieLens", name, EDITIONS)
    found = find_local(name, home)
    return fetch_edition(EDITIONS[name], home) if found is None else found


def find_local(name: str, home: Path | None = None) -> Path | None:
    """The folder of a data set that is on this machine already, or None.

    A zip file under `MATINEE_DATA` is unpacked into the data home.
    """
    home = home or data_home()
    copies = local_copies()
    if copies is not None and (copies / name).is_dir():
        return copies / name
    folder = home / "datasets" / name
    if copies is not None and (copies / f"{name}.zip").is_file():
        packed = copies / f"{name}.zip"
        newer = folder.is_dir() and folder.stat().st_mtime >= packed.stat().st_mtime
        return folder if newer else unpack(packed, folder)
    return folder if folder.is_dir() else None


def fetch_edition(edition: Edition, home: Path | None = None) -> Path:
    """Download, verify and unpack one edition; returns its folder.

    Raises:
        DownloadError: If it cannot be had, or is not what was published.
    """
    folder = (home or data_home()) / "datasets" / edition.name
    archive = folder.parent / f"{edition.name}.zip"
    part = archive.with_suffix(".zip.part")
    archive.parent.mkdir(parents=True, exist_ok=True)
    log.info("%s: %s", edition.name, edition.licence)
    _download(edition, part, archive)
    _verify(part, edition)
    part.replace(archive)
    unpack(archive, folder)
    archive.unlink()
    return folder


def _download(edition: Edition, part: Path, archive: Path) -> None:
    """Bring `part` to its full length."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "matinee"} | ({"Range": f"bytes={have}-"} if have else {})
    # The address comes from the table of editions, never from input.
    request = urllib.request.Request(edition.url, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            _receive(answer, part, have if answer.status == 206 else 0, edition)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:
            return  # The part is as long as the file: the checksum decides.
        raise _unreachable(edition, archive, f"the server answers {error.code}") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise _unreachable(edition, archive, str(reason)) from None


def _receive(answer: http.client.HTTPResponse, part: Path, start: int, edition: Edition) -> None:
    length = answer.headers.get("Content-Length")
    total = start + int(length) if length else None
    got = start
    with part.open("ab" if start else "wb") as file, _progress() as progress:
        task = progress.add_task(edition.name, total=total, completed=start)
        while chunk := _read(answer):
            file.write(chunk)
            got += len(chunk)
            progress.update(task, completed=got)
    if total is not None and got < total:
        raise DownloadError(
            f"the download stopped at {got:,} of {total:,} bytes",
            where=edition.url,
            remedy=f"Run `matinee data fetch {edition.name}` again: it goes on from there.",
        )


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(_CHUNK)
    except http.client.IncompleteRead as error:
        return error.partial


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )


def _verify(part: Path, edition: Edition) -> None:
    algorithm, _, expected = edition.checksum.partition(":")
    with part.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        part.unlink()
        raise DownloadError(
            f"the file is not the published one: its {algorithm} is {found}",
            where=edition.url,
            expected=expected,
            remedy="It was deleted; try again, and if it stays so, the publisher's has changed.",
        )


def _unreachable(edition: Edition, archive: Path, reason: str) -> DownloadError:
    copies = local_copies()
    place = copies / f"{edition.name}.zip" if copies else f"$MATINEE_DATA/{edition.name}.zip"
    return DownloadError(
        f"{edition.name} cannot be downloaded ({reason})",
        where=edition.url,
        remedy=f"Get that file elsewhere and put it at {place}, or unpacked into "
        f"{archive.with_suffix('')}.",
    )
