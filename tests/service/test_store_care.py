"""Looking after a database: its version, copies, damage."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from matinee.errors import StoreError
from matinee.service import store as package
from matinee.service.store import back_up, examine, open_store, upgrade
from matinee.service.store.places import Place
from matinee.service.store.schema import REVISION, metadata


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

    def test_what_the_first_version_had_is_kept(self, database: str) -> None:
        with open_store(database) as store:
            person = store.sign_up("ann", "Ann", "hash")
            for version in ("v2", "v1", "v3"):
                store.add_model(version, "runs", "ease")
        engine = sa.create_engine(Place.of(database).url)
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE models SET created = 9 WHERE version <> 'v3'")
            connection.exec_driver_sql("UPDATE models SET created = 5 WHERE version = 'v3'")
            connection.exec_driver_sql("ALTER TABLE models DROP COLUMN number")
            connection.exec_driver_sql("ALTER TABLE people DROP COLUMN epoch")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        engine.dispose()
        with pytest.raises(StoreError, match="matinee db upgrade"):
            open_store(database)
        assert upgrade(database).before == "0001"
        with open_store(database) as store:
            assert store.account("ann") == (person, "hash")
            store.add_model("v0", "runs", "ease")
            assert [row.version for row in store.models()] == ["v3", "v1", "v2", "v0"]

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


def stamp(url: str, version: str) -> None:
    """Give a database another schema version."""
    open_store(url).close()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    engine.dispose()
