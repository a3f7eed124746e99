"""What is particular to a database in a file, and to one on a server."""

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

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from matinee.errors import StoreError
from matinee.service import store as package
from matinee.service.store import back_up, dialect, examine, open_store, upgrade
from matinee.service.store.places import Place
from matinee.service.store.schema import REVISION, metadata
from matinee.service.store.sqlite import READING, Sqlite, safe
from matinee.service.store.writer import GroupWriter
from support.postgres import Cluster


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet, in a folder of an awkward name."""
    folder = tmp_path / "a b#c?d%20é"
    folder.mkdir()
    return folder / "people.db"


@pytest.fixture
def url(path: Path) -> str:
    """Its URL."""
    return sa.URL.create("sqlite", database=str(path)).render_as_string()


class TestPlaces:
    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("sqlite:////tmp/x.db", "/tmp/x.db"),
            ("postgres://u:secret@h/d", "postgresql://u:***@h/d"),
            ("postgresql://u@h/d?password=secret", "postgresql://u@h/d"),
            ("postgresql+psycopg://h/d", "postgresql://h/d"),
        ],
    )
    def test_a_place_is_shown_without_its_password(self, url: str, shown: str) -> None:
        assert str(Place.of(url)) == shown

    @pytest.mark.parametrize(
        "url",
        ["", "secret", "mysql://u:secret@h/d", "postgresql://u:secret@h:port/d", "sqlite://",
         "sqlite:///:memory:", "sqlite:///x.db?secret=1", "postgresql+asyncpg://u:secret@h/d"],
    )  # fmt: skip
    def test_another_url_is_refused_and_not_repeated(self, url: str) -> None:
        with pytest.raises(StoreError, match="sqlite:///") as caught:
            open_store(url)
        assert "secret" not in str(caught.value)

    def test_the_dialect_is_in_the_url(self) -> None:
        assert dialect("sqlite:///x.db") == "sqlite"
        assert dialect("postgres://h/d") == "postgresql"


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


class TestPostgres:
    def test_a_server_that_is_not_there_is_told_without_the_password(self) -> None:
        with pytest.raises(StoreError) as caught:
            open_store("postgresql://ann:hunter2@127.0.0.1:1/x")
        assert "hunter2" not in str(caught.value)
        assert "Check that the server runs" in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_database_that_is_not_there_is_told(self, postgres: Cluster) -> None:
        with pytest.raises(StoreError, match='"nowhere" does not exist'):
            open_store(postgres.url("nowhere"))

    def test_another_encoding_is_refused(self, postgres: Cluster) -> None:
        with pytest.raises(StoreError, match=r"SQL_ASCII.*UTF8"):
            open_store(postgres.database("SQL_ASCII"))

    def test_a_connection_that_broke_is_made_anew(self, postgres: Cluster) -> None:
        url = postgres.database()
        with open_store(url) as store:
            store.rate("ann", "1", 3)
            store.ratings("ann")
            with psycopg.connect(postgres.url("postgres"), autocommit=True) as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    (url.partition("@/")[2].partition("?")[0],),
                )
            store.rate("ann", "2", 3)
            assert len(store.ratings("ann")) == 2

    def test_servers_that_start_together_make_the_tables_once(self, postgres: Cluster) -> None:
        url = postgres.database()
        errors: list[Exception] = []

        def start() -> None:
            try:
                open_store(url).close()
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert examine(url).problems == []


class TestVersions:
    def test_the_migrations_make_what_the_code_expects(self, database: str) -> None:
        open_store(database).close()
        engine = sa.create_engine(Place.of(database).url)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
        engine.dispose()

    def test_the_newest_migration_is_the_codes_version(self) -> None:
        config = Config()
        folder = Path(package.__file__).parent / "migrations"
        config.set_main_option("script_location", str(folder))
        assert ScriptDirectory.from_config(config).get_heads() == [REVISION]

    @pytest.mark.parametrize("version", ["9999", "deadbeef"])
    def test_a_newer_database_is_refused_by_name(self, url: str, version: str) -> None:
        stamp(url, version)
        for attempt in (lambda: open_store(url), lambda: upgrade(url)):
            with pytest.raises(StoreError, match=f"version {version}.*newer.*{REVISION}"):
                attempt()
        assert examine(url).problems == [f"the schema version is {version}, and not {REVISION}"]

    def test_an_older_database_is_refused_with_the_remedy(self, url: str) -> None:
        stamp(url, "0000")
        with pytest.raises(StoreError, match=r"version 0000.*matinee db upgrade"):
            open_store(url)

    def test_upgrading_makes_tables_once(self, database: str) -> None:
        first, again = upgrade(database), upgrade(database)
        assert again.before == again.after == REVISION
        assert first.after == REVISION
        assert first.backup is again.backup is None
        open_store(database, create=False).close()

    def test_a_migration_that_fails_leaves_the_file_as_it_was(
        self, url: str, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise sa.exc.OperationalError("create index", {}, Exception("the disk is full"))

        monkeypatch.setattr("alembic.op.create_index", fail)
        with pytest.raises(StoreError, match="disk is full"):
            open_store(url)
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
        monkeypatch.undo()
        open_store(url).close()

    def test_sqlite_is_copied_before_it_is_changed(self, url: str, path: Path) -> None:
        with open_store(url) as store:
            store.rate("ann", "1", 3)
        stamp(url, "0000")
        # There is no migration from 0000; what counts is that the copy was made before.
        with pytest.raises(Exception, match="0000"):
            upgrade(url)
        (copy,) = path.parent.glob("*.backup")
        with closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("SELECT item FROM ratings").fetchall() == [("1",)]


class TestBackup:
    def test_a_copy_made_while_it_is_written_is_whole(self, url: str, tmp_path: Path) -> None:
        target = tmp_path / "copy.db"
        with open_store(url) as store:
            store.rate_many("ann", [package.Rating(str(n), n, n) for n in range(2000)])
            stop = threading.Event()

            def write() -> None:
                n = 0
                while not stop.is_set():
                    store.rate_many("bob", [package.Rating("a", n, n), package.Rating("b", n, n)])
                    n += 1

            writer = threading.Thread(target=write)
            writer.start()
            for _ in range(5):
                back_up(url, target, force=True)
            stop.set()
            writer.join()
        assert target.stat().st_mode & 0o077 == 0
        assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
        with open_store(f"sqlite:///{target}", create=False) as copy:
            assert len(copy.ratings("ann")) == 2000
            assert len({r.rating for r in copy.ratings("bob")}) <= 1

    def test_a_file_in_the_way_is_left_alone(self, url: str, tmp_path: Path) -> None:
        open_store(url).close()
        target = tmp_path / "copy.db"
        target.write_text("precious")
        with pytest.raises(StoreError, match="--force"):
            back_up(url, target)
        assert target.read_text() == "precious"
        back_up(url, target, force=True)
        assert examine(f"sqlite:///{target}").problems == []

    def test_what_cannot_be_copied_leaves_nothing(self, url: str, tmp_path: Path) -> None:
        target = tmp_path / "copy.db"
        with pytest.raises(StoreError, match="no such database"):
            back_up(url, target)
        with pytest.raises(StoreError, match="No such file"):
            back_up(url, tmp_path / "nowhere" / "copy.db")
        assert not target.exists()

    def test_postgresql_is_copied_by_pg_dump(self, postgres_tables: str, tmp_path: Path) -> None:
        target = tmp_path / "copy.dump"
        back_up(postgres_tables, target)
        assert target.read_bytes().startswith(b"PGDMP")

    def test_without_pg_dump_it_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", "")
        with pytest.raises(StoreError, match="no pg_dump"):
            back_up("postgresql://h/d", tmp_path / "copy.dump")
        assert list(tmp_path.glob("*copy*")) == []


class TestHealth:
    def test_it_counts(self, database: str) -> None:
        with open_store(database) as store:
            store.rate("ann", "1", 3)
            store.mark("ann", "1", "seen")
        found = examine(database)
        assert found.problems == []
        assert found.schema == REVISION
        assert (found.rows["people"], found.rows["ratings"], found.rows["keys"]) == (1, 1, 0)

    def test_damage_is_found(self, url: str, path: Path) -> None:
        with open_store(url) as store:
            store.rate_many("ann", [package.Rating(f"{n:0150}", n, n) for n in range(2000)])
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("INSERT INTO ratings VALUES ('nobody', '1', 1.0, 1)")
            connection.commit()
        assert examine(url).problems == ["1 rows belong to nobody, in ratings"]
        content = bytearray(path.read_bytes())
        content[40 * 4096 : 44 * 4096] = b"\xff" * (4 * 4096)
        path.write_bytes(content)
        assert examine(url).problems


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


def stamp(url: str, version: str) -> None:
    """Give a database another schema version."""
    open_store(url).close()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    engine.dispose()
