"""The REST API, one file a resource."""

from matinee.service.api.document import describe
from matinee.service.api.routes import add_routes

__all__ = ["add_routes", "describe"]
