"""What every database must do, SQLite and PostgreSQL alike."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import pytest

from matinee.errors import DataError, StoreError, UnknownName
from matinee.service.store import (
    LogLimits,
    LogRow,
    Mark,
    NameTaken,
    Person,
    Rating,
    Store,
    digest,
    key_id,
    open_store,
)
from support.clock import Clock

HOSTILE = ["'; DROP TABLE people; --", "<script>", "\u202eשלום", "a\nb", " ", "%", "é", "é", "🎬"]


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


class TestRatings:
    def test_a_rating_takes_the_place_of_the_one_before(self, store: Store, clock: Clock) -> None:
        assert store.rate("ann", "1", 3.5) is None
        clock.now += 10
        assert store.rate("ann", "1", 4) == Rating("1", 3.5, clock.now - 10)
        assert store.rating("ann", "1") == Rating("1", 4.0, clock.now)
        assert store.rate("ann", "1", 2, time=7) == Rating("1", 4.0, clock.now)
        assert store.ratings("ann") == [Rating("1", 2.0, 7)]

    def test_ratings_come_oldest_first_then_by_code_point(self, store: Store) -> None:
        for item, time in (("b", 2), ("Z", 1), ("é", 1), ("a", 1), ("10", 1), ("9", 1)):
            store.rate("ann", item, 3, time=time)
        assert [r.item for r in store.ratings("ann")] == ["10", "9", "Z", "a", "é", "b"]

    def test_taking_back_returns_what_was(self, store: Store) -> None:
        store.rate("ann", "1", 3, time=5)
        assert store.unrate("ann", "1") == Rating("1", 3.0, 5)
        assert store.unrate("ann", "1") is None
        assert store.unrate("nobody", "1") is None
        assert store.rating("ann", "1") is None
        assert store.person("nobody") is None

    def test_many_leave_newer_ones_alone(self, store: Store) -> None:
        store.rate("ann", "newer", 1, time=20)
        store.rate("ann", "older", 1, time=5)
        given = [Rating(item, 5.0, 10) for item in ("newer", "older", "new")]
        assert store.rate_many("ann", given) == 2
        assert {r.item: r.rating for r in store.ratings("ann")} == {
            "newer": 1.0,
            "older": 5.0,
            "new": 5.0,
        }

    def test_of_many_of_one_film_the_newest_is_kept(self, store: Store) -> None:
        given = [
            Rating("1", 1.0, 10),
            Rating("1", 2.0, 20),
            Rating("1", 3.0, 20),
            Rating("1", 4, 5),
        ]
        assert store.rate_many("ann", given) == 1
        assert store.ratings("ann") == [Rating("1", 3.0, 20)]

    def test_many_are_all_or_none(self, store: Store) -> None:
        with pytest.raises(DataError):
            store.rate_many("ann", [Rating("1", 3.0, 1), Rating("2", math.nan, 1)])
        assert store.person("ann") is None
        assert store.rate_many("ann", []) == 0

    def test_a_long_history_is_kept_whole(self, store: Store) -> None:
        given = [Rating(f"film {n}", n % 10 / 2, n) for n in range(5_000)]
        assert store.rate_many("ann", given) == 5_000
        assert store.ratings("ann") == given

    @pytest.mark.parametrize("rating", [0.1, 1 / 3, -1e308, 5e-324, 0.0, 3])
    def test_every_finite_number_comes_back_exactly(self, store: Store, rating: float) -> None:
        store.rate("ann", "1", rating)
        found = store.rating("ann", "1")
        assert found is not None
        assert found.rating == rating
        assert isinstance(found.rating, float)

    @pytest.mark.parametrize("rating", [math.nan, math.inf, -math.inf])
    def test_what_is_no_number_is_refused(self, store: Store, rating: float) -> None:
        with pytest.raises(DataError, match="not a number"):
            store.rate("ann", "1", rating)
        assert store.person("ann") is None

    @pytest.mark.parametrize("time", [-1, 10**12, 2**70])
    def test_a_time_of_another_age_is_refused(self, store: Store, time: int) -> None:
        with pytest.raises(DataError, match="Unix seconds"):
            store.rate("ann", "1", 3, time=time)

    def test_all_ratings_are_a_table(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("matinee.service.store.ratings.PIECE", 3)
        assert store.all_ratings().rows() == []
        for person in ("bob", "Ann"):
            store.rate_many(person, [Rating(f"{n}", n / 2, n) for n in range(4)])
        table = store.all_ratings()
        assert table.columns == ["user", "item", "rating", "time"]
        assert table.rows() == [
            (person, f"{n}", n / 2, n) for person in ("Ann", "bob") for n in range(4)
        ]

    def test_a_history_is_of_one_moment(self, store: Store) -> None:
        """A film is rated and marked, then neither; whoever reads sees both or none."""
        stop = threading.Event()

        def change() -> None:
            for _ in range(30):
                store.erase_person("ann")
                store.add_person("other")
                store.mark("guest", "1", "seen")
                store.rate("guest", "1", 3)
                store.add_person("ann")
                store.absorb("guest", "ann")
            stop.set()

        def look() -> list[tuple[int, int]]:
            seen: list[tuple[int, int]] = []
            while not stop.is_set():
                ratings, marks = store.history("ann")
                seen.append((len(ratings), len(marks)))
            return seen

        _, seen = run_at_once(change, look)
        assert isinstance(seen, list)
        assert set(seen) <= {(0, 0), (1, 1)}


class TestMarks:
    def test_a_film_may_have_several(self, store: Store, clock: Clock) -> None:
        store.mark("ann", "1", "watchlist")
        clock.now += 1
        store.mark("ann", "1", "seen")
        clock.now += 1
        store.mark("ann", "1", "watchlist")
        assert store.marks("ann") == [
            Mark("1", "seen", clock.now - 1),
            Mark("1", "watchlist", clock.now),
        ]
        assert store.unmark("ann", "1", "seen")
        assert not store.unmark("ann", "1", "seen")
        assert store.history("ann") == ([], [Mark("1", "watchlist", clock.now)])

    def test_another_kind_is_refused_by_name(self, store: Store) -> None:
        with pytest.raises(UnknownName, match=r"'watched'.*seen"):
            store.mark("ann", "1", "watched")


class TestIds:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_any_text_is_an_id_and_comes_back(self, store: Store, text: str) -> None:
        store.rate(text, text, 3)
        store.mark(text, text, "seen")
        assert store.ratings(text)[0].item == text
        assert store.all_ratings()["user"].to_list() == [text]
        assert store.erase_person(text)

    @pytest.mark.parametrize("text", ["", "x" * 65, "a\0b", "\0", "\ud800"])
    def test_a_persons_id_that_cannot_be_kept_is_refused(self, store: Store, text: str) -> None:
        tries: list[Callable[[], object]] = [
            lambda: store.rate(text, "1", 3),
            lambda: store.ratings(text),
            lambda: store.history(text),
            lambda: store.erase_person(text),
            lambda: store.absorb(text, "ann"),
            lambda: store.mark(text, "1", "seen"),
            lambda: store.sign_up(text, "Ann", "hash"),
            lambda: store.recommendations(text),
        ]
        for attempt in tries:
            with pytest.raises(DataError, match="person"):
                attempt()

    @pytest.mark.parametrize("text", ["", "x" * 201, "a\0b", "\udfff"])
    def test_a_films_id_that_cannot_be_kept_is_refused(self, store: Store, text: str) -> None:
        for attempt in (
            lambda: store.rate("ann", text, 3),
            lambda: store.unrate("ann", text),
            lambda: store.rating("ann", text),
            lambda: store.mark("ann", text, "seen"),
            lambda: store.rate_many("ann", [Rating(text, 3.0, 1)]),
        ):
            with pytest.raises(DataError, match="film"):
                attempt()

    def test_the_longest_ids_are_kept(self, store: Store) -> None:
        person, item = "🎬" * 64, "🎬" * 200
        store.rate(person, item, 3)
        assert store.ratings(person)[0].item == item


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


class TestAtOnce:
    def test_no_writer_loses_anything(self, store: Store) -> None:
        def rate(n: int) -> None:
            for item in range(20):
                assert store.rate(f"own {n}", str(item), item) is None
                store.rate("shared", str(item), n)

        assert run_at_once(*(lambda n=n: rate(n) for n in range(8))) == [None] * 8
        for n in range(8):
            assert [r.rating for r in store.ratings(f"own {n}")] == sorted(
                (float(item) for item in range(20)), key=lambda x: str(int(x))
            )
        assert len(store.ratings("shared")) == 20

    def test_each_change_sees_the_one_before(self, store: Store) -> None:
        """What eight threads are told was there before forms one chain without a gap."""
        answers: list[float | None] = []

        def rate(n: int) -> None:
            for step in range(10):
                before = store.rate("ann", "1", n * 10 + step)
                answers.append(None if before is None else before.rating)

        run_at_once(*(lambda n=n: rate(n) for n in range(8)))
        last = store.rating("ann", "1")
        assert last is not None
        assert len(answers) == 80
        assert {*answers, last.rating} == {None, *map(float, range(80))}


class TestOpening:
    def test_what_was_kept_is_there_when_opened_again(self, database: str) -> None:
        with open_store(database) as store:
            store.rate("ann", "1", 3, time=4)
        with open_store(database, create=False) as store:
            assert store.ratings("ann") == [Rating("1", 3.0, 4)]
            store.ping()

    def test_opened_twice_both_write_and_see(self, database: str) -> None:
        with open_store(database) as one, open_store(database) as other:
            both = run_at_once(
                lambda: [one.rate("ann", f"a{n}", n) for n in range(20)],
                lambda: [other.rate("ann", f"b{n}", n) for n in range(20)],
            )
            assert both == [[None] * 20] * 2
            assert len(one.ratings("ann")) == len(other.ratings("ann")) == 40

    def test_a_closed_store_says_so(self, database: str) -> None:
        store = open_store(database)
        store.close()
        with pytest.raises(StoreError, match="closed"):
            store.rate("ann", "1", 3)
        with pytest.raises(StoreError, match="closed"):
            store.ping()
        store.close()


def run_at_once(*tasks: Callable[[], object]) -> list[object]:
    """Run tasks in threads that start together; their answers, or the errors they raised."""
    barrier = threading.Barrier(len(tasks))
    answers: list[object] = [None] * len(tasks)

    def run(index: int, task: Callable[[], object]) -> None:
        barrier.wait()
        try:
            answers[index] = task()
        except Exception as error:
            answers[index] = error

    threads = [threading.Thread(target=run, args=(index, task)) for index, task in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
