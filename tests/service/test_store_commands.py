"""`matinee db` and `matinee keys`: answers, errors, exit codes."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from matinee.cli.main import run
from matinee.service.settings import default_database
from matinee.service.store import digest, key_id, open_store
from matinee.service.store.schema import REVISION

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def matinee(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command; gives its exit code, stdout and stderr."""

    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(arg) for arg in args])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database that commands find without being told."""
    made = f"sqlite:///{tmp_path}/people.db"
    monkeypatch.setenv("MATINEE_DATABASE", made)
    return made


class TestKeys:
    def test_a_token_is_shown_once(self, matinee: Command, url: str) -> None:
        scopes = ("--scope", "read", "--scope", "write")
        code, out, err = matinee("keys", "create", "ci [bold]", *scopes, "--expires", "90d")
        token = out.strip()
        assert (code, "once" in err) == (0, True)
        _, listed, _ = matinee("keys", "list")
        assert "ci [bold]" in listed
        assert "valid" in listed
        secret = token.split("_", 2)[2]
        _, as_json, _ = matinee("keys", "list", "--json")
        assert secret not in listed + as_json
        with open_store(url, create=False) as store:
            key = store.key(key_id(token) or "")
        assert key is not None
        assert key.digest == digest(token)
        assert key.scopes == {"read", "write"}
        assert key.expires is not None
        assert abs(key.expires - time.time() - 90 * 24 * 3600) < 600

    def test_a_key_is_revoked_once(self, matinee: Command, url: str) -> None:
        _, out, _ = matinee("keys", "create", "ci", "--scope", "admin", "--json")
        identity = json.loads(out)["id"]
        assert matinee("keys", "revoke", identity)[0] == 0
        assert "revoked" in matinee("keys", "list")[1]
        code, _, err = matinee("keys", "revoke", identity)
        assert (code, "keys list" in err) == (1, True)

    @pytest.mark.parametrize("text", ["", "5", "d", "0d", "-1d", "1.5d", "9999999d", "5m"])
    def test_another_time_is_wrong_usage(self, matinee: Command, url: str, text: str) -> None:
        code, _, err = matinee("keys", "create", "ci", "--scope", "read", f"--expires={text}")
        assert code == 2
        assert "90d" in err
        assert "keys create --help" in err

    def test_a_list_of_nothing_makes_nothing(
        self, matinee: Command, url: str, tmp_path: Path
    ) -> None:
        code, _, err = matinee("keys", "list")
        assert (code, "no such database" in err) == (1, True)
        assert not (tmp_path / "people.db").exists()


class TestWhich:
    """Every command is about the database that `serve` would use."""

    def test_without_a_word_it_is_in_the_data_home(self, matinee: Command) -> None:
        code, _, err = matinee("db", "check")
        assert (code, "service.db" in err) == (1, True)
        assert matinee("keys", "create", "ci", "--scope", "read")[0] == 0
        with open_store(default_database(), create=False) as store:
            assert store.keys()[0].name == "ci"

    def test_the_command_line_comes_before_the_environment_and_that_before_a_file(
        self, matinee: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        places = {name: f"sqlite:///{tmp_path}/{name}.db" for name in ("file", "env", "line")}
        config = tmp_path / "service.toml"
        config.write_text(f'database = "{places["file"]}"\nport = 9000\n')
        given: list[object] = ["--config", config]
        for name in places:
            if name == "env":
                monkeypatch.setenv("MATINEE_DATABASE", places["env"])
            if name == "line":
                given += ["--database", places["line"]]
            assert matinee("db", "upgrade", *given)[0] == 0
            assert matinee("db", "check", *given)[0] == 0
            made = {path.stem for path in tmp_path.glob("*.db")}
            assert made == set(list(places)[: list(places).index(name) + 1])

    def test_a_setting_that_does_not_exist_is_told(self, matinee: Command, tmp_path: Path) -> None:
        config = tmp_path / "service.toml"
        config.write_text('databse = "x"\n')
        code, _, err = matinee("keys", "list", "--config", config)
        assert (code, "'databse'" in err) == (1, True)


class TestDb:
    def test_it_is_made_copied_and_checked(
        self, matinee: Command, url: str, tmp_path: Path
    ) -> None:
        done = json.loads(matinee("db", "upgrade", "--json")[1])
        assert (done["before"], done["after"], done["backup"]) == (None, REVISION, None)
        assert "already" in matinee("db", "upgrade")[1]
        copy = tmp_path / "copy.db"
        assert matinee("db", "backup", copy)[0] == 0
        code, _, err = matinee("db", "backup", copy)
        assert (code, "--force" in err) == (1, True)
        assert matinee("db", "backup", "--force", copy)[0] == 0
        code, out, _ = matinee("db", "check", "--json", "--database", f"sqlite:///{copy}")
        assert code == 0
        assert json.loads(out)["problems"] == []
        assert json.loads(out)["rows"]["ratings"] == 0

    def test_a_check_that_finds_something_fails(
        self, matinee: Command, url: str, tmp_path: Path
    ) -> None:
        matinee("db", "upgrade")
        with closing(sqlite3.connect(tmp_path / "people.db")) as connection:
            connection.execute("INSERT INTO ratings VALUES ('nobody', '1', 1.0, 1)")
            connection.commit()
        code, out, _ = matinee("db", "check")
        assert code == 1
        assert "1 rows belong to nobody" in out

    def test_a_password_is_not_shown(self, matinee: Command) -> None:
        url = "postgresql://ann:hunter2@127.0.0.1:1/x"
        code, out, err = matinee("db", "check", "--database", url)
        assert code == 1
        assert "hunter2" not in out + err
