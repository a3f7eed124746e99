"""Downloading from a real server on this machine, and unpacking what may be hostile."""

from __future__ import annotations

import hashlib
import io
import stat
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from matinee.data import unpack as unpacking
from matinee.data.download import fetch, fetch_edition, find_local
from matinee.data.movielens import Edition
from matinee.data.unpack import unpack
from matinee.errors import DownloadError, UnknownName


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return buffer.getvalue()


CONTENT = zipped({"ml-tiny/ratings.csv": b"userId,movieId,rating\n1,2,3\n", "ml-tiny/README": b"!"})


@dataclass
class Site:
    """What the server sends, and what it was asked."""

    body: bytes = CONTENT
    cut: int | None = None
    ranges: bool = True
    status: int = 200
    asked: list[str | None] = field(default_factory=list)
    url: str = ""

    def edition(self, body: bytes | None = None, algorithm: str = "sha256") -> Edition:
        digest = hashlib.new(algorithm, self.body if body is None else body).hexdigest()
        return Edition("ml-tiny", f"{algorithm}:{digest}", "free", self.url)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            site.asked.append(wanted)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and site.ranges else 0
            status = 206 if start else site.status
            if start and start >= len(site.body):
                status = 416
            self.send_response(status)
            rest = b"" if status >= 400 else site.body[start:]
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            self.wfile.write(rest if site.cut is None else rest[: site.cut])

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}/ml-tiny.zip"
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


def leftovers(home: Path) -> set[str]:
    return {path.name for path in (home / "datasets").iterdir()}


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_fetched_verified_and_unpacked(site: Site, tmp_path: Path, algorithm: str) -> None:
    folder = fetch_edition(site.edition(algorithm=algorithm), tmp_path)
    assert {path.name for path in folder.iterdir()} == {"ratings.csv", "README"}
    assert leftovers(tmp_path) == {"ml-tiny"}
    assert find_local("ml-tiny", tmp_path) == folder


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on(site: Site, tmp_path: Path, ranges: bool) -> None:
    site.cut = 100
    with pytest.raises(DownloadError, match=f"stopped at 100 of {len(CONTENT)}") as caught:
        fetch_edition(site.edition(), tmp_path)
    assert "again" in str(caught.value)
    site.cut, site.ranges = None, ranges
    folder = fetch_edition(site.edition(), tmp_path)
    assert (folder / "README").read_bytes() == b"!"
    assert site.asked == [None, "bytes=100-"]


def test_a_part_that_is_whole_already_is_used(site: Site, tmp_path: Path) -> None:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "ml-tiny.zip.part").write_bytes(CONTENT)
    assert fetch_edition(site.edition(), tmp_path).is_dir()


def test_a_wrong_checksum_leaves_nothing(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="not the published one"):
        fetch_edition(site.edition(body=b"something else"), tmp_path)
    assert leftovers(tmp_path) == set()


@pytest.mark.parametrize("status", [404, 503])
def test_a_server_that_refuses(site: Site, tmp_path: Path, status: int) -> None:
    site.status = status
    with pytest.raises(DownloadError, match=f"answers {status}"):
        fetch_edition(site.edition(), tmp_path)


def test_offline_says_what_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_DATA", str(tmp_path / "copies"))
    edition = Edition("ml-tiny", "md5:0", "free", "http://127.0.0.1:1/ml-tiny.zip")
    with pytest.raises(DownloadError) as caught:
        fetch_edition(edition, tmp_path)
    line = str(caught.value)
    assert "\n" not in line
    assert str(tmp_path / "copies" / "ml-tiny.zip") in line
    assert edition.url in line


def test_a_local_copy_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_DATA", str(tmp_path))
    (tmp_path / "ml-1m.zip").write_bytes(CONTENT)
    assert (fetch("ml-1m", tmp_path / "home") / "README").is_file()
    (tmp_path / "ml-1m").mkdir()
    assert fetch("ml-1m", tmp_path / "home") == tmp_path / "ml-1m"
    with pytest.raises(UnknownName, match="ml-1m"):
        fetch("ml-2m", tmp_path)


def link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def device() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        info = zipfile.ZipInfo("disk")
        info.external_attr = (stat.S_IFBLK | 0o777) << 16
        packed.writestr(info, "")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (zipped({"../out.txt": b"x"}), "leads out"),
        (zipped({"a/../../out.txt": b"x"}), "leads out"),
        (zipped({"/out.txt": b"x"}), "leads out"),
        (zipped({"..\\out.txt": b"x"}), "leads out"),
        (zipped({"C:/out.txt": b"x"}), "leads out"),
        (link(), "neither a file nor a folder"),
        (device(), "neither a file nor a folder"),
        (zipped({"bomb.csv": b"0" * 20_000_000}), "would unpack to 20,000,000"),
        (zipped({f"{i}": b"" for i in range(1_001)}), "1,001 files"),
        (zipped({"a.csv": b"1", "A.CSV": b"2"}), "is there twice"),
        (CONTENT[:-30], "damaged"),
        (b"no zip file", "damaged"),
    ],
)
def test_hostile_archives_are_refused_and_leave_nothing(
    tmp_path: Path, content: bytes, why: str
) -> None:
    archive = tmp_path / "in" / "bad.zip"
    archive.parent.mkdir()
    archive.write_bytes(content)
    with pytest.raises(DownloadError, match=why):
        unpack(archive, tmp_path / "out" / "folder")
    assert {p.name for p in tmp_path.rglob("*")} == {"in", "out", "bad.zip"}


def test_a_corrupt_member_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": b"0123456789" * 10}))
    content[45] ^= 0xFF
    archive = tmp_path / "bad.zip"
    archive.write_bytes(content)
    with pytest.raises(DownloadError, match="damaged"):
        unpack(archive, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_total_size_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_BYTES", 5)
    archive = tmp_path / "big.zip"
    archive.write_bytes(zipped({"a": b"123", "b": b"456"}))
    with pytest.raises(DownloadError, match="would unpack to 6 bytes"):
        unpack(archive, tmp_path / "folder")
