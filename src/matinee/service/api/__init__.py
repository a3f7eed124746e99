"""The REST API, one file a resource."""

from matinee.service.api.document import describe
from matinee.service.api.routes import router

__all__ = ["describe", "router"]
