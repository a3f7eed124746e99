"""Accounts: a name and a passphrase, kept as an Argon2id hash (RFC 9106)."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from matinee.errors import MatineeError
from matinee.service.refusals import TooMany
from matinee.service.store import Person, Store

NAME_LENGTH = 40
SHORTEST, LONGEST = 10, 200
"""Characters of a passphrase."""

WINDOW = 600
PER_NAME, PER_ADDRESS = 10, 60
"""Attempts within the window of seconds."""


class Refused(MatineeError):
    """A name or a passphrase that will not do."""

    kind = "refused"


class Throttled(TooMany):
    """Too many attempts."""

    seconds = WINDOW


def sign_up(store: Store, guest: str, name: str, passphrase: str, address: str) -> Person:
    """Make a guest an account; what they rated stays theirs.

    Raises:
        Refused: If the name or the passphrase will not do.
        NameTaken: If another account has the name.
        Throttled: After too many attempts from one address.
    """
    name, passphrase = checked_name(name), checked_passphrase(passphrase)
    _count(store, f"sign-up from {address}", PER_ADDRESS)
    return store.sign_up(guest, name, _hasher().hash(passphrase))


def sign_in(store: Store, guest: str, name: str, passphrase: str, address: str) -> Person:
    """The account of a name and passphrase; a guest's ratings move over to it.

    An unknown name takes as long as a wrong passphrase and is answered alike.

    Raises:
        Refused: If there is no such account, or the passphrase is another.
        Throttled: After too many attempts for one name or from one address.
    """
    name, passphrase = _normal(name).strip()[:NAME_LENGTH], _normal(passphrase)[: LONGEST + 1]
    _count(store, f"sign-in from {address}", PER_ADDRESS)
    _count(store, f"sign-in as {name.casefold()}", PER_NAME)
    found = store.account(name) if _storable(name) else None
    hashed = _nobody() if found is None else found[1]
    right = _verify(hashed, passphrase)
    if found is None or not right:
        raise Refused("that name and passphrase do not belong together")
    if guest != found[0].id:
        store.absorb(guest, found[0].id)
    return found[0]


def checked_name(name: str) -> str:
    """A name as it is kept: 1 to 40 characters that can be seen."""
    name = " ".join(_normal(name).split())
    if not 1 <= len(name) <= NAME_LENGTH or not _storable(name):
        raise Refused(
            "that name will not do",
            where="name",
            expected=f"1 to {NAME_LENGTH} letters, digits or signs",
        )
    return name


def checked_passphrase(passphrase: str) -> str:
    """A passphrase of a length that is neither guessed nor a burden to hash."""
    passphrase = _normal(passphrase)
    if not SHORTEST <= len(passphrase) <= LONGEST:
        raise Refused(
            f"a passphrase of {len(passphrase)} characters will not do",
            where="passphrase",
            expected=f"{SHORTEST} to {LONGEST} characters; a few words that you will remember",
        )
    return passphrase


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _storable(text: str) -> bool:
    return bool(text) and text.isprintable()


def _count(store: Store, key: str, limit: int) -> None:
    if not store.attempt(key, limit=limit, window=WINDOW):
        raise Throttled(
            "there were too many attempts", remedy=f"Try again in {WINDOW // 60} minutes."
        )


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@lru_cache(maxsize=1)
def _nobody() -> str:
    """What the passphrase for an unknown name is held against."""
    return _hasher().hash("nobody has this passphrase")


def _verify(hashed: str, passphrase: str) -> bool:
    try:
        return _hasher().verify(hashed, passphrase)
    except (Argon2Error, InvalidHashError):
        return False
