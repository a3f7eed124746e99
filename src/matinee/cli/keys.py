"""`matinee keys ...`: who may use the REST API."""

from __future__ import annotations

import re
import time
from typing import Annotated, Any

import typer

from matinee.cli.command import UsageError, command
from matinee.cli.console import Console, escape, table
from matinee.cli.database import Database, ServiceConfig, url_of

SECONDS = {"h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600, "y": 365 * 24 * 3600}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Make and revoke keys to the REST API.", no_args_is_help=True, rich_markup_mode=None
    )
    app.add_typer(group, name="keys")
    command(group, "create")(create)
    command(group, "list")(list_)
    command(group, "revoke")(revoke)


def create(
    console: Console,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what the key is for.")],
    *,
    scope: Annotated[
        list[str], typer.Option("--scope", help="read, write or admin; may be repeated.")
    ],
    database: Database = None,
    config: ServiceConfig = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long it is valid: 12h, 90d, 4w, 1y.")
    ] = None,
) -> None:
    """Make a key. Its token is shown now and never again."""
    from matinee.service.store import open_store

    until = None if expires is None else int(time.time()) + _seconds(expires)
    with open_store(url_of(database, config, create=True)) as store:
        key, token = store.create_key(name, scope, expires=until)
    console.answer({**_document(key), "token": token}, escape(token))
    console.note("This token is shown once. Send it as `Authorization: Bearer TOKEN`.")


def list_(console: Console, *, database: Database = None, config: ServiceConfig = None) -> None:
    """List the keys, without their tokens."""
    from matinee.service.store import open_store

    with open_store(url_of(database, config), create=False) as store:
        keys = store.keys()
    now = int(time.time())
    rows = [
        (
            key.id,
            escape(key.name),
            " ".join(sorted(key.scopes)),
            _day(key.created),
            _day(key.expires),
            "valid" if key.valid(now) else "expired" if key.revoked is None else "revoked",
        )
        for key in keys
    ]
    columns = ("id", "name", "scopes", "created", "expires", "state")
    console.answer({"keys": [_document(key) for key in keys]}, table(columns, rows))


def revoke(
    console: Console,
    id: Annotated[str, typer.Argument(metavar="ID", help="As `keys list` shows it.")],  # noqa: A002
    *,
    database: Database = None,
    config: ServiceConfig = None,
) -> None:
    """Make a key invalid for good."""
    from matinee.errors import UnknownName
    from matinee.service.store import open_store

    with open_store(url_of(database, config), create=False) as store:
        if not store.revoke_key(id):
            raise UnknownName(
                f"there is no key {id!r} that could be revoked",
                remedy="See `matinee keys list`.",
            )
    console.answer({"id": id, "revoked": True}, escape(f"{id} is revoked"))


def _seconds(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,5})([hdwy])", text)
    if found is None:
        raise UsageError(f"--expires {text!r} is no time; write it like 12h, 90d, 4w or 1y")
    return int(found[1]) * SECONDS[found[2]]


def _document(key: Any) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created": key.created,
        "expires": key.expires,
        "revoked": key.revoked,
    }


def _day(time_: int | None) -> str:
    return "" if time_ is None else time.strftime("%Y-%m-%d", time.gmtime(time_))
