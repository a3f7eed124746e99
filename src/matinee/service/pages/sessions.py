"""Who is at the other end: signed cookies and the tokens that forms carry.

A session is a cookie and nothing else: the person's id, whether it is an account's, of which
epoch, and the token against forged requests. Signing out begins a new epoch of the account, so
that no copy of the cookie is good any more. A note is a second cookie, which lives for one page.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from fastapi import Request, Response
from itsdangerous import BadData, URLSafeTimedSerializer

from matinee.data.places import data_home
from matinee.errors import MatineeError
from matinee.service.refusals import Forbidden
from matinee.service.settings import ServeSettings
from matinee.service.store import Person

COOKIE, NOTE = "matinee", "matinee_note"
DAY = 24 * 3600
LASTS, RENEWED, NOTE_LASTS = 180 * DAY, 7 * DAY, 120
"""Seconds a session lasts, after which it is renewed, and that a note lasts."""


class Forged(Forbidden):
    """A form that does not come from a page of ours, or from one that is too old."""

    kind = "forged"


@dataclass(frozen=True, slots=True)
class Session:
    """Someone's visit.

    Attributes:
        person: The person's id in the store; of a guest there may be nothing yet.
        account: Whether they have signed in.
        token: What every form must send back.
        made: When the cookie was written, in Unix seconds; 0 if it has yet to be.
        epoch: That of the person when they signed in; signing out begins another.
    """

    person: str
    account: bool
    token: str
    made: int = 0
    epoch: int = 0

    @property
    def fresh(self) -> bool:
        """Whether the cookie need not be written anew."""
        return datetime.now(UTC).timestamp() - self.made < RENEWED


@dataclass(frozen=True, slots=True)
class Note:
    """What is told once, on the next page.

    Attributes:
        text: A sentence.
        action: Where the form goes that undoes what was done; empty if nothing does.
        fields: The fields of that form.
    """

    text: str
    action: str = ""
    fields: tuple[tuple[str, str], ...] = ()


def guest() -> Session:
    """A session of someone new."""
    return Session(secrets.token_urlsafe(16), account=False, token=secrets.token_urlsafe(16))


def signed_in(person: Person) -> Session:
    """A session of an account, with a token of its own."""
    token = secrets.token_urlsafe(16)
    return Session(person.id, account=True, token=token, epoch=person.epoch)


def opens(session: Session, person: Person | None) -> bool:
    """Whether a session is good for what is stored under its id.

    A guest's opens no account, one of an account that was erased opens nothing, and nor does
    one from before its account signed out.
    """
    if person is None or person.name is None:
        return not session.account
    return session.account and session.epoch == person.epoch


class Cookies:
    """Reads and writes signed cookies.

    Args:
        secret: The key of the signatures.
    """

    def __init__(self, secret: str) -> None:
        self._sessions = URLSafeTimedSerializer(secret, salt="matinee session")
        self._notes = URLSafeTimedSerializer(secret, salt="matinee note")

    def session(self, cookies: Mapping[str, str]) -> Session:
        """The session of a request, or a new guest's."""
        try:
            fields, made = self._sessions.loads(
                cookies.get(COOKIE, ""), max_age=LASTS, return_timestamp=True
            )
            return Session(**fields, made=int(made.timestamp()))
        except (BadData, TypeError):
            return guest()

    def note(self, cookies: Mapping[str, str]) -> Note | None:
        """The note of a request, if there is one."""
        try:
            text, action, fields = self._notes.loads(cookies.get(NOTE, ""), max_age=NOTE_LASTS)
            return Note(text, action, tuple((name, value) for name, value in fields))
        except (BadData, TypeError, ValueError):
            return None

    def keep(self, response: Response, session: Session, *, secure: bool) -> None:
        """Send a session to the browser."""
        fields = asdict(session)
        del fields["made"]
        self._set(response, COOKIE, self._sessions.dumps(fields), LASTS, secure=secure)

    def tell(self, response: Response, note: Note, *, secure: bool) -> None:
        """Send a note for the next page."""
        fields = [note.text, note.action, note.fields]
        self._set(response, NOTE, self._notes.dumps(fields), NOTE_LASTS, secure=secure)

    def _set(
        self, response: Response, name: str, value: str | bytes, lasts: int, *, secure: bool
    ) -> None:
        lax: Literal["lax"] = "lax"
        text = value if isinstance(value, str) else value.decode()
        response.set_cookie(
            name, text, max_age=lasts, path="/", httponly=True, samesite=lax, secure=secure
        )


def check_origin(request: Request) -> None:
    """Refuse a form that another site's page sends.

    Raises:
        Forged: If the browser names an origin that is not ours.
    """
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forged(
            "this form came from another site", remedy="Open the page here, and try again."
        )


def check_token(session: Session, given: Any) -> None:
    """Refuse a form without the token of the session.

    Raises:
        Forged: If it is missing or another one.
    """
    if not isinstance(given, str) or not hmac.compare_digest(
        given.encode(), session.token.encode()
    ):
        raise Forged(
            "this form has gone stale, so nothing was changed",
            remedy="Go back, reload the page and try again.",
        )


def local(path: Any, otherwise: str = "/") -> str:
    """A path of this site to go on to; anything else is not followed."""
    good = isinstance(path, str) and path.startswith("/") and path[1:2] not in ("/", "\\")
    return path if good and path.isprintable() and "\\" not in path else otherwise


def secret(settings: ServeSettings) -> str:
    """The key of the signatures: that of the settings, or one made once and kept.

    It lies beside an SQLite database, else in the data home, for its owner alone to read.

    Raises:
        MatineeError: If it can neither be read nor made.
    """
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    path = _place(settings.database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _made_once(path)
    except OSError as error:
        raise MatineeError(
            f"the key of the sessions cannot be kept: {error.strerror}",
            where=str(path),
            remedy="Set MATINEE_SECRET, or make the folder writable.",
        ) from None


def _place(database: str) -> Path:
    scheme, _, file = database.partition(":///")
    if scheme.startswith("sqlite") and file:
        return Path(file + ".secret")
    return data_home() / "service.secret"


def _made_once(path: Path) -> str:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)  # whole or not at all, and never over another's
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii").strip()
