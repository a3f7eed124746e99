"""API keys: who may do what."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from matinee.service.api.common import Serving
from matinee.service.refusals import Forbidden, Unauthorised
from matinee.service.service import Service
from matinee.service.store import Store, digest, key_id

bearer = HTTPBearer(
    scheme_name="key",
    description="An API key, as `matinee keys create` prints it.",
    auto_error=False,
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]

NOBODY = "0" * 12
NOTHING = bytes(32)


def needs(scope: str) -> Any:
    """A dependency: the request carries a key of this scope.

    Where no key was ever made and only this machine can reach the service, none is needed.
    """

    async def check(request: Request, credentials: Credentials, service: Serving) -> None:
        if "authorization" in request.headers:
            token = credentials.credentials if credentials else ""
            await service.read(check_token, service.store, token, scope)
        else:
            await _open(service)

    dependency: Callable[..., Coroutine[Any, Any, None]] = check
    return Depends(dependency)


async def _open(service: Service) -> None:
    if not service.settings.loopback or await service.read(service.store.keys):
        raise Unauthorised(
            "this needs an API key",
            where="Authorization",
            expected="Bearer mt_...",
            remedy="Make one with `matinee keys create`.",
        )


def check_token(store: Store, token: str, scope: str) -> None:
    """Refuse a token that is not that of a valid key of this scope.

    The work is the same whether or not there is a key of the token's id.

    Raises:
        Unauthorised: If it is no valid key's.
        Forbidden: If the key lacks the scope.
    """
    key = store.key(key_id(token) or NOBODY)
    same = hmac.compare_digest(digest(token), NOTHING if key is None else key.digest)
    if key is None or not same or not key.valid(int(time.time())):
        raise Unauthorised("the API key is not valid", where="Authorization")
    if scope not in key.scopes:
        raise Forbidden(
            f"the API key does not have the scope {scope!r}",
            where="Authorization",
            remedy=f"Make one with `matinee keys create --scope {scope}`.",
        )
