"""A driver's errors, as one line that says what to do."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from matinee.errors import StoreError
from matinee.service.store.places import Place

REMEDIES = {
    "locked": "Another program has it; close that, or try again.",
    "not a database": "Name another file, or put a backup in its place.",
    "malformed": "Run `matinee db check`, and put a backup in its place.",
    "disk is full": "Make room on the disk, and try again.",
    "readonly": "Make the file and its folder writable.",
    "unable to open": "Check that the folder is there and writable.",
    "connection": "Check that the server runs, and the host, name and password in the URL.",
}


@contextmanager
def told(place: Place) -> Generator[None]:
    """Turn what the driver raises into a `StoreError`, and name the database in ours."""
    try:
        yield
    except StoreError as error:
        error.where = error.where or str(place)
        raise
    except SQLAlchemyError as error:
        raise failure(place, error) from error


def failure(place: Place, error: Exception) -> StoreError:
    """The error of a driver, told without the password."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
    password = place.url.password
    if password:
        reason = reason.replace(str(password), "***")
    remedies = (remedy for sign, remedy in REMEDIES.items() if sign in reason)
    return StoreError(
        f"the database cannot be used: {reason}", where=str(place), remedy=next(remedies, None)
    )
