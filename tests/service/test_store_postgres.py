"""What is particular to a database on a server, and the URLs of both."""

from __future__ import annotations

import threading

import psycopg
import pytest

from matinee.errors import StoreError
from matinee.service.store import dialect, examine, open_store
from matinee.service.store.places import Place
from support.postgres import Cluster


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
