"""People in every database: guests, accounts, and how they become one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matinee.errors import DataError, UnknownName
from matinee.service.store import (
    LogRow,
    Mark,
    NameTaken,
    Person,
    Store,
)
from support.clock import Clock
from support.threads import run_at_once


class TestPeople:
    def test_a_guest_gets_a_random_id(self, store: Store, clock: Clock) -> None:
        one, other = store.add_person(), store.add_person()
        assert one.id != other.id
        assert len(one.id) >= 20
        assert one == Person(one.id, None, clock.now)
        assert store.person(one.id) == one

    def test_an_id_of_ones_own_is_made_once(self, store: Store, clock: Clock) -> None:
        first = store.add_person("ann")
        clock.now += 5
        assert store.add_person("ann") == first

    def test_an_unknown_person_is_none(self, store: Store) -> None:
        assert store.person("nobody") is None
        assert store.account("nobody") is None
        assert store.history("nobody") == ([], [])

    def test_a_guest_signs_up_and_keeps_what_is_theirs(self, store: Store) -> None:
        guest = store.add_person()
        store.rate(guest.id, "1", 4)
        person = store.sign_up(guest.id, "Ann", "hash")
        assert person == Person(guest.id, "Ann", guest.created)
        assert store.person(guest.id) == person
        assert [r.item for r in store.ratings(guest.id)] == ["1"]

    @pytest.mark.parametrize("spelt", ["Straße", "STRASSE", "strasse", "ｓtrasse"])
    def test_names_are_one_whatever_their_case(self, store: Store, spelt: str) -> None:
        person = store.sign_up("a", "Straße", "hash")
        assert store.account(spelt) == (person, "hash")
        with pytest.raises(NameTaken, match="taken"):
            store.sign_up("b", spelt, "other")
        assert store.account("Straße") == (person, "hash")
        assert store.person("b") is None

    def test_an_account_does_not_sign_up_again(self, store: Store) -> None:
        store.sign_up("a", "Ann", "hash")
        with pytest.raises(DataError, match="account already"):
            store.sign_up("a", "Bob", "other")
        assert store.account("bob") is None

    def test_of_many_who_want_a_name_one_gets_it(self, store: Store) -> None:
        taken = run_at_once(
            *(lambda n=n: store.sign_up(f"p{n}", "Ann", f"hash {n}") for n in range(8))
        )
        won = [answer for answer in taken if isinstance(answer, Person)]
        assert len(won) == 1
        assert sum(isinstance(answer, NameTaken) for answer in taken) == 7
        assert store.account("ann") == (won[0], f"hash {won[0].id[1:]}")

    def test_ending_sessions_begins_an_epoch_of_that_person_alone(self, store: Store) -> None:
        ann, bob = store.sign_up("a", "Ann", "hash"), store.sign_up("b", "Bob", "hash")
        store.end_sessions("a")
        store.end_sessions("nobody")
        assert store.person("a") == replace(ann, epoch=ann.epoch + 1)
        assert store.account("ann") == (store.person("a"), "hash")
        assert store.person("b") == bob
        assert store.person("nobody") is None

    def test_erasing_leaves_nothing_of_them(self, store: Store, clock: Clock) -> None:
        for person in ("ann", "bob"):
            store.sign_up(person, person, "hash")
            store.rate(person, "1", 3)
            store.mark(person, "2", "seen")
            store.log_recommendations([LogRow(person, clock.now, "v1", False, ("3",))])
        assert store.erase_person("ann")
        assert not store.erase_person("ann")
        assert store.person("ann") is None
        assert store.account("ann") is None
        assert store.history("ann") == ([], [])
        assert store.recommendations("ann") == []
        assert store.person("bob") is not None
        assert len(store.recommendations("bob")) == 1
        assert store.all_ratings()["user"].to_list() == ["bob"]


class TestAbsorbing:
    def test_the_newer_rating_wins_and_the_guest_goes(self, store: Store) -> None:
        store.sign_up("ann", "Ann", "hash")
        for person, item, rating, time in (
            ("ann", "older here", 1.0, 10),
            ("ann", "newer here", 2.0, 30),
            ("ann", "only here", 3.0, 10),
            ("ann", "same second", 1.0, 20),
            ("guest", "older here", 4.0, 20),
            ("guest", "newer here", 4.5, 20),
            ("guest", "only there", 5.0, 20),
            ("guest", "same second", 5.0, 20),
        ):
            store.rate(person, item, rating, time=time)
        assert store.absorb("guest", "ann") == 3
        assert {r.item: (r.rating, r.time) for r in store.ratings("ann")} == {
            "older here": (4.0, 20),
            "newer here": (2.0, 30),
            "only here": (3.0, 10),
            "only there": (5.0, 20),
            "same second": (5.0, 20),
        }
        assert store.person("guest") is None
        assert store.ratings("guest") == []

    def test_marks_and_the_log_move_too(self, store: Store, clock: Clock) -> None:
        store.add_person("ann")
        store.mark("guest", "1", "seen")
        store.log_recommendations([LogRow("guest", clock.now, "v1", True, ("2", "3"))])
        assert store.absorb("guest", "ann") == 1
        assert store.marks("ann") == [Mark("1", "seen", clock.now)]
        assert store.recommendations("ann") == [LogRow("ann", clock.now, "v1", True, ("2", "3"))]

    def test_a_guest_that_is_not_there_brings_nothing(self, store: Store) -> None:
        store.add_person("ann")
        assert store.absorb("nobody", "ann") == 0
        assert store.absorb("ann", "ann") == 0
        assert store.person("ann") is not None

    def test_nothing_moves_to_nobody_and_no_account_goes(self, store: Store) -> None:
        store.rate("guest", "1", 3)
        with pytest.raises(UnknownName, match="no such person"):
            store.absorb("guest", "nobody")
        store.sign_up("ann", "Ann", "hash")
        with pytest.raises(DataError, match="account"):
            store.absorb("ann", "guest")
        assert len(store.ratings("guest")) == 1
        assert store.account("ann") is not None

    def test_two_who_absorb_each_other_do_not_wait_for_ever(self, store: Store) -> None:
        for n in range(10):
            store.rate(f"a{n}", "1", 1, time=1)
            store.rate(f"b{n}", "1", 2, time=2)
            moved = run_at_once(
                lambda n=n: store.absorb(f"a{n}", f"b{n}"),
                lambda n=n: store.absorb(f"b{n}", f"a{n}"),
            )
            left = [person for person in (f"a{n}", f"b{n}") if store.person(person)]
            assert len(left) == 1
            assert sum(isinstance(answer, UnknownName) for answer in moved) == 1
            assert [r.rating for r in store.ratings(left[0])] == [2.0]
