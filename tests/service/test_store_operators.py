"""What operators keep in every database: keys, models, the log, attempts to sign in."""

from __future__ import annotations

import pytest

from matinee.errors import DataError, UnknownName
from matinee.service.store import (
    LogLimits,
    LogRow,
    Store,
    digest,
    key_id,
    open_store,
)
from support.clock import Clock
from support.threads import run_at_once


class TestKeys:
    def test_a_token_is_shown_once_and_only_its_digest_kept(
        self, store: Store, clock: Clock
    ) -> None:
        key, token = store.create_key("ci", ["write", "read"], expires=clock.now + 5)
        assert key_id(token) == key.id
        assert key.digest == digest(token)
        assert token not in repr(store.keys())
        assert store.key(key.id) == key
        assert key.scopes == {"read", "write"}
        assert key.valid(clock.now + 4)
        assert not key.valid(clock.now + 5)

    def test_a_revoked_key_stays_in_the_list(self, store: Store, clock: Clock) -> None:
        key, _ = store.create_key("ci", ["read"])
        clock.now += 3
        assert store.revoke_key(key.id)
        assert not store.revoke_key(key.id)
        assert not store.revoke_key("0" * 12)
        listed = store.keys()
        assert [(k.id, k.revoked) for k in listed] == [(key.id, clock.now)]
        assert not listed[0].valid(clock.now)

    def test_scopes_are_checked(self, store: Store) -> None:
        with pytest.raises(UnknownName, match="'root'"):
            store.create_key("ci", ["root"])
        with pytest.raises(DataError, match="scope"):
            store.create_key("ci", [])
        assert store.keys() == []

    @pytest.mark.parametrize("token", ["", "mt_", "mt_0123456789ab_short", "Bearer x", "mt_é_\0"])
    def test_what_is_no_token_has_no_id(self, token: str) -> None:
        assert key_id(token) is None

    def test_the_key_of_any_text_is_looked_up(self, store: Store) -> None:
        assert store.key("' OR 1=1") is None
        assert store.key("a\0b") is None
        assert not store.revoke_key("a\0b")


class TestModels:
    def test_one_serves_at_a_time(self, store: Store, clock: Clock) -> None:
        assert store.active_model() is None
        store.add_model("v1", "runs/a", "ease")
        clock.now += 1
        store.add_model("v2", "runs/b", "vae")
        assert store.active_model() is None
        for version in ("v1", "v2", "v2", "v1"):
            store.activate_model(version)
            active = store.active_model()
            assert active is not None
            assert active.version == version
        assert [(m.version, m.name, m.active) for m in store.models()] == [
            ("v1", "ease", True),
            ("v2", "vae", False),
        ]

    def test_they_stand_as_they_were_added_even_within_a_second(self, store: Store) -> None:
        for version in ("v2", "v1", "v3", "v2"):
            store.add_model(version, "runs/a", "ease")
        assert [model.version for model in store.models()] == ["v2", "v1", "v3"]

    def test_added_again_it_serves_on(self, store: Store, clock: Clock) -> None:
        store.add_model("v1", "runs/a", "ease")
        store.activate_model("v1")
        before = clock.now
        clock.now += 9
        store.add_model("v1", "/moved/a", "ease")
        active = store.active_model()
        assert active is not None
        assert (active.run, active.created) == ("/moved/a", before)

    def test_an_unknown_version_changes_nothing(self, store: Store) -> None:
        store.add_model("v1", "runs/a", "ease")
        store.activate_model("v1")
        with pytest.raises(UnknownName, match=r"v2.*v1"):
            store.activate_model("v2")
        active = store.active_model()
        assert active is not None
        assert active.version == "v1"

    def test_many_who_activate_leave_one(self, store: Store) -> None:
        for n in range(4):
            store.add_model(f"v{n}", "runs", "ease")
        answers = run_at_once(*(lambda n=n: store.activate_model(f"v{n % 4}") for n in range(16)))
        assert answers == [None] * 16
        assert sum(m.active for m in store.models()) == 1


class TestLog:
    def test_rows_come_back(self, store: Store, clock: Clock) -> None:
        row = LogRow("ann", clock.now, "v1", True, ("1", 'quo"te', "é"))
        store.log_recommendations([row, LogRow(None, clock.now, "v1", False, ())])
        store.log_recommendations([])
        assert store.recommendations("ann") == [row]

    def test_it_is_capped_by_number_and_age(self, database: str, clock: Clock) -> None:
        with open_store(database, clock=clock, limits=LogLimits(rows=10, seconds=100)) as store:
            for n in range(25):
                row = LogRow("ann", clock.now, f"v{n}", False, ("1",))
                store.log_recommendations([row])
            kept = store.recommendations("ann")
            assert [row.version for row in kept] == [f"v{n}" for n in range(15, 25)]
            clock.now += 101
            store.log_recommendations([LogRow("bob", clock.now, "v", False, ())])
            assert store.recommendations("ann") == []
            assert len(store.recommendations("bob")) == 1


class TestAttempts:
    def test_beyond_the_limit_they_fail_until_the_window_is_over(
        self, store: Store, clock: Clock
    ) -> None:
        def attempt(key: str = "ann") -> bool:
            return store.attempt(key, limit=3, window=60)

        assert [attempt() for _ in range(5)] == [True] * 3 + [False] * 2
        assert attempt("bob")
        clock.now += 59
        assert not attempt()
        clock.now += 1
        assert attempt()

    def test_at_once_no_more_pass_than_one_by_one(self, store: Store) -> None:
        answers = run_at_once(
            *(lambda: store.attempt("ann", limit=5, window=60) for _ in range(16))
        )
        assert answers.count(True) == 5
        assert answers.count(False) == 11

    def test_any_text_is_a_key(self, store: Store) -> None:
        for key in ("", "a\0b", "\ud800", "x" * 10_000):
            assert store.attempt(key, limit=1, window=60)
            assert not store.attempt(key, limit=1, window=60)
