"""Data: from files to arrays."""

from matinee.data.loading import diagnose, load

__all__ = ["diagnose", "load"]
