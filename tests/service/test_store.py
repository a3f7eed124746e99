"""What every database must do with ratings, marks and ids, SQLite and PostgreSQL alike."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import pytest

from matinee.errors import DataError, StoreError, UnknownName
from matinee.service.store import (
    Mark,
    Rating,
    Store,
    open_store,
)
from support.clock import Clock
from support.threads import run_at_once

HOSTILE = ["'; DROP TABLE people; --", "<script>", "\u202eשלום", "a\nb", " ", "%", "é", "é", "🎬"]


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
