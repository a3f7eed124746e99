"""`matinee serve` as a process, and what comes over the wire before it is a request."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Generator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from matinee.artefact import Artefact
from matinee.cli.main import run as matinee
from matinee.service.deployment import version_of
from matinee.service.store import examine, open_store
from support.postgres import Cluster
from support.serving import listening, saved

Make = Callable[..., Artefact]


@pytest.fixture
def run(make_run: Make, tmp_path: Path) -> str:
    return saved(make_run(), tmp_path / "run")


@pytest.fixture
def address(run: str, tmp_path: Path) -> Generator[tuple[str, int]]:
    limits = {"max_header_bytes": 1000, "header_seconds": 0.3}
    with listening(run=run, database=f"sqlite:///{tmp_path}/a.db", **limits) as url:
        host, port = url.removeprefix("http://").split(":")
        yield host, int(port)


def told(address: tuple[str, int], *pieces: bytes) -> tuple[int, dict[str, object]]:
    """The status and problem document that raw bytes are answered with."""
    with socket.create_connection(address, timeout=30) as wire:
        for piece in pieces:
            wire.sendall(piece)
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize(
    "pieces",
    [
        (b"GET /health/live HTTP/1.1\r\nx: " + b"a" * 2000 + b"\r\n\r\n",),
        (b"GET /health/live HTTP/1.1\r\n", b"x: " + b"a" * 2000),
        (b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n",),
    ],
)
def test_a_head_that_is_too_large_is_refused(
    address: tuple[str, int], pieces: tuple[bytes, ...]
) -> None:
    assert told(address, *pieces)[0] == 431


def test_a_head_that_does_not_come_is_not_waited_for(address: tuple[str, int]) -> None:
    assert told(address, b"GET /health/live HTTP/1.1\r\n")[0] == 408
    assert told(address)[0] == 408


def test_what_is_no_http_is_refused(address: tuple[str, int]) -> None:
    assert told(address, b"\x16\x03\x01 nonsense\r\n\r\n")[0] == 400


class Command:
    """A running `matinee serve`."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-c", "from matinee.cli.main import main; main()", "serve"]
        self.process = subprocess.Popen(
            [*command, *arguments], stderr=subprocess.PIPE, text=True, env=dict(os.environ)
        )

    def until(self, text: str) -> str:
        """Read what it says until a line has this in it; that line."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if text in line:
                return line
        raise AssertionError(f"it never said {text!r}")


def get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=30) as reply:
        return json.loads(reply.read())


def put(url: str, document: dict[str, object]) -> int:
    request = urllib.request.Request(
        url,
        json.dumps(document).encode(),
        {"content-type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        return reply.status


def test_it_says_where_it_is_reads_its_run_anew_and_stops_when_told(
    make_run: Make, run: str, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path}/a.db"
    serve = Command(run, "--port", "0", "--database", database, "--set", "pages=false")
    try:
        url = serve.until("Next: open").split("open ")[1].split("/openapi.json")[0]
        serve.until("startup complete")
        assert get(f"{url}/health/ready")["model_version"] == version_of(run)
        make_run("popularity", {}).save(run)
        serve.process.send_signal(signal.SIGHUP)
        assert version_of(run) in serve.until(" serves")
        assert get(f"{url}/health/ready")["model_version"] == version_of(run)
        serve.process.send_signal(signal.SIGTERM)
        serve.process.wait(60)
    finally:
        serve.process.kill()
        serve.process.communicate()
    assert serve.process.returncode == 0


class Exchange:
    """A request of which all but the end has been sent, and which the service works at."""

    def __init__(self, address: tuple[str, int], method: str, path: str, body: bytes) -> None:
        self.wire = socket.create_connection(address, timeout=60)
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self.wire.sendall(head.encode() + body[:-1])
        self.rest = body[-1:]
        # The service says this when it begins to wait for the body: the request is under way.
        assert self.wire.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"

    def end(self) -> int:
        """Send the end; the status, after which the service hangs up."""
        self.wire.sendall(self.rest)
        answer = b""
        while piece := self.wire.recv(65536):
            answer += piece
        self.wire.close()
        return int(answer.split()[1])


def test_told_to_stop_it_answers_what_is_under_way_and_takes_nothing_more(
    run: str, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path}/a.db"
    serve = Command(run, "--port", "0", "--database", database, "--set", "pages=false")
    try:
        url = serve.until("Next: open").split("open ")[1].split("/openapi.json")[0]
        serve.until("startup complete")
        host, port = url.removeprefix("http://").split(":")
        address = host, int(port)
        rating = ("PUT", "/v1/people/ann/ratings/{}", b'{"rating": 4}')
        wish = ("POST", "/v1/recommendations", b'{"likes": ["Alpha"], "k": 3}')
        asked = [
            Exchange(address, method, path.format(100 + n), body)
            for n in range(4)
            for method, path, body in (rating, wish)
        ]
        idle = HTTPConnection(host, int(port), timeout=60)
        idle.request("GET", "/health/live")
        assert idle.getresponse().read()
        serve.process.send_signal(signal.SIGTERM)
        assert idle.sock.recv(1) == b""  # hung up on: it has begun to stop
        idle.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=60)
        assert [one.end() for one in asked] == [201, 200] * 4
        assert serve.process.wait(60) == 0
    finally:
        serve.process.kill()
        serve.process.communicate()
    with open_store(database) as store:
        assert len(store.ratings("ann")) == 4
    assert examine(database).rows["recommendation_log"] == 4


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_several_workers_share_a_database_and_follow_an_activation(
    make_run: Make, run: str, tmp_path: Path, postgres: Cluster, kind: str
) -> None:
    other = saved(make_run("popularity", {}), tmp_path / "other")
    database = postgres.database() if kind == "postgresql" else f"sqlite:///{tmp_path}/a.db"
    many = ("--port", "0", "--workers", "2", "--database", database, "--set", "pages=false")
    serve = Command(run, *many, "--set", "poll_seconds=0.05", "--set", "rate=0")
    try:
        url = serve.until("Next: open").split("open ")[1].split("/openapi.json")[0]
        for _ in range(2):
            serve.until("startup complete")
        with open_store(database) as store:
            store.add_model(version_of(other), other, "popularity")
            store.activate_model(version_of(other))
        rated = [put(f"{url}/v1/people/p{i}/ratings/100", {"rating": 4}) for i in range(40)]
        assert rated == [201] * 40
        agreed = 0
        while agreed < 20:
            now = get(f"{url}/health/ready")["model_version"]
            agreed = agreed + 1 if now == version_of(other) else 0
        with urllib.request.urlopen(f"{url}/metrics", timeout=30) as reply:
            lines = reply.read().decode().splitlines()
        counted = [line for line in lines if line.startswith("matinee_request_seconds_count")]
        ready = next(line for line in counted if "/health/ready" in line)
        assert float(ready.split()[-1]) >= agreed
        serve.process.send_signal(signal.SIGTERM)
        serve.process.wait(60)
    finally:
        serve.process.terminate()
        serve.process.communicate()
    assert serve.process.returncode == 0
    assert examine(database).rows["ratings"] == 40


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{home}/none", "--database", "sqlite:///{home}/a.db"], "there is no such run"),
        (["{run}", "--database", "sqlite:///{home}/run/model.json"], "not a database"),
        (["{run}", "--database", "sqlite:///{home}/a.db", "--port", "{port}"], "cannot be taken"),
        (["{run}", "--database", "sqlite:///{home}/a.db", "--host", "0.0.0.0"], "no API key"),
        (["{run}", "--database", "sqlite:///{home}/a.db", "--workers", "0"], "workers"),
        (["{run}", "--set", "prot=1"], "no setting called 'prot'"),
    ],
)
def test_what_cannot_be_is_one_line(
    run: str,
    tmp_path: Path,
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        names = {"home": str(tmp_path), "run": run, "port": str(taken.getsockname()[1])}
        assert matinee(["serve", *(a.format(**names) for a in arguments)]) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert said in lines[0]
