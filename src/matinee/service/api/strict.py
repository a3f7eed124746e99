"""Nothing is ignored: unknown or repeated parameters and bodies of another type are refused."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, get_type_hints

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from matinee.errors import suggestion
from matinee.service.api.auth import Needs, bearer
from matinee.service.api.common import service_of
from matinee.service.refusals import BadRequest, WrongType

JSON = "application/json"
REPEATABLE = frozenset({"genre", "tag"})
"""Parameters that may be given several times."""


class StrictRoute(APIRoute):
    """A route that takes what it documents and nothing else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind the checks."""
        handle = super().get_route_handler()
        known = set(query_names(self.dependant))
        wants_json = self.body_field is not None

        async def checked(request: Request) -> Response:
            check_query(request, known)
            if wants_json:
                check_type(request, JSON)
            return await handle(request)

        return checked


class BodyRoute(StrictRoute):
    """A route whose endpoint takes a JSON body and the service, and nothing else.

    It says to FastAPI what it takes, and reads it without: resolving dependencies one by one
    costs as much as all else that the event loop does for a request.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind the checks."""
        endpoint, annotated = self.endpoint, get_type_hints(self.endpoint)
        body: TypeAdapter[Any] = TypeAdapter(annotated.pop(next(iter(annotated))))
        keys = [part.call for part in self.dependant.dependencies if isinstance(part.call, Needs)]

        async def checked(request: Request) -> Response:
            service = await service_of(request)
            for needed in keys:
                await needed(request, await bearer(request), service)
            check_query(request, set())
            check_type(request, JSON)
            try:
                wishes = body.validate_json(await request.body())
            except ValidationError as error:
                raise RequestValidationError(
                    [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
                ) from None
            return await endpoint(wishes, service)

        return checked


def query_names(dependant: Dependant) -> Iterator[str]:
    """The names of all query parameters of a route and what it depends on."""
    yield from (param.alias for param in dependant.query_params)
    for part in dependant.dependencies:
        yield from query_names(part)


def check_query(request: Request, known: set[str]) -> None:
    """Refuse a parameter that does not exist, or comes twice where it may not.

    Raises:
        BadRequest: Naming it.
    """
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            raise BadRequest(
                f"there is no parameter called {name!r}",
                where=f"query.{name}",
                expected="one of " + ", ".join(sorted(known)) if known else "none",
                remedy=suggestion(name, known),
            )
        if name in seen and name not in REPEATABLE:
            raise BadRequest(f"the parameter {name!r} is given twice", where=f"query.{name}")
        seen.add(name)


def check_type(request: Request, *types: str) -> None:
    """Refuse a body of another type.

    Raises:
        WrongType: Naming those that are taken.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if given not in types:
        raise WrongType(
            f"a body of type {given or 'unknown'!r} is not taken here",
            where="Content-Type",
            expected=" or ".join(types),
        )
