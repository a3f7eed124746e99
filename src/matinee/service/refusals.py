"""Errors that belong to the protocol: each knows its HTTP status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from matinee.errors import MatineeError


class Refusal(MatineeError):
    """A request that is not answered, for a reason of the protocol."""

    status: ClassVar[int] = 400
    kind = "request"

    @property
    def headers(self) -> Mapping[str, str]:
        """What the reply says in headers."""
        return {}


class BadRequest(Refusal):
    """A request that is not as the document says."""

    status = 422


class NotFound(Refusal):
    """There is nothing at this address."""

    status = 404
    kind = "unknown"


class Unauthorised(Refusal):
    """No key, or none that is valid."""

    status = 401
    kind = "unauthorised"

    @property
    def headers(self) -> Mapping[str, str]:
        """How to say who one is."""
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(Refusal):
    """Not allowed to this key, this host name or this origin."""

    status = 403
    kind = "forbidden"


class Conflict(Refusal):
    """What is asked does not go with what serves."""

    status = 409
    kind = "conflict"


class TooLarge(Refusal):
    """A body over the limit."""

    status = 413
    kind = "too_large"

    @property
    def headers(self) -> Mapping[str, str]:
        """The rest of the body is not read."""
        return {"Connection": "close"}


class TooSlow(TooLarge):
    """A body that did not come in time."""

    status = 408
    kind = "too_slow"


class WrongType(Refusal):
    """A body of another type."""

    status = 415
    kind = "content_type"


class Busy(Refusal):
    """More is asked than can be answered; come again."""

    status = 503
    kind = "busy"
    seconds: ClassVar[int] = 1

    @property
    def headers(self) -> Mapping[str, str]:
        """When to come again."""
        return {"Retry-After": str(self.seconds)}


class TooMany(Busy):
    """More requests than one client may make."""

    status = 429
    kind = "rate"
