"""API keys: who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from matinee.service.api.common import Serving
from matinee.service.refusals import Unauthorised

bearer = HTTPBearer(
    scheme_name="key",
    description="An API key, as `matinee keys create` prints it.",
    auto_error=False,
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]


@dataclass(frozen=True, slots=True)
class Needs:
    """Lets requests pass that carry a key of a scope.

    Where no key was ever made and only this machine can reach the service, none is needed.

    Attributes:
        scope: The scope.
    """

    scope: str

    async def __call__(self, request: Request, credentials: Credentials, service: Serving) -> None:
        """Refuse the request if it may not pass; FastAPI calls this before the endpoint."""
        if "authorization" in request.headers:
            await service.keys.check(credentials.credentials if credentials else "", self.scope)
        elif not service.settings.loopback or not await service.keys.empty():
            raise Unauthorised(
                "this needs an API key",
                where="Authorization",
                expected="Bearer mt_...",
                remedy="Make one with `matinee keys create`.",
            )


def needs(scope: str) -> Any:
    """The dependency of a route that needs a key of a scope."""
    return Depends(Needs(scope))
