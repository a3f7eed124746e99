"""Unpacking zip files that may be out to do harm."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from matinee.errors import DownloadError

MAX_FILES = 1_000
MAX_BYTES = 8 << 30
MAX_RATIO = 200
"""Unpacked bytes for one packed; tables of ratings have about 5, bombs thousands."""

_CHUNK = 1 << 20


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a zip file into a new folder, all of it or nothing.

    A single top folder within the archive is left out. Nothing is written outside `folder`;
    links, devices, absolute paths, encrypted files and bombs are refused.

    Args:
        archive: The zip file.
        folder: Where to; an existing folder is replaced once all is unpacked.

    Returns:
        `folder`.

    Raises:
        DownloadError: If the archive is damaged or not to be trusted.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpacking-") as scratch:
        root = Path(scratch) / "content"
        root.mkdir()
        try:
            with zipfile.ZipFile(archive) as packed:
                _check(packed, archive)
                for member in packed.infolist():
                    _extract(packed, member, root)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise DownloadError(
                f"the zip file is damaged: {error}",
                where=str(archive),
                remedy="Delete it and fetch it again.",
            ) from None
        _put_in_place(_only_folder(root), folder)
    return folder


def _check(packed: zipfile.ZipFile, archive: Path) -> None:
    members = packed.infolist()
    if len(members) > MAX_FILES:
        raise _refused(archive, f"it holds {len(members):,} files, more than {MAX_FILES:,}")
    size = sum(m.file_size for m in members)
    if size > MAX_BYTES or size > MAX_RATIO * (archive.stat().st_size + 1024):
        raise _refused(archive, f"it would unpack to {size:,} bytes")
    seen: set[str] = set()
    for member in members:
        trouble = _trouble(member)
        name = member.filename.rstrip("/").casefold()
        if trouble is None and name in seen:
            trouble = "is there twice"
        if trouble:
            raise _refused(archive, f"{member.filename!r} {trouble}")
        seen.add(name)


def _trouble(member: zipfile.ZipInfo) -> str | None:
    """Why a member is not to be unpacked, or None."""
    name, mode = member.filename, member.external_attr >> 16
    path = PurePosixPath(name)
    if path.is_absolute() or "\\" in name or ":" in name or ".." in path.parts or not path.parts:
        return "leads out of the folder"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is neither a file nor a folder"
    return "is encrypted" if member.flag_bits & 1 else None


def _extract(packed: zipfile.ZipFile, member: zipfile.ZipInfo, root: Path) -> None:
    target = root.joinpath(*PurePosixPath(member.filename).parts)
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # The reader stops at the size that the directory states, which has been checked.
    with packed.open(member) as source, target.open("xb") as sink:
        shutil.copyfileobj(source, sink, _CHUNK)


def _only_folder(root: Path) -> Path:
    entries = [e for e in root.iterdir() if e.name != "__MACOSX"]
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else root


def _put_in_place(fresh: Path, folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    fresh.rename(folder)


def _refused(archive: Path, why: str) -> DownloadError:
    return DownloadError(
        f"refused to unpack: {why}",
        where=str(archive),
        expected="a plain zip file of tables",
        remedy="Get it from the publisher again, or unpack it yourself and name the folder.",
    )
