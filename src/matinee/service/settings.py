"""How the service is set up: every setting in one typed place.

A value comes from the command line, else from an environment variable `MATINEE_<NAME>`, else
from the TOML file, else from its default. A name that does not exist is refused wherever it
stands.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from matinee.config import load_toml
from matinee.data.places import data_home
from matinee.errors import ConfigError, suggestion

PREFIX = "MATINEE_"
ELSEWHERE = {"MATINEE_HOME", "MATINEE_DATA"}
"""Variables of this prefix that other parts read."""


def default_database() -> str:
    """The URL of the database that is used if none is named: a file in the data home."""
    return f"sqlite:///{data_home() / 'service.db'}"


def _listed(value: Any) -> Any:
    """A list as it stands in an environment variable: separated by commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class ServeSettings(BaseSettings):
    """Settings of `matinee serve`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    run: str | None = None
    """The run folder to serve; without one, the model that is active in the database."""
    host: str = "127.0.0.1"
    """Address to listen on. Any but a loopback address needs at least one API key."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port to listen on; 0 takes one that is free."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes, each with the model in its memory; one a core at most."""
    database: Annotated[str, Field(repr=False)] = Field(default_factory=default_database)
    """`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`; by default a file in the
    data home."""
    pages: bool = True
    """Whether to serve the pages beside the API."""
    secret: SecretStr | None = None
    """What session cookies are signed with; by default a random
    one, kept beside an SQLite database, else in the data home."""

    allowed_hosts: Names = ()
    """Host names to answer to, beside loopback names, addresses and `host`; separated by
    commas in the environment."""
    cors_origins: Names = ()
    """Origins of other sites whose scripts may call the API, such as `https://example.org`."""
    trusted_proxies: Names = ("127.0.0.1",)
    """Addresses whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""

    max_k: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Longest list of films."""
    max_names: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """Most entries of any list in a request: likes, ratings, genres, exclusions."""
    max_people: Annotated[int, Field(ge=1, le=10_000)] = 256
    """Most people in one request for many."""
    max_page: Annotated[int, Field(ge=1, le=10_000)] = 200
    """Most entries of a page of a list."""
    max_body_bytes: Annotated[int, Field(ge=1)] = 1 << 20
    """Largest body of a request."""
    max_upload_bytes: Annotated[int, Field(ge=1)] = 32 << 20
    """Largest file to import."""
    max_header_bytes: Annotated[int, Field(ge=256)] = 16 << 10
    """Longest request line and headers together."""
    header_seconds: Annotated[float, Field(gt=0)] = 10.0
    """How long a client may take to send them."""
    body_seconds: Annotated[float, Field(gt=0)] = 30.0
    """How long a client may take to send the body."""
    request_seconds: Annotated[float, Field(gt=0)] = 30.0
    """How long answering may take."""
    keep_alive_seconds: Annotated[int, Field(ge=1)] = 15
    """How long an idle connection is kept."""
    shutdown_seconds: Annotated[int, Field(ge=1)] = 20
    """How long requests under way may take after the signal to stop."""
    max_requests: Annotated[int, Field(ge=1)] = 128
    """Requests answered at a time, in each worker; more are told to come again."""
    rate: Annotated[float, Field(ge=0)] = 50.0
    """Requests a second of one client address, on average, in each worker; 0 for any number."""
    burst: Annotated[int, Field(ge=1)] = 200
    """Requests a client may make at once before `rate` counts."""

    batch: Annotated[int, Field(ge=1)] = 32
    """Most people scored together."""
    queue: Annotated[int, Field(ge=1)] = 256
    """Most people waiting to be scored; more are told to come again."""
    approximate: bool = False
    """Whether lists need have but 98 % of the best films, which pays from some 100,000 films on."""
    threads: Annotated[int, Field(ge=1)] = 1
    """Threads of the arithmetic, in each worker."""
    store_threads: Annotated[int, Field(ge=1, le=64)] = 4
    """Database calls at a time, in each worker."""
    key_seconds: Annotated[float, Field(ge=0)] = 1.0
    """How long an API key is believed before the database is asked again."""
    poll_seconds: Annotated[float, Field(gt=0)] = 2.0
    """How often to look which model is active in the database."""
    log_seconds: Annotated[float, Field(gt=0)] = 0.5
    """How long entries of the recommendation log are gathered before they are written."""
    log_recommendations: bool = True
    """Whether to keep, in the database, which films were recommended to whom."""

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return is_loopback(self.host)

    def make_home(self) -> None:
        """Make the data home, if the database is to be there."""
        if self.database == default_database():
            data_home().mkdir(parents=True, exist_ok=True)

    @classmethod
    def load(cls, given: Mapping[str, Any] | None = None, file: Path | None = None) -> Self:
        """Gather the settings.

        Args:
            given: From the command line; None values count as not given.
            file: A TOML file of settings.

        Raises:
            ConfigError: On a setting that does not exist or has an impossible value; the
                message says where it stands.
        """
        named = {k: v for k, v in (given or {}).items() if v is not None}
        written = load_toml(file) if file else {}
        _check_names(cls, named, where="--set")
        _check_names(cls, written, where=str(file))
        _check_names(cls, _variables(), where="the environment")
        lower = {k: v for k, v in written.items() if PREFIX + k.upper() not in os.environ}
        try:
            return cls(**{**lower, **named})
        except ValidationError as error:
            raise _impossible(error, named, lower, file) from None


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    if host.casefold() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _variables() -> dict[str, str]:
    names = (n for n in os.environ if n.startswith(PREFIX) and n not in ELSEWHERE)
    return {name.removeprefix(PREFIX).lower(): os.environ[name] for name in names}


def _check_names(cls: type[ServeSettings], values: Mapping[str, Any], *, where: str) -> None:
    for key in values:
        if key not in cls.model_fields:
            raise ConfigError(
                f"there is no setting called {key!r}",
                where=where,
                expected="one of " + ", ".join(sorted(cls.model_fields)),
                remedy=suggestion(key, cls.model_fields),
            )


def _impossible(
    error: ValidationError, named: Mapping[str, Any], lower: Mapping[str, Any], file: Path | None
) -> ConfigError:
    first = error.errors()[0]
    key = str(first["loc"][0])
    where = f"--{key.replace('_', '-')}" if key in named else PREFIX + key.upper()
    where = str(file) if key in lower and key not in named else where
    shown = "" if key in {"secret", "database"} else f" = {first['input']!r}"
    return ConfigError(
        f"{key}{shown} cannot be used",
        where=where,
        expected=first["msg"].removeprefix("Input should be "),
    )
