"""`kill -9` while eight threads rate: what was acknowledged is there, once, and nothing else."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from matinee.service.store import examine, open_store
from support import rating_child
from support.postgres import Cluster, cluster
from support.rating_child import FILMS, THREADS

pytestmark = pytest.mark.slow

CLIENT_KILLS = 20
SERVER_KILLS = 4

Acknowledged = dict[int, int]
"""The last number acknowledged, by thread."""


@pytest.fixture(scope="module")
def server() -> Generator[Cluster]:
    """A PostgreSQL that syncs to the disk."""
    with cluster(durable=True) as made:
        yield made


def test_sqlite_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/people.db"
    kill_again_and_again(url, CLIENT_KILLS)
    assert examine(url).problems == []


def test_postgresql_keeps_what_it_acknowledged(server: Cluster) -> None:
    kill_again_and_again(server.database(), CLIENT_KILLS)


def test_postgresql_keeps_it_when_the_server_is_killed(server: Cluster) -> None:
    kill_again_and_again(server.database(), SERVER_KILLS, server)


def kill_again_and_again(url: str, times: int, server: Cluster | None = None) -> None:
    chance = random.Random(times)
    known: Acknowledged = {}
    for _ in range(times):
        first = 1 + max(known.values(), default=0) // FILMS * FILMS + FILMS
        known |= rate_until_killed(url, first, chance.randrange(5, 300), server)
        check(url, first, known)


def rate_until_killed(url: str, first: int, count: int, server: Cluster | None) -> Acknowledged:
    """Let a child rate until `count` ratings are acknowledged, then kill it, or the server."""
    acknowledged: Acknowledged = {}
    child = subprocess.Popen(
        [sys.executable, rating_child.__file__, url, str(first)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stderr is not None
        for done, line in enumerate(child.stdout, start=1):
            thread, n = map(int, line.split())
            acknowledged[thread] = n
            if done == count and server is None:
                child.kill()
            elif done == count and server is not None:
                server.kill()
        told = child.stderr.read()
    if server is not None:
        server.start()
        assert child.returncode == 3, told
    else:
        assert child.returncode == -9, told
    return acknowledged


def check(url: str, first: int, known: Acknowledged) -> None:
    """Each thread's films hold its last numbers, but for one that was under way."""
    with open_store(url, create=False) as store:
        for thread in range(THREADS):
            last = known.get(thread, 0)
            kept = {int(r.item): int(r.rating) for r in store.ratings(f"p{thread}")}
            assert all(n % FILMS == film for film, n in kept.items())
            newest = max(kept.values(), default=0)
            assert newest in {last, max(last + 1, first)}, f"thread {thread}: {newest} of {last}"
            known[thread] = newest
            wanted = set(range(max(first, newest - FILMS + 1), newest + 1))
            assert wanted <= set(kept.values())
