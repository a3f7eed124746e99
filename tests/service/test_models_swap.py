"""Models change while people ask: no request fails, and each reply is true to its version."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from matinee.artefact import Artefact
from matinee.errors import MatineeError
from matinee.recommendation import recommend
from matinee.service.app import create_app
from matinee.service.deployment import version_of
from matinee.service.settings import ServeSettings
from matinee.service.store import open_store
from support.loops import in_a_loop
from support.serving import TestClient, saved, serving

Make = Callable[..., Artefact]
LIKES = ["Alpha", "Beta"]


@dataclass(frozen=True)
class Pair:
    """Two runs whose lists differ, by version."""

    folders: dict[str, str]
    lists: dict[str, list[str]]


@pytest.fixture(scope="module")
def pair(make_run: Make, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    home = tmp_path_factory.mktemp("runs")
    folders: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    for name, config in (("ease", {"l2": 2.0}), ("popularity", {})):
        run = make_run(name, config)
        folder = saved(run, home / name)
        folders[version_of(folder)] = folder
        lists[version_of(folder)] = [film.id for film in recommend(run, likes=LIKES, k=8).items]
    assert len({tuple(films) for films in lists.values()}) == 2
    return Pair(folders, lists)


@pytest.fixture
def client(pair: Pair, tmp_path: Path) -> Generator[TestClient]:
    first = next(iter(pair.folders.values()))
    with serving(run=first, database=f"sqlite:///{tmp_path}/a.db") as client:
        yield client


def test_a_registered_run_serves_once_it_is_activated(client: TestClient, pair: Pair) -> None:
    old, new = pair.folders
    made = client.post("/v1/models", json={"run": "popularity"})
    assert made.status_code == 201, made.text
    assert made.json()["version"] == new
    assert not made.json()["active"]
    assert client.get("/v1/models/current").json()["version"] == old
    assert client.post(f"/v1/models/{new}/activate").json()["active"]
    assert client.get("/v1/models/current").json()["version"] == new
    rows = client.get("/v1/models").json()["items"]
    assert [(row["version"], row["active"]) for row in rows] == [(old, False), (new, True)]
    assert client.post("/v1/recommendations", json={}).json()["model_version"] == new


def test_on_a_failure_the_old_one_serves_on(client: TestClient, pair: Pair, tmp_path: Path) -> None:
    old, new = pair.folders
    beside = Path(pair.folders[old]).parent
    broken = Path(shutil.copytree(pair.folders[new], beside / f"broken-{tmp_path.name}"))
    (broken / "model.safetensors").write_bytes(b"nothing")
    assert client.post("/v1/models", json={"run": broken.name}).status_code == 409
    assert client.post(f"/v1/models/{'0' * 12}/activate").status_code == 404
    for path in ("../ease", "/etc", ".."):
        assert client.post("/v1/models", json={"run": path}).status_code in {409, 422}
    assert client.get("/v1/models/current").json()["version"] == old
    assert client.post("/v1/recommendations", json={}).json()["model_version"] == old


def test_a_run_written_anew_is_read_anew(make_run: Make, tmp_path: Path) -> None:
    """What SIGHUP does; a folder that has been spoilt changes nothing."""

    async def story(service: Any, folder: Path) -> list[str]:
        versions = [service.current.version]
        make_run("popularity", {}).save(folder)
        versions.append((await service.reload()).version)
        (folder / "items.parquet").write_bytes(b"nothing")
        with pytest.raises(MatineeError):
            await service.reload()
        return [*versions, service.current.version]

    folder = tmp_path / "run"
    make_run().save(folder)
    settings = ServeSettings(run=str(folder), database=f"sqlite:///{tmp_path}/a.db", pages=False)
    one, two, three = in_a_loop(_inside(settings, lambda s, _: story(s, folder)))
    assert one != two == three
    with open_store(settings.database) as store:
        active = store.active_model()
        assert active is not None
        assert active.version == two


def test_an_activation_reaches_those_who_share_the_database(pair: Pair, database: str) -> None:
    old, new = pair.folders
    with serving(run=pair.folders[old], database=database, poll_seconds=0.01) as client:
        with open_store(database) as store:
            store.add_model(new, pair.folders[new], "popularity")
            store.activate_model(new)
        while client.get("/health/ready").json()["model_version"] != new:
            pass


@pytest.mark.parametrize(
    ("swaps", "rate"), [(6, 50.0), pytest.param(50, 100.0, marks=pytest.mark.slow)]
)
def test_replies_are_true_to_their_version(
    pair: Pair, tmp_path: Path, swaps: int, rate: float
) -> None:
    async def asks(client: httpx.AsyncClient, stop: asyncio.Event) -> list[dict[str, Any]]:
        loop, tasks = asyncio.get_running_loop(), []
        start = loop.time()
        while not stop.is_set():
            wishes = {"likes": LIKES, "k": 8}
            tasks.append(asyncio.create_task(client.post("/v1/recommendations", json=wishes)))
            await asyncio.sleep(max(0.0, start + len(tasks) / rate - loop.time()))
        replies = await asyncio.gather(*tasks)
        assert [reply.status_code for reply in replies] == [200] * len(replies)
        return [reply.json() for reply in replies]

    async def story(_: Any, client: httpx.AsyncClient) -> list[dict[str, Any]]:
        stop = asyncio.Event()
        asking = asyncio.create_task(asks(client, stop))
        await client.post("/v1/models", json={"run": "popularity"})
        versions = list(pair.folders)
        for turn in range(swaps):
            version = versions[(turn + 1) % 2]
            done = await client.post(f"/v1/models/{version}/activate")
            assert done.status_code == 200, done.text
            wishes = {"likes": LIKES, "k": 8}
            after = await client.post("/v1/recommendations", json=wishes)
            assert after.json()["model_version"] == version
        stop.set()
        return await asking

    first = next(iter(pair.folders.values()))
    settings = ServeSettings(
        run=first, database=f"sqlite:///{tmp_path}/a.db", pages=False, rate=0, max_requests=10_000
    )
    replies = in_a_loop(_inside(settings, story))
    assert {reply["model_version"] for reply in replies} == set(pair.folders)
    for reply in replies:
        assert [film["id"] for film in reply["items"]] == pair.lists[reply["model_version"]]


async def _inside(
    settings: ServeSettings, story: Callable[[Any, httpx.AsyncClient], Awaitable[Any]]
) -> Any:
    """Tell a story inside a running service: told the service, and a client of it."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client,
    ):
        return await story(app.state.service, client)
