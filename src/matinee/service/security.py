"""What stands before every request: whom it is addressed to, how much, how often, how long."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from matinee.errors import Bug, MatineeError
from matinee.service import problems
from matinee.service.refusals import Busy, Forbidden, Refusal, TooLarge, TooMany, TooSlow
from matinee.service.settings import ServeSettings, is_loopback

log = logging.getLogger(__name__)

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
"""Sent with every reply that does not say otherwise."""

CLIENTS = 10_000
"""Client addresses remembered at most for the rate; those longest unheard of are forgotten."""


class Guard:
    """Lets through what is addressed to us, in bounds, and answers for all that goes wrong.

    Args:
        app: What answers.
        settings: The bounds.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        self.app, self.settings = app, settings
        self._active = 0
        self._rates = Rates(settings.rate, settings.burst)
        self._headers = [(k.encode(), v.encode()) for k, v in HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = {name.lower() for name, _ in message["headers"]}
                extra = [pair for pair in self._headers if pair[0] not in given]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        try:
            await self._pass(scope, receive, sending)
        except Exception as error:
            if started:
                raise
            request = Request(scope)
            await problems.reply(request, _told(error))(scope, receive, sending)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        check_host(headers, self.settings)
        check_origin(scope["method"], headers, self.settings)
        if scope["path"].startswith("/health/"):  # must answer when nothing else does
            await self.app(scope, receive, send)
            return
        if not self._rates.allow((scope.get("client") or ("", 0))[0]):
            raise TooMany(
                "this client asks too often",
                expected=f"{self.settings.rate:g} requests a second",
                remedy="Wait a second.",
            )
        if self._active >= self.settings.max_requests:
            raise Busy("too many requests are being answered", remedy="Try again in a moment.")
        self._active += 1
        try:
            limit = self.settings.max_body_bytes
            if scope["path"].endswith("/import"):
                limit = self.settings.max_upload_bytes
            receive = await whole_body(headers, receive, limit, self.settings.body_seconds)
            async with asyncio.timeout(self.settings.request_seconds):
                await self.app(scope, receive, send)
        finally:
            self._active -= 1


def _told(error: Exception) -> MatineeError:
    """What a client is told of an error that nobody else caught."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, TimeoutError):
        return Busy("answering takes too long", remedy="Ask for less, or try again later.")
    log.error("a request failed", exc_info=error)
    return Bug("this is a bug in Matinee", remedy="Please report the request id.")


def check_host(headers: Mapping[str, str], settings: ServeSettings) -> None:
    """Refuse requests addressed to a name that is not ours (DNS rebinding).

    Addresses are let through: only a name can be rebound.

    Raises:
        Forbidden: Naming the setting.
    """
    host = urlsplit("//" + headers.get("host", "")).hostname or ""
    ours = {settings.host.casefold(), *(name.casefold() for name in settings.allowed_hosts)}
    if host in ours or "*" in ours or is_loopback(host) or _is_address(host):
        return
    raise Forbidden(
        "this service does not answer to that host name",
        where="Host",
        remedy="Name it in the setting allowed_hosts.",
    )


def check_origin(method: str, headers: Mapping[str, str], settings: ServeSettings) -> None:
    """Refuse changes that another site's page sends through a person's browser.

    Raises:
        Forbidden: If the origin is neither our own nor in `cors_origins`.
    """
    if method in SAFE:
        return
    origin = headers.get("origin")
    if origin is None:
        if headers.get("sec-fetch-site", "none") in {"none", "same-origin"}:
            return
    elif origin in settings.cors_origins or urlsplit(origin).netloc == headers.get("host"):
        return
    raise Forbidden("another site may not change things here", where="Origin")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def whole_body(
    headers: Mapping[str, str], receive: Receive, limit: int, seconds: float
) -> Receive:
    """Read the body, whether its length was announced or not, and hand it on in one piece.

    Raises:
        TooLarge: As soon as it is over the limit.
        TooSlow: If it has not come in time.
    """
    announced = headers.get("content-length")
    if announced is None and "transfer-encoding" not in headers:
        return receive
    too_large = TooLarge("the body is too large", expected=f"{limit} bytes at most")
    if announced is not None and announced.isdecimal() and int(announced) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message: Any = await receive()
                body += message.get("body", b"")
                if len(body) > limit:
                    raise too_large
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise TooSlow("the body did not come in time", expected=f"{seconds:g} seconds") from None
    pieces: list[Any] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

    async def replay() -> Any:
        return pieces.pop() if pieces else await receive()

    return replay


class Rates:
    """A token bucket for each client.

    Args:
        rate: Tokens that come back in a second; 0 for no limit.
        burst: Tokens at most.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, client: str) -> bool:
        """Take a token of this client's, if there is one."""
        if not self._rate:
            return True
        now = time.monotonic()
        tokens, last = self._buckets.pop(client, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - last) * self._rate)
        allowed = tokens >= 1
        self._buckets[client] = (tokens - allowed, now)
        if len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)
        return allowed
