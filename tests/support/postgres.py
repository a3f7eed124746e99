"""A throw-away PostgreSQL: made, started, killed and taken away by the tests themselves."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg import sql

PROGRAMS = ("initdb", "pg_ctl", "postgres")
USER = "matinee"


class Cluster:
    """A server on a Unix socket in a folder of its own; no TCP.

    Args:
        folder: An empty folder; its path must be short, for the socket's sake.
        programs: Where `initdb` and its like are.
        durable: Sync to the disk, as a real server does.
    """

    def __init__(self, folder: Path, programs: Path, *, durable: bool) -> None:
        self.folder, self._programs, self._durable = folder, programs, durable
        self._data = folder / "data"
        self._names = (f"d{n}" for n in count())
        if os.geteuid() == 0:
            os.chown(folder, _somebody().pw_uid, _somebody().pw_gid)
        self._run("initdb", "-D", self._data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= -c shared_buffers=16MB"
        if not self._durable:
            options += " -c fsync=off -c full_page_writes=off -c synchronous_commit=off"
        self._run("pg_ctl", "start", "-D", self._data, "-l", self.folder / "log", "-o", options)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-D", self._data, "-m", "immediate")

    def kill(self) -> None:
        """`kill -9` for the server and all of its children."""
        leader = psutil.Process(int((self._data / "postmaster.pid").read_text().split()[0]))
        everyone = [leader, *leader.children(recursive=True)]
        for process in everyone:
            with suppress(psutil.NoSuchProcess):  # some follow the leader by themselves
                process.kill()
        psutil.wait_procs(everyone)

    def url(self, name: str) -> str:
        return f"postgresql://{USER}@/{name}?host={self.folder}"

    def database(self, encoding: str = "UTF8") -> str:
        """Make a new, empty database; its URL."""
        name = next(self._names)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} ENCODING {} LOCALE 'C' TEMPLATE template0").format(
                    sql.Identifier(name), encoding
                )
            )
        return self.url(name)

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        if os.geteuid() == 0:  # as root they refuse to work
            command = ["runuser", "-u", _somebody().pw_name, "--", *command]
        output = self.folder / "output"
        with output.open("wb") as stream:
            done = subprocess.run(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{output.read_text()}")


@contextmanager
def cluster(*, durable: bool = False) -> Generator[Cluster]:
    """A running cluster; the test is skipped, loudly, where PostgreSQL is not installed."""
    programs = find_programs()
    if programs is None:
        reason = "PostgreSQL is not installed: initdb, pg_ctl and postgres are not to be found"
        warnings.warn(reason, pytest.PytestWarning, stacklevel=1)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="matinee-pg-", dir="/tmp"))
    made = Cluster(folder, programs, durable=durable)
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def find_programs() -> Path | None:
    """The folder of PostgreSQL's programs, the newest version first."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    fit = (f for f in folders if all((f / program).exists() for program in PROGRAMS))
    return next(fit, None)


def _somebody() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("no user to run PostgreSQL as")
