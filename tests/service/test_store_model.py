"""Any sequence of changes leaves the store as it leaves a plain dictionary."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matinee.service.store import MARKS, Mark, Rating, Store
from support.clock import Clock

EXAMPLE = count()

people = st.sampled_from(["ann", "bob", "cleo"])
films = st.sampled_from(["1", "2", "3", "é"])
numbers = st.floats(allow_nan=False, allow_infinity=False)
times = st.integers(0, 5)
given_ratings = st.builds(Rating, films, numbers, times)

changes = st.one_of(
    st.tuples(st.just("rate"), people, given_ratings),
    st.tuples(st.just("rate_many"), people, st.lists(given_ratings, max_size=5)),
    st.tuples(st.just("unrate"), people, films),
    st.tuples(st.just("mark"), people, st.builds(Mark, films, st.sampled_from(MARKS), times)),
    st.tuples(st.just("unmark"), people, st.tuples(films, st.sampled_from(MARKS))),
    st.tuples(st.just("absorb"), people, people),
    st.tuples(st.just("erase"), people, st.none()),
)


@dataclass
class Shelf:
    """What one person has."""

    ratings: dict[str, Rating] = field(default_factory=dict)
    marks: dict[tuple[str, str], Mark] = field(default_factory=dict)

    def take(self, ratings: list[Rating], marks: list[Mark]) -> int:
        """Let what is not older in; how many films and marks of those given."""
        let_in: set[object] = set()
        for rating in ratings:
            there = self.ratings.get(rating.item)
            if there is None or there.time <= rating.time:
                self.ratings[rating.item] = rating
                let_in.add(rating.item)
        for mark in marks:
            there = self.marks.get((mark.item, mark.kind))
            if there is None or there.time <= mark.time:
                self.marks[mark.item, mark.kind] = mark
                let_in.add((mark.item, mark.kind))
        return len(let_in)


class Model:
    """The store, as a dictionary."""

    def __init__(self) -> None:
        self.people: dict[str, Shelf] = {}

    def rate(self, person: str, rating: Rating) -> Rating | None:
        shelf = self.people.setdefault(person, Shelf())
        before = shelf.ratings.get(rating.item)
        shelf.ratings[rating.item] = rating
        return before

    def rate_many(self, person: str, ratings: list[Rating]) -> int:
        return self.people.setdefault(person, Shelf()).take(ratings, [])

    def unrate(self, person: str, film: str) -> Rating | None:
        return self.people.get(person, Shelf()).ratings.pop(film, None)

    def mark(self, person: str, mark: Mark) -> None:
        self.people.setdefault(person, Shelf()).marks[mark.item, mark.kind] = mark

    def unmark(self, person: str, key: tuple[str, str]) -> bool:
        return self.people.get(person, Shelf()).marks.pop(key, None) is not None

    def absorb(self, guest: str, into: str) -> int:
        if guest == into or guest not in self.people:
            return 0
        gone = self.people.pop(guest)
        return self.people[into].take([*gone.ratings.values()], [*gone.marks.values()])

    def erase(self, person: str, _: None) -> bool:
        return self.people.pop(person, None) is not None


def change(  # noqa: PLR0911 - one return a verb
    store: Store, clock: Clock, verb: str, person: str, what: object
) -> object:
    """One change, made to the store."""
    match verb, what:
        case "rate", Rating(item, rating, time):
            return store.rate(person, item, rating, time=time)
        case "rate_many", list():
            return store.rate_many(person, what)
        case "unrate", str():
            return store.unrate(person, what)
        case "mark", Mark(item, kind, time):
            clock.now = time
            return store.mark(person, item, kind)
        case "unmark", (str() as item, str() as kind):
            return store.unmark(person, item, kind)
        case "absorb", str():
            return store.absorb(person, what)
        case "erase", None:
            return store.erase_person(person)
        case _:
            raise AssertionError(verb)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(changes, min_size=1, max_size=20))
def test_the_store_is_a_dictionary(
    store: Store, clock: Clock, made: list[tuple[str, str, object]]
) -> None:
    example = next(EXAMPLE)

    def own(name: str) -> str:
        return f"{name}-{example}"

    model = Model()
    for verb, name, subject in made:
        person, what = own(name), subject
        if verb == "absorb":
            assert isinstance(subject, str)
            what = own(subject)
            if what not in model.people:
                continue  # refused; see the tests of absorbing
        assert change(store, clock, verb, person, what) == getattr(model, verb)(person, what)
    for name in ("ann", "bob", "cleo"):
        shelf = model.people.get(own(name))
        assert (store.person(own(name)) is None) == (shelf is None)
        ratings, marks = store.history(own(name))
        assert {r.item: r for r in ratings} == (shelf.ratings if shelf else {})
        assert {(m.item, m.kind): m for m in marks} == (shelf.marks if shelf else {})
