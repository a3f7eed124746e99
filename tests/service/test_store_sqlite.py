"""What is particular to a database in a file."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from matinee.errors import StoreError
from matinee.service import store as package
from matinee.service.store import examine, open_store
from matinee.service.store.places import Place
from matinee.service.store.sqlite import READING, Sqlite, safe
from matinee.service.store.writer import GroupWriter


class TestSqlite:
    def test_it_is_made_where_it_is_not_for_others_to_read(self, url: str, path: Path) -> None:
        with open_store(url) as store:
            store.rate("ann", "1", 3)
            assert path.stat().st_mode & 0o077 == 0
            assert path.with_name("people.db-wal").stat().st_mode & 0o077 == 0

    def test_closed_it_is_one_whole_file(self, url: str, path: Path) -> None:
        with open_store(url) as store:
            store.rate("ann", "1", 3)
            store.ratings("ann")
        assert sorted(p.name for p in path.parent.iterdir()) == ["people.db", "people.db.lock"]
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM ratings").fetchone() == (1,)

    def test_it_is_not_made_unasked(self, url: str, path: Path) -> None:
        with pytest.raises(StoreError, match="no such database"):
            open_store(url, create=False)
        assert list(path.parent.iterdir()) == []

    def test_a_folder_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match=r"nowhere.*No such file"):
            open_store(f"sqlite:///{tmp_path}/nowhere/x.db")

    def test_a_file_of_something_else_is_left_alone(self, url: str, path: Path) -> None:
        path.write_text("dear diary\n" * 100)
        with pytest.raises(StoreError, match="not a database"):
            open_store(url)
        assert path.read_text() == "dear diary\n" * 100
        assert [p.name for p in path.parent.iterdir()] == ["people.db"]

    def test_a_database_of_something_else_is_left_alone(self, url: str, path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE diary (dear TEXT)")
        with pytest.raises(StoreError, match=r"other tables.*diary"):
            open_store(url)
        with closing(sqlite3.connect(path)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        assert tables == [("diary",)]

    def test_the_one_connection_that_writes_syncs_and_checkpoints(self, url: str) -> None:
        backend = Sqlite(Place.of(url), create=True)
        asked = ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")

        def look(connection: sa.Connection) -> list[object]:
            return [connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in asked]

        assert backend.write(look) == ["wal", 2, 1, 1000]
        assert backend.read(look)[-1] == 0
        assert "PRAGMA wal_autocheckpoint=0" in READING
        backend.close()

    def test_connections_that_read_cannot_write(self, url: str) -> None:
        backend = Sqlite(Place.of(url), create=True)
        with pytest.raises(StoreError, match="readonly"):
            backend.read(lambda c: c.exec_driver_sql("CREATE TABLE x (y)"))
        backend.close()

    def test_the_log_does_not_grow_without_end(self, url: str, path: Path) -> None:
        with open_store(url) as store:
            for n in range(40):
                store.rate_many(
                    "ann", [package.Rating(f"{'x' * 150}{i}", n, n) for i in range(500)]
                )
            log = path.with_name("people.db-wal").stat().st_size
        assert log < 6_000_000  # of 18 million bytes written; 1,000 pages are 4 million

    def test_who_holds_the_lock_too_long_is_told(
        self, url: str, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("matinee.service.store.sqlite.PATIENCE", 0.05)
        with open_store(url) as store:
            other = os.open(f"{path}.lock", os.O_RDWR)
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(StoreError, match="another process keeps writing"):
                store.rate("ann", "1", 3)
            assert store.ratings("ann") == []
            os.close(other)
            store.rate("ann", "1", 4)

    def test_another_program_that_writes_too_long_is_told(
        self, url: str, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("matinee.service.store.sqlite.PATIENCE", 0.05)
        with open_store(url) as store, closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match=r"locked.*Another program"):
                store.rate("ann", "1", 3)
            other.rollback()
            store.rate("ann", "1", 4)

    def test_several_processes_write_one_file(self, url: str) -> None:
        script = (
            "import sys; from matinee.service.store import open_store\n"
            "with open_store(sys.argv[1]) as store:\n"
            "    for n in range(50): store.rate(sys.argv[2], str(n), n)\n"
        )
        children = [
            subprocess.Popen([sys.executable, "-c", script, url, f"p{n}"]) for n in range(3)
        ]
        assert [child.wait() for child in children] == [0, 0, 0]
        with open_store(url) as store:
            assert [len(store.ratings(f"p{n}")) for n in range(3)] == [50, 50, 50]
        assert examine(url).problems == []

    @pytest.mark.parametrize(
        ("version", "fixed"),
        [
            ((3, 40, 1), False),
            ((3, 44, 5), False),
            ((3, 44, 6), True),
            ((3, 45, 3), False),
            ((3, 50, 6), False),
            ((3, 50, 7), True),
            ((3, 51, 2), False),
            ((3, 51, 3), True),
            ((3, 53, 0), True),
            ((4, 0, 0), True),
        ],
    )
    def test_safe_versions_are_known(self, version: tuple[int, int, int], fixed: bool) -> None:
        assert safe(version) == fixed


class TestGroups:
    """Changes that wait together share a transaction, and nothing else."""

    def test_one_that_fails_takes_nothing_along(self, url: str) -> None:
        backend = Sqlite(Place.of(url), create=True)
        backend.write(lambda c: c.exec_driver_sql("CREATE TABLE x (y INTEGER UNIQUE)"))
        answers = in_one_group(
            backend,
            lambda c: c.exec_driver_sql("INSERT INTO x VALUES (1)").rowcount,
            lambda c: c.exec_driver_sql("INSERT INTO x VALUES (1)").rowcount,
            lambda c: c.exec_driver_sql("INSERT INTO x VALUES (2)").rowcount,
        )
        assert [isinstance(a, StoreError) for a in answers] == [False, True, False]
        kept = backend.read(lambda c: c.exec_driver_sql("SELECT y FROM x").scalars().all())
        assert list(kept) == [1, 2]
        backend.close()

    def test_if_the_whole_is_undone_nobody_is_told_otherwise(self, url: str) -> None:
        """SQLite may undo the transaction by itself, as it does on a full disk."""
        backend = Sqlite(Place.of(url), create=True)
        backend.write(lambda c: c.exec_driver_sql("CREATE TABLE x (y INTEGER UNIQUE)"))
        answers = in_one_group(
            backend,
            lambda c: c.exec_driver_sql("INSERT INTO x VALUES (1)").rowcount,
            lambda c: c.exec_driver_sql("INSERT OR ROLLBACK INTO x VALUES (1)").rowcount,
            lambda c: c.exec_driver_sql("INSERT INTO x VALUES (2)").rowcount,
        )
        assert all(isinstance(a, StoreError) for a in answers)
        kept = backend.read(lambda c: c.exec_driver_sql("SELECT y FROM x").scalars().all())
        assert list(kept) == []
        assert backend.write(lambda c: c.exec_driver_sql("INSERT INTO x VALUES (3)").rowcount) == 1
        backend.close()

    def test_a_full_disk_is_told_and_the_next_may_write(self, url: str) -> None:
        with open_store(url) as store:
            store.rate("ann", "1", 3)
            write = store._backend.write
            pages = write(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar())
            write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages}").scalar())
            with pytest.raises(StoreError, match=r"full.*Make room"):
                store.rate_many(
                    "ann", [package.Rating("x" * 190 + str(n), 1, 1) for n in range(500)]
                )
            write(lambda c: c.exec_driver_sql("PRAGMA max_page_count=100000").scalar())
            store.rate("ann", "2", 3)
            assert [r.item for r in store.ratings("ann")] == ["1", "2"]

    def test_a_closed_writer_has_made_what_waited(self, url: str) -> None:
        backend = Sqlite(Place.of(url), create=True)
        backend.write(lambda c: c.exec_driver_sql("CREATE TABLE x (y)"))
        answers = in_one_group(
            backend,
            *[lambda c: c.exec_driver_sql("INSERT INTO x VALUES (1)").rowcount] * 5,
            then=backend.close,
        )
        assert answers == [1] * 5


def in_one_group(
    backend: Sqlite,
    *changes: Callable[[sa.Connection], object],
    then: Callable[[], None] | None = None,
) -> list[object]:
    """Hold the writer up until all changes wait; their answers, or the errors raised."""
    held, go = threading.Event(), threading.Event()

    def hold(_: sa.Connection) -> None:
        held.set()
        go.wait()

    answers: list[object] = [None] * len(changes)

    def ask(index: int) -> None:
        try:
            answers[index] = backend.write(changes[index])
        except StoreError as error:
            answers[index] = error

    holder = threading.Thread(target=backend.write, args=(hold,))
    holder.start()
    held.wait()
    threads = [threading.Thread(target=ask, args=(n,)) for n in range(len(changes))]
    writer: GroupWriter = backend._writer
    for index, thread in enumerate(threads):  # one by one, so that their order is known
        thread.start()
        while writer._waiting.qsize() <= index:
            thread.join(0.001)
    closer = threading.Thread(target=then) if then else None
    if closer:
        closer.start()
        while writer._waiting.qsize() <= len(changes):
            closer.join(0.001)
    go.set()
    for thread in [holder, *threads, *([closer] if closer else [])]:
        thread.join()
    return answers
