"""The OpenAPI document: what FastAPI writes, with our errors and the limits as they are set."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from matinee.service.api.schemas import Problem
from matinee.service.settings import ServeSettings

ABOUT = """Film recommendations over a database of ratings.

Every error is an `application/problem+json` document. Every reply has an `X-Request-ID`. Keys
go into the header `Authorization: Bearer mt_...`; where no key was made and the service listens
to its own machine alone, none is needed. A key of scope `read` may read and ask for
recommendations, one of scope `write` may change what is kept of people, one of scope `admin` may
change which model serves; no scope includes another. Health needs no key."""

PROBLEM = {
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
}


def describe(app: FastAPI, settings: ServeSettings) -> dict[str, Any]:
    """The document of an application.

    Args:
        app: The application.
        settings: Its limits stand in the document.
    """
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        description=ABOUT,
        routes=app.routes,
    )
    schemas = document["components"]["schemas"]
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    for path in document["paths"].values():
        for operation in path.values():
            replies = operation["responses"]
            replies.pop("422", None)
            replies["4XX"] = {"description": "What is wrong with the request", **PROBLEM}
            replies["5XX"] = {"description": "Why it cannot be answered now", **PROBLEM}
    _set_limits(document, settings)
    return document


def _set_limits(node: Any, settings: ServeSettings) -> None:
    """Put the limits of the settings where fields name them."""
    if isinstance(node, dict):
        name = node.pop("x-limit", None)
        if name is not None:
            key = "maxItems" if node.get("type") == "array" else "maximum"
            node[key] = getattr(settings, name)
    parts = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for part in parts:
        _set_limits(part, settings)
