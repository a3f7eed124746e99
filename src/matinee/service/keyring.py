"""API keys at hand: the database is asked for one at most every so often."""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable
from typing import Any

from matinee.service.refusals import Forbidden, Unauthorised
from matinee.service.store import Key, Store, digest, key_id

NOBODY = "0" * 12
NOTHING = bytes(32)


class Keyring:
    """Checks tokens by the keys as they were a moment ago.

    Only keys that exist are held, so that guessing fills no memory.

    Args:
        store: Where the keys are.
        call: Calls a function off the event loop.
        seconds: How long a key is believed; a revoked one works no longer than that.
    """

    def __init__(
        self, store: Store, call: Callable[..., Awaitable[Any]], *, seconds: float
    ) -> None:
        self._store, self._call, self._seconds = store, call, seconds
        self._held: dict[str, tuple[Key, float]] = {}
        self._empty_until = 0.0

    async def check(self, token: str, scope: str) -> None:
        """Refuse a token that is not that of a valid key of this scope.

        Raises:
            Unauthorised: If it is no valid key's.
            Forbidden: If the key lacks the scope.
        """
        key = await self._key(key_id(token) or NOBODY)
        same = hmac.compare_digest(digest(token), NOTHING if key is None else key.digest)
        if key is None or not same or not key.valid(int(time.time())):
            raise Unauthorised("the API key is not valid", where="Authorization")
        if scope not in key.scopes:
            raise Forbidden(
                f"the API key does not have the scope {scope!r}",
                where="Authorization",
                remedy=f"Make one with `matinee keys create --scope {scope}`.",
            )

    async def empty(self) -> bool:
        """Whether no key was ever made."""
        if time.monotonic() >= self._empty_until:
            if await self._call(self._store.keys):
                return False
            self._empty_until = time.monotonic() + self._seconds
        return True

    async def _key(self, identity: str) -> Key | None:
        key, until = self._held.get(identity, (None, 0.0))
        if time.monotonic() < until:
            return key
        key = await self._call(self._store.key, identity)
        if key is None:
            self._held.pop(identity, None)
        else:
            self._held[identity] = key, time.monotonic() + self._seconds
        return key
