"""Latency of the service under load: `python -m benchmarks.load [--rate 200] [--seconds 60]`.

A simulated catalogue of 27,278 films, people with about fifty ratings each in the database, an
API key on every request, and the recommendation log written. `matinee serve` runs as a process
of its own, and so does the client. The client is an open loop: requests start at a fixed rate
whether or not earlier ones were answered, and a request's latency counts from the moment it was
meant to start, so that a server that stalls is charged for everyone it kept waiting.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvloop

FILMS, PEOPLE, RATINGS, EACH = 27_278, 4_000, 400_000, 50
CONNECTIONS = 64
HOME = Path("build/load")


@dataclass
class Figures:
    """What came of one rate; times in milliseconds."""

    rate: float
    seconds: float
    answered: int
    errors: int
    p50: float
    p90: float
    p99: float
    max: float
    late_starts: int


def prepare(home: Path, model: str) -> tuple[Path, str]:
    """A run and a database with people; the run and a token."""
    from matinee import RunSpec, train
    from matinee.data.simulate import simulate_to
    from matinee.service.store import Rating, open_store

    data, run, database = home / "data", home / model, home / "people.db"
    if not data.exists():
        simulate_to(data, PEOPLE, FILMS, RATINGS)
    if not (run / "model.json").exists():
        settings = {"epochs": 4} if model == "mf" else {"epochs": 2}
        train(RunSpec(model=model, data=str(data), split="random", settings=settings), run)
    for old in home.glob("people.db*"):
        old.unlink()
    films = [line.split(",")[0] for line in (data / "movies.csv").open()][1:]
    rng = random.Random(0)
    with open_store(f"sqlite:///{database}") as store:
        for person in range(PEOPLE):
            items = rng.sample(films, rng.randint(EACH // 2, EACH * 3 // 2))
            given = [Rating(item, rng.randint(1, 10) / 2, 1_700_000_000) for item in items]
            store.rate_many(f"new-{person}", given)
        _, token = store.create_key("load", ["read", "write"])
    return run, token


class Server:
    """`matinee serve`, as a process."""

    def __init__(self, run: Path, home: Path, port: int, workers: int = 1) -> None:
        matinee = Path(sys.executable).with_name("matinee")
        command = [str(matinee), "serve", str(run), "--port", str(port), "-q"]
        command += ["--database", f"sqlite:///{home}/people.db", "--set", "rate=0"]
        command += ["--set", "pages=false", "--workers", str(workers)]
        self.process = subprocess.Popen(command, stderr=(home / "server.log").open("w"))

    def processes(self) -> list[int]:
        """The server's process and its children."""
        main = self.process.pid
        return [main, *map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split())]

    def memory(self) -> dict[str, float]:
        """Resident memory of all processes now, and the sum of what each had at most, in MB."""
        total = {"VmRSS": 0, "VmHWM": 0}
        for process in self.processes():
            for line in Path(f"/proc/{process}/status").read_text().splitlines():
                name = line.split(":")[0]
                if name in total:
                    total[name] += int(line.split()[1])
        return {"mb": total["VmRSS"] / 1000, "peak_mb": total["VmHWM"] / 1000}

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        ticks = 0
        for process in self.processes():
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self) -> int:
        """End it; its exit code."""
        self.process.terminate()
        return self.process.wait(60)


