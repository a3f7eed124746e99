"""What keeps the service standing: keys, hosts, origins, sizes, rates, times."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from matinee.artefact import Artefact
from matinee.errors import ConfigError, StoreError
from matinee.service import scoring
from matinee.service.app import open_parts
from matinee.service.settings import ServeSettings
from matinee.service.store import Store, open_store
from support.serving import TestClient, saved, serving

Make = Callable[..., Artefact]


@pytest.fixture(scope="module")
def run(make_run: Make, tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(make_run(), tmp_path_factory.mktemp("runs") / "ease")


@pytest.fixture
def place(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/people.db"


@pytest.fixture
def client(place: str, run: str) -> Generator[TestClient]:
    with serving(run=run, database=place) as client:
        yield client


def status(reply: object) -> int:
    """The status of a reply, whose errors must be problem documents."""
    code = reply.status_code  # type: ignore[attr-defined]
    if code >= 400:
        assert reply.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    return code


class TestKeys:
    def test_open_until_the_first_key_is_made(self, run: str, place: str) -> None:
        with serving(run=run, database=place, key_seconds=0) as client, open_store(place) as store:
            assert status(client.get("/v1/items")) == 200
            key, token = store.create_key("reader", ["read"])
            reply = client.get("/v1/items")
            assert status(reply) == 401
            assert reply.headers["www-authenticate"] == "Bearer"
            allowed = {"authorization": f"Bearer {token}"}
            assert status(client.get("/v1/items", headers=allowed)) == 200
            rate = client.put("/v1/people/a/ratings/101", json={"rating": 4}, headers=allowed)
            assert status(rate) == 403
            store.revoke_key(key.id)
            assert status(client.get("/v1/items", headers=allowed)) == 401
            assert status(client.get("/v1/items")) == 401

    def test_a_key_is_believed_for_a_while(self, run: str, place: str) -> None:
        with serving(run=run, database=place, key_seconds=60) as client, open_store(place) as store:
            key, token = store.create_key("reader", ["read"])
            allowed = {"authorization": f"Bearer {token}"}
            assert status(client.get("/v1/items", headers=allowed)) == 200
            store.revoke_key(key.id)
            assert status(client.get("/v1/items", headers=allowed)) == 200
            other = {"authorization": f"Bearer {token[:-1]}{'A' if token[-1] != 'A' else 'B'}"}
            assert status(client.get("/v1/items", headers=other)) == 401
            reply = client.put("/v1/people/a/ratings/101", json={"rating": 4}, headers=allowed)
            assert status(reply) == 403

    @pytest.mark.parametrize("value", ["Bearer", "Bearer x", "Basic YTpi", "mt_1_2", ""])
    def test_what_is_no_key_is_refused_even_while_open(
        self, client: TestClient, value: str
    ) -> None:
        assert status(client.get("/v1/items", headers={"authorization": value})) == 401

    def test_a_changed_secret_and_an_unknown_id_are_refused(
        self, client: TestClient, place: str
    ) -> None:
        with open_store(place) as store:
            _, token = store.create_key("reader", ["read"])
            _, late = store.create_key("late", ["read"], expires=1)
        other = token[:-1] + ("A" if token[-1] != "A" else "B")
        for bad in (other, token.replace(token[3:15], "0" * 12), late):
            reply = client.get("/v1/items", headers={"authorization": f"Bearer {bad}"})
            assert status(reply) == 401

    def test_health_needs_no_key(self, client: TestClient, place: str) -> None:
        with open_store(place) as store:
            store.create_key("reader", ["read"])
        assert status(client.get("/health/live")) == status(client.get("/health/ready")) == 200
        assert status(client.get("/metrics")) == 401

    def test_other_machines_are_not_let_in_without_keys(self, run: str, place: str) -> None:
        settings = ServeSettings(run=run, database=place, host="0.0.0.0")
        with pytest.raises(ConfigError, match="there is no API key"):
            open_parts(settings)
        with open_store(place) as store:
            store.create_key("reader", ["read"])
        open_parts(settings).store.close()


class TestWhere:
    @pytest.mark.parametrize(
        ("host", "code"),
        [
            ("localhost", 200),
            ("127.0.0.1:8000", 200),
            ("[::1]:8000", 200),
            ("192.0.2.7", 200),
            ("evil.example", 403),
            ("localhost.evil.example", 403),
            ("", 403),
            ("films.example", 200),
        ],
    )
    def test_only_our_names_are_answered(self, run: str, place: str, host: str, code: int) -> None:
        with serving(run=run, database=place, allowed_hosts=("films.example",)) as client:
            assert status(client.get("/v1/items", headers={"host": host})) == code

    @pytest.mark.parametrize(
        ("headers", "code"),
        [
            ({}, 201),
            ({"origin": "http://localhost"}, 201),
            ({"origin": "http://evil.example"}, 403),
            ({"origin": "null"}, 403),
            ({"sec-fetch-site": "cross-site"}, 403),
            ({"sec-fetch-site": "same-origin"}, 201),
            ({"origin": "https://shop.example"}, 403),
        ],
    )
    def test_other_sites_change_nothing(
        self, client: TestClient, headers: dict[str, str], code: int
    ) -> None:
        path = "/v1/people/a/ratings/101"
        assert status(client.put(path, json={"rating": 4}, headers=headers)) == code

    def test_cors_is_off_unless_set(self, client: TestClient, run: str, place: str) -> None:
        origin = {"origin": "https://shop.example"}
        assert "access-control-allow-origin" not in client.get("/v1/items", headers=origin).headers
        with serving(run=run, database=place, cors_origins=("https://shop.example",)) as open_to:
            reply = open_to.put("/v1/people/a/ratings/101", json={"rating": 4}, headers=origin)
            assert reply.headers["access-control-allow-origin"] == "https://shop.example"
            assert status(reply) == 201

    def test_every_reply_has_security_headers(self, client: TestClient) -> None:
        for path in ("/v1/items", "/nope", "/health/live"):
            headers = client.get(path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert "default-src 'none'" in headers["content-security-policy"]


class TestHowMuch:
    def test_starlettes_own_errors_are_problems_too(self, client: TestClient) -> None:
        assert status(client.get("/v1/nope")) == 404
        reply = client.post("/v1/items")
        assert status(reply) == 405
        assert reply.headers["allow"] == "GET"
        assert status(client.post("/v1/recommendations", content=b"{}")) == 415
        as_json = {"content-type": "application/json"}
        assert status(client.post("/v1/recommendations", content=b"{", headers=as_json)) == 422
        deep = b"[" * 50_000
        assert status(client.post("/v1/recommendations", content=deep, headers=as_json)) == 422

    def test_bodies_are_bounded_with_and_without_a_length(self, run: str, place: str) -> None:
        def chunks() -> Iterator[bytes]:
            yield from [b" " * 400] * 3

        headers = {"content-type": "application/json"}
        with serving(run=run, database=place, max_body_bytes=1000) as client:
            for body in (b" " * 1200, chunks()):
                reply = client.post("/v1/recommendations", content=body, headers=headers)
                assert status(reply) == 413
            upload = client.post(
                "/v1/people/a/import", content=b" " * 1200, headers={"content-type": "text/csv"}
            )
            assert status(upload) == 422

    def test_a_client_that_asks_too_often_is_told_when_to_come_again(
        self, run: str, place: str
    ) -> None:
        with serving(run=run, database=place, rate=0.001, burst=3) as client:
            codes = [status(client.get("/v1/items")) for _ in range(4)]
            reply = client.get("/v1/items")
            assert status(client.get("/health/live")) == 200
        assert codes == [200, 200, 200, 429]
        assert reply.headers["retry-after"] == "1"

    def test_a_full_queue_is_busy_not_slow(
        self, run: str, place: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One is being scored, one waits; a third is sent away."""
        going, release = threading.Event(), threading.Event()
        real = scoring.recommend_batch

        def slowly(*args: object) -> object:
            going.set()
            assert release.wait(60)
            return real(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(scoring, "recommend_batch", slowly)
        with serving(run=run, database=place, queue=1) as client:
            codes: list[int] = []

            def ask() -> None:
                codes.append(status(client.post("/v1/recommendations", json={})))

            threads = [threading.Thread(target=ask) for _ in range(2)]
            threads[0].start()
            assert going.wait(60)
            threads[1].start()
            while "matinee_scoring_queue 1.0" not in client.get("/metrics").text:
                pass
            reply = client.post("/v1/recommendations", json={})
            release.set()
            for thread in threads:
                thread.join()
        assert status(reply) == 503
        assert reply.headers["retry-after"] == "1"
        assert codes == [200, 200]

    def test_an_answer_that_takes_too_long_is_given_up(
        self, run: str, place: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release = threading.Event()
        monkeypatch.setattr(Store, "ratings", lambda *_: release.wait(60))
        with serving(run=run, database=place, request_seconds=0.05) as client:
            reply = client.get("/v1/people/a/ratings")
            release.set()
        assert status(reply) == 503
        assert "retry-after" in reply.headers

    def test_a_database_that_fails_is_503_and_counted(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise StoreError("the disk is gone")

        monkeypatch.setattr(Store, "ping", fail)
        assert status(client.get("/health/ready")) == 503
        assert "matinee_store_errors_total 1.0" in client.get("/metrics").text

    def test_a_bug_is_500_without_its_details(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("hunter2")

        monkeypatch.setattr(Store, "ratings", fail)
        reply = client.get("/v1/people/a/ratings")
        assert status(reply) == 500
        assert "hunter2" not in reply.text


class TestSettings:
    def test_the_command_line_goes_before_the_environment_before_the_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "serve.toml"
        file.write_text('port = 1\nhost = "::1"\nmax_k = 5\nallowed_hosts = ["a", "b"]\n')
        monkeypatch.setenv("MATINEE_PORT", "2")
        monkeypatch.setenv("MATINEE_HOST", "localhost")
        settings = ServeSettings.load({"port": 3, "host": None}, file)
        assert (settings.port, settings.host, settings.max_k) == (3, "localhost", 5)
        assert settings.allowed_hosts == ("a", "b")
        monkeypatch.setenv("MATINEE_ALLOWED_HOSTS", "c, d")
        assert ServeSettings.load({}, file).allowed_hosts == ("c", "d")

    def test_what_does_not_exist_is_refused_where_it_stands(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "serve.toml"
        file.write_text("prot = 1\n")
        with pytest.raises(ConfigError, match="prot") as caught:
            ServeSettings.load({}, file)
        assert caught.value.where == str(file)
        monkeypatch.setenv("MATINEE_PORT", "many")
        with pytest.raises(ConfigError) as caught:
            ServeSettings.load()
        assert caught.value.where == "MATINEE_PORT"
        monkeypatch.setenv("MATINEE_PROT", "1")
        with pytest.raises(ConfigError, match="prot"):
            ServeSettings.load()

    def test_without_a_model_it_says_how_to_get_one(self, place: str) -> None:
        with pytest.raises(ConfigError, match="no model to serve"):
            open_parts(ServeSettings(database=place))
