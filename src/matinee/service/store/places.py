"""Where a database is: its URL, read and shown without its password."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from matinee.errors import StoreError

FORMS = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"


@dataclass(frozen=True, slots=True)
class Place:
    """A database's address.

    Attributes:
        url: As SQLAlchemy takes it, the driver named.
        path: The file, if it is SQLite.
    """

    url: URL
    path: Path | None

    @classmethod
    def of(cls, url: str) -> Place:
        """Read a URL.

        Raises:
            StoreError: If it is not one of the `FORMS`. The URL is not repeated in the error,
                since it may hold a password.
        """
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            raise _not_a_place() from None
        if parsed.drivername == "sqlite":
            return cls(parsed, _file(parsed))
        if parsed.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
            return cls(parsed.set(drivername="postgresql+psycopg"), None)
        raise _not_a_place()

    def __str__(self) -> str:
        """The address for people: without password, driver and options."""
        if self.path is not None:
            return str(self.path)
        bare = self.url.set(drivername="postgresql", query={})
        return bare.render_as_string(hide_password=True)


def dialect(url: str) -> str:
    """Which database a URL means: 'sqlite' or 'postgresql'.

    Raises:
        StoreError: If it means neither.
    """
    return Place.of(url).url.get_backend_name()


def _file(url: URL) -> Path:
    if not url.database or url.database == ":memory:" or url.query or url.host:
        raise StoreError(
            "the database needs a file of its own",
            where="database",
            expected="sqlite:///people.db, or sqlite:////var/lib/matinee/people.db",
        )
    return Path(url.database).absolute()


def _not_a_place() -> StoreError:
    return StoreError("the database's URL cannot be read", where="database", expected=FORMS)