def request(token: str, person: str, port: int) -> bytes:
    """One request for ten films, as bytes."""
    body = json.dumps({"user": person, "k": 10}).encode()
    head = (
        f"POST /v1/recommendations HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Client(asyncio.Protocol):
    """One connection: a request at a time, its answer handed to a future."""

    def __init__(self) -> None:
        self.buffer = b""
        self.answer: asyncio.Future[bool] | None = None
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self.answer and not self.answer.done():
            self.answer.set_result(False)

    def ask(self, content: bytes) -> asyncio.Future[bool]:
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(content)
        return self.answer

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(rest) >= length:
            self.buffer = rest[length:]
            good = head.startswith(b"HTTP/1.1 200") and rest.count(b'"id":') == 10
            if self.answer and not self.answer.done():
                self.answer.set_result(good)


async def drive(port: int, token: str, rate: float, seconds: float) -> Figures:
    """An open loop at a rate."""
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(Client, "127.0.0.1", port))[1] for _ in range(CONNECTIONS)
    ]
    free: asyncio.Queue[Client] = asyncio.Queue()
    for client in made:
        free.put_nowait(client)
    people = random.Random(1)
    latencies: list[float] = []
    errors = late = 0

    async def one(meant: float) -> None:
        nonlocal errors
        client = await free.get()
        person = f"new-{people.randrange(PEOPLE)}"
        good = await client.ask(request(token, person, port))
        latencies.append(1000 * (time.perf_counter() - meant))
        errors += not good
        free.put_nowait(client)

    start = time.perf_counter() + 0.1
    tasks: list[asyncio.Task[None]] = []
    for number in range(int(rate * seconds)):
        meant = start + number / rate
        wait = meant - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        late += time.perf_counter() - meant > 0.005
        tasks.append(asyncio.create_task(one(meant)))
    await asyncio.gather(*tasks)
    taken = time.perf_counter() - start
    for client in made:
        client.transport.close()
    ranked = sorted(latencies)
    at = [ranked[min(len(ranked) - 1, int(q * len(ranked)))] for q in (0.5, 0.9, 0.99, 1)]
    return Figures(rate, round(taken, 1), len(ranked), errors, *(round(v, 2) for v in at), late)


def pace() -> float:
    """Milliseconds that a fixed piece of work takes: on a shared machine it varies twofold."""
    took: list[float] = []
    for _ in range(300):
        start = time.perf_counter()
        sum(range(50_000))
        took.append(1000 * (time.perf_counter() - start))
    return round(sorted(took)[150], 2)


def stolen() -> float:
    """Processor seconds that this virtual machine wanted and others had."""
    return int(Path("/proc/stat").read_text().split()[8]) / os.sysconf("SC_CLK_TCK")


def wait_until_ready(port: int) -> float:
    """Seconds until the service is ready."""
    import http.client

    start = time.monotonic()
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return time.monotonic() - start
        except OSError:
            time.sleep(0.1)


def step_up(port: int, token: str, rate: float, seconds: float) -> list[Figures]:
    """Ever higher rates, until requests fail, pile up, or 1 % take over 250 ms."""
    steps: list[Figures] = []
    while not steps or steps[-1].p99 < 250:
        rate *= 1.25
        steps.append(uvloop.run(drive(port, token, rate, seconds)))
        print(json.dumps(asdict(steps[-1])), file=sys.stderr)
        if steps[-1].errors or steps[-1].seconds > 1.05 * seconds + 0.2:
            break
    return steps


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--model", default="mf", choices=["mf", "ials"])
    parser.add_argument("--workers", type=int, default=1, help="processes of the server")
    parser.add_argument("--port", type=int, default=8799)
    parser.add_argument("--saturation", action="store_true", help="step the rate up as well")
    options = parser.parse_args()
    HOME.mkdir(parents=True, exist_ok=True)
    run, token = prepare(HOME, options.model)
    server = Server(run, HOME, options.port, options.workers)
    try:
        ready = wait_until_ready(options.port)
        before = server.memory()
        uvloop.run(drive(options.port, token, 50, 3))  # warm
        paces, steal = [pace()], stolen()
        load, used = os.getloadavg(), server.cpu_seconds()
        figures = uvloop.run(drive(options.port, token, options.rate, options.seconds))
        used = server.cpu_seconds() - used
        paces, steal = [*paces, pace()], stolen() - steal
        steps = step_up(options.port, token, options.rate, 10) if options.saturation else []
        after = server.memory()
    finally:
        code = server.stop()
    document = {
        "model": options.model,
        "workers": options.workers,
        "films": FILMS,
        "ready_seconds": round(ready, 1),
        "load_average_before": load,
        "pace_ms_before_and_after": paces,
        "stolen_share": round(steal / (os.cpu_count() or 1) / figures.seconds, 3),
        "figures": asdict(figures),
        "server_cpu_ms_per_request": round(1000 * used / figures.answered, 2),
        "saturation": [asdict(step) for step in steps],
        "memory_ready": before,
        "memory_after": after,
        "exit_code": code,
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
