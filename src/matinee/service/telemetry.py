"""What operators see: metrics, logs, request ids."""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import sys
import time
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from matinee.service.deployment import Deployment

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder through which several workers add up what they count."""

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
OTHER = "(none)"
"""The route of requests that fit none."""

access = logging.getLogger("matinee.access")


class Metrics:
    """The counters of one worker; several workers share a folder and are added up on reading."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.latency = Histogram(
            "matinee_request_seconds",
            "Time to answer, by route.",
            ["method", "route", "status"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "matinee_requests_in_flight",
            "Requests being answered.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )
        self.queue = Gauge(
            "matinee_scoring_queue",
            "People waiting for scores.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )
        self.batch = Histogram(
            "matinee_scoring_batch",
            "People scored together.",
            buckets=BATCHES,
            registry=self.registry,
        )
        self.lists = Counter(
            "matinee_recommendations", "Lists made.", ["fallback"], registry=self.registry
        )
        self.log_lost = Counter(
            "matinee_recommendation_log_lost",
            "Entries of the log that were not written.",
            registry=self.registry,
        )
        self.store_errors = Counter(
            "matinee_store_errors", "Failures of the database.", registry=self.registry
        )
        self.model = Gauge(
            "matinee_model_serving",
            "1 for the version that serves.",
            ["version"],
            multiprocess_mode="livemax",
            registry=self.registry,
        )
        self.loaded = Gauge(
            "matinee_model_loaded_timestamp_seconds",
            "When the model that serves was loaded; its age is the time since.",
            multiprocess_mode="livemin",
            registry=self.registry,
        )
        self._version = ""

    def serving(self, deployment: Deployment) -> None:
        """Note which model serves."""
        if self._version:
            self.model.labels(self._version).set(0)
        self._version = deployment.version
        self.model.labels(deployment.version).set(1)
        self.loaded.set(deployment.loaded)

    def recommended(self, *, fallback: bool) -> None:
        """Count a list."""
        self.lists.labels("true" if fallback else "false").inc()

    def close(self) -> None:
        """What is counted of this worker's present state counts no more."""
        if os.environ.get(SHARED):
            multiprocess.mark_process_dead(os.getpid())

    def page(self) -> Response:
        """Everything in Prometheus's text format, added up over all workers."""
        registry = self.registry
        if os.environ.get(SHARED):
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class Telemetry:
    """Gives each request an id, times it, and writes one line of log.

    Neither addresses, queries, bodies, headers nor ids of people are logged: the route's
    template is.

    Args:
        app: What answers.
        metrics: Where requests are counted.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 500
        header = (b"x-request-id", request_id.encode())

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        start = time.perf_counter()
        self.metrics.in_flight.inc()
        try:
            await self.app(scope, receive, sending)
        finally:
            self.metrics.in_flight.dec()
            self._note(scope, status, time.perf_counter() - start, request_id)

    def _note(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        route = getattr(scope.get("route"), "path", OTHER)
        method = scope["method"] if scope["method"] in METHODS else "other"
        self.metrics.latency.labels(method, route, str(status)).observe(seconds)
        facts = {"request_id": request_id, "method": method, "route": route, "status": status}
        access.info("request", extra={"facts": {**facts, "ms": round(1000 * seconds, 2)}})


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _request_id(scope: Scope) -> str:
    """The client's own id if it is sane, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            if REQUEST_ID.fullmatch(given):
                return given
    return secrets.token_hex(8)


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record, with what was given as `extra={"facts": {...}}`."""
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging(level: str) -> None:
    """Write all logs of this process as JSON lines to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("alembic").setLevel(logging.WARNING)
