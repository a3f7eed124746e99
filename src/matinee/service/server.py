"""Serving: one process or several, signals, and limits on what comes in over the wire."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors.multiprocess import Multiprocess

from matinee.errors import MatineeError
from matinee.service.app import Opened, create_app, open_parts
from matinee.service.problems import document_of
from matinee.service.refusals import BadRequest
from matinee.service.settings import ServeSettings
from matinee.service.telemetry import SHARED, configure_logging

Announce = Callable[[str, Opened], None]
"""Told the address and what is served there, as soon as there is someone to answer."""


class ServeError(MatineeError):
    """A service that cannot start."""

    kind = "serve"


def serve(settings: ServeSettings, announce: Announce, *, level: str = "INFO") -> None:
    """Serve until told to stop; requests under way are answered first.

    Args:
        settings: How.
        announce: Called once, when the address is taken and the model loaded.
        level: Of the logs.

    Raises:
        MatineeError: If the database, the model or the address cannot be had.
    """
    opened = open_parts(settings)
    with ExitStack() as stack:
        stack.callback(opened.store.close)
        taken = stack.enter_context(listen(settings))
        announce(address(settings, taken), opened)
        configure_logging(level)
        if settings.workers == 1:
            Server(Config(settings, create_app(settings, opened))).run([taken])
            return
        opened.store.close()
        del opened  # the model is of use to the workers alone, and each loads its own
        os.environ[SHARED] = stack.enter_context(tempfile.TemporaryDirectory("matinee-metrics"))
        # The parent has made the run the active one; workers take whichever is active by now.
        each = settings.model_copy(update={"run": None})
        app = partial(_worker, each, level)
        Workers(Config(settings, app, factory=True), [taken]).run()


def _worker(settings: ServeSettings, level: str) -> Any:
    configure_logging(level)
    return create_app(settings)


class Server(uvicorn.Server):
    """A server that ends as if it had nothing left to do, when it is told to stop."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Take signals as wishes, and do not raise them again at the end."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()


class Workers(Multiprocess):
    """Several processes; SIGHUP has each of them read its run anew."""

    def handle_hup(self) -> None:
        """Pass the signal on."""
        for process in self.processes:
            if process.pid is not None:
                os.kill(process.pid, signal.SIGHUP)


class Config(uvicorn.Config):
    """Uvicorn's settings, with ours at hand.

    Args:
        settings: Ours.
        app: What answers, or what makes it.
        factory: Whether `app` makes it.
    """

    def __init__(self, settings: ServeSettings, app: Any, *, factory: bool = False) -> None:
        self.settings = settings
        super().__init__(
            app,
            factory=factory,
            workers=settings.workers,
            loop="uvloop",
            http=Protocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_keep_alive=settings.keep_alive_seconds,
            timeout_graceful_shutdown=settings.shutdown_seconds,
            timeout_worker_healthcheck=60,  # a worker that still imports torch is not dead
        )


class Protocol(HttpToolsProtocol):
    """HTTP with a limit on the size of a request's head, and on the time it may take."""

    config: Config
    _bytes = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._head_is_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes before the head of a request is complete."""
        self._bytes += len(data)
        super().data_received(data)
        if self._timer is not None and self._bytes > self.config.settings.max_header_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head is too large")

    def on_message_begin(self) -> None:
        """A further request on the same connection begins."""
        super().on_message_begin()
        if self._timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """The head is here."""
        self._head_is_here()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.config.settings.max_header_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head is too large")
        if not self.transport.is_closing():
            super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - not for clients
        """Refuse what is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, "this is no HTTP request")

    def _await_head(self) -> None:
        self._bytes = 0
        self._timer = self.loop.call_later(
            self.config.settings.header_seconds,
            self._refuse,
            HTTPStatus.REQUEST_TIMEOUT,
            "the head of the request did not come in time",
        )

    def _head_is_here(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: HTTPStatus, what: str) -> None:
        self._head_is_here()
        if self.transport.is_closing():
            return
        body = json.dumps(document_of(BadRequest(what), status)).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            "content-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def listen(settings: ServeSettings) -> socket.socket:
    """Take the address.

    Raises:
        ServeError: With the reason the system gives.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    taken = socket.socket(family)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((settings.host.strip("[]"), settings.port))
        taken.listen(2048)
    except OSError as error:
        taken.close()
        raise ServeError(
            f"the address cannot be taken: {error.strerror or error}",
            where=f"{settings.host}:{settings.port}",
            remedy="Name another with --port, or stop what listens there.",
        ) from None
    taken.set_inheritable(True)
    return taken


def address(settings: ServeSettings, taken: socket.socket) -> str:
    """Where a browser finds it."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{taken.getsockname()[1]}"
