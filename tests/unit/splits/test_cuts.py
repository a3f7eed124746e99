"""Cuts: golden rows worked by hand, and what must hold of any data."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.data.interactions import Interactions
from matinee.errors import ConfigError, DataError
from matinee.splits import (
    Split,
    chronological_split,
    global_time_split,
    k_fold,
    leave_last_split,
    leave_random_split,
    random_split,
    strong_split,
)

CUTS = {
    "random": lambda d, seed: random_split(d, test=0.3, valid=0.2, seed=seed),
    "stratified": lambda d, seed: random_split(d, test=0.3, valid=0.2, seed=seed, stratified=True),
    "chronological": lambda d, seed: chronological_split(d, test=0.3, valid=0.2),
    "leave-last": lambda d, seed: leave_last_split(d),
    "leave-random": lambda d, seed: leave_random_split(d, seed=seed),
    "global-time": lambda d, seed: global_time_split(d, test=0.3, valid=0.2),
    "strong": lambda d, seed: strong_split(d, test_users=0.3, valid_users=0.2, seed=seed),
}
DRAWN = ["random", "stratified", "leave-random", "strong"]

Row = tuple[int, int, float, int]


def rows(data: Interactions) -> list[Row]:
    columns = (data.users, data.items, data.ratings, data.times)
    return list(zip(*(c.tolist() for c in columns), strict=True))


def parts(split: Split) -> dict[str, list[Row]]:
    named = {"train": rows(split.train), "test": rows(split.test.held_out)}
    if split.valid is not None:
        named["valid"] = rows(split.valid.held_out)
    if split.test.strangers:
        named["test-history"] = rows(split.test.history)
        if split.valid is not None:
            named["valid-history"] = rows(split.valid.history)
    return named


def films(data: Interactions, user: int) -> list[int]:
    return data.items[data.users == user].tolist()


@st.composite
def data_sets(draw: st.DrawFn) -> Interactions:
    """At least eight people of at least five ratings each, with many equal times."""
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    lengths = rng.integers(5, 12, draw(st.integers(8, 15)))
    users = np.repeat(np.arange(len(lengths)), lengths)
    items = np.concatenate([rng.permutation(15)[:n] for n in lengths])
    ratings = rng.integers(1, 11, len(users)) / 2
    return Interactions.build(users, items, ratings, rng.integers(0, 40, len(users)))


@pytest.fixture
def small() -> Interactions:
    """Four people: ann rates five films, bob three (the last two at once), eve two, zoe one."""
    return Interactions.build(
        [0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3],
        [4, 2, 0, 1, 3, 2, 5, 0, 1, 4, 0],
        [5, 4, 3, 2, 1, 5, 4, 3, 2, 1, 5],
        [50, 20, 10, 30, 40, 7, 9, 9, 60, 70, 5],
    )


@pytest.mark.parametrize("kind", CUTS)
@settings(max_examples=25, deadline=None)
@given(data=data_sets())
def test_parts_are_disjoint_and_with_what_is_dropped_make_up_the_data(
    kind: str, data: Interactions
) -> None:
    split = CUTS[kind](data, 1)
    everything = [row for part in parts(split).values() for row in part]
    assert len(set(everything)) == len(everything)
    assert set(everything) <= set(rows(data))
    assert len(everything) + sum(split.dropped.values()) == len(data)


@pytest.mark.parametrize("kind", CUTS)
@settings(max_examples=25, deadline=None)
@given(data=data_sets())
def test_what_is_known_when_asked(kind: str, data: Interactions) -> None:
    split = CUTS[kind](data, 1)
    assert split.valid is not None
    if kind == "strong":
        for fold in (split.valid, split.test):
            assert fold.strangers
            assert not set(fold.users) & set(split.train.active_users)
            assert set(fold.users) == set(fold.history.active_users)
            assert set(fold.held_out.items) <= set(split.train.items)
            assert set(fold.queries(fold.users).users.tolist()) == {-1}
    else:
        assert split.valid.history is split.train
        known = sorted(rows(split.train) + rows(split.valid.held_out))
        assert sorted(rows(split.test.history)) == known
        assert set(split.test.users) <= set(split.train.active_users)


@pytest.mark.parametrize("kind", CUTS)
@settings(max_examples=15, deadline=None)
@given(data=data_sets())
def test_one_seed_one_digest(kind: str, data: Interactions) -> None:
    first = CUTS[kind](data, 1).digest
    assert CUTS[kind](data, 1).digest == first
    assert (CUTS[kind](data, 2).digest != first) == (kind in DRAWN)


@pytest.mark.parametrize("kind", CUTS)
def test_the_digest_tells_if_one_rating_changes(kind: str) -> None:
    rng = np.random.default_rng(0)
    users, items = np.divmod(np.arange(200), 10)
    ratings, times = rng.integers(1, 10, 200) / 2, rng.integers(0, 999, 200)
    before = CUTS[kind](Interactions.build(users, items, ratings, times), 1)
    ratings[57] += 0.5
    after = CUTS[kind](Interactions.build(users, items, ratings, times), 1)
    assert before.digest != after.digest


def test_the_digest_tells_if_one_rating_moves(small: Interactions) -> None:
    one, other = leave_last_split(small, valid=False), leave_last_split(small, valid=True)
    assert one.digest != other.digest


@settings(max_examples=25, deadline=None)
@given(data=data_sets())
def test_later_parts_are_later(data: Interactions) -> None:
    for split in (chronological_split(data, test=0.3, valid=0.2), leave_last_split(data)):
        assert split.valid is not None
        for user in range(data.n_users):
            times = [p.times[p.users == user] for p in (split.train, split.valid.held_out)]
            times.append(split.test.held_out.times[split.test.held_out.users == user])
            for before, after in itertools.pairwise(times):
                assert before.max(initial=-1) <= after.min(initial=999)


@settings(max_examples=25, deadline=None)
@given(data=data_sets())
def test_one_instant_parts_all(data: Interactions) -> None:
    split = global_time_split(data, test=0.3, valid=0.2)
    assert split.valid is not None
    assert split.train.times.max() < split.valid.held_out.times.min()
    assert split.valid.held_out.times.max() < split.test.held_out.times.min()


@pytest.mark.parametrize(("test", "valid"), [(0.25, 0.0), (0.1, 0.1), (0.5, 0.3)])
def test_sizes_are_exact(test: float, valid: float) -> None:
    users, items = np.divmod(np.arange(4000), 40)
    data = Interactions.build(users, items, times=np.arange(4000))
    for stratified in (False, True):
        split = random_split(data, test=test, valid=valid, stratified=stratified)
        assert len(split.test.held_out) == round(4000 * test)
        assert (len(split.valid.held_out) if split.valid else 0) == round(4000 * valid)
        if stratified:
            assert set(np.diff(split.test.held_out.offsets)) == {round(40 * test)}
    cut = chronological_split(data, test=test, valid=valid)
    assert cut.counts["test"] == round(4000 * test)


def test_random_parts_are_drawn_evenly() -> None:
    """Over many seeds each of eight ratings tests a quarter of the time."""
    data = Interactions.build([0] * 8, range(8))
    for stratified in (False, True):
        splits = (random_split(data, seed=s, stratified=stratified) for s in range(2000))
        counts = np.sum([split.test.held_out.item_counts for split in splits], axis=0)
        assert counts.sum() == 4000
        assert np.abs(counts - 500).max() < 100  # five standard deviations


def test_chronological_by_hand(small: Interactions) -> None:
    """Half of 5, 3, 2, 1 ratings rounds to 3, 2, 1, 1; zoe keeps her only one."""
    split = chronological_split(small, test=0.5)
    assert [films(split.train, u) for u in range(4)] == [[0, 2], [2], [1], [0]]
    assert [films(split.test.held_out, u) for u in range(4)] == [[1, 3, 4], [5, 0], [4], []]
    assert split.valid is None
    assert split.test.history is split.train


def test_leave_last_by_hand(small: Interactions) -> None:
    """Bob's films 5 and 0 have one time: 0 stands last. Eve has none to validate with."""
    split = leave_last_split(small)
    assert split.valid is not None
    assert [films(split.test.held_out, u) for u in range(4)] == [[4], [0], [4], []]
    assert [films(split.valid.held_out, u) for u in range(4)] == [[3], [5], [], []]
    assert [films(split.train, u) for u in range(4)] == [[0, 2, 1], [2], [1], [0]]
    assert [films(split.test.history, u) for u in range(4)] == [[0, 2, 1, 3], [2, 5], [1], [0]]
    assert split.counts == {
        "train": 6,
        "valid": 2,
        "valid_people": 2,
        "test": 3,
        "test_people": 3,
    }


def test_leave_random_takes_one_of_each(small: Interactions) -> None:
    split = leave_random_split(small, seed=3)
    assert split.valid is not None
    assert np.diff(split.test.held_out.offsets).tolist() == [1, 1, 1, 0]
    assert np.diff(split.valid.held_out.offsets).tolist() == [1, 1, 0, 0]
    taken = {tuple(leave_random_split(small, seed=s).test.held_out.items) for s in range(20)}
    assert len(taken) > 5


def test_global_time_by_hand(small: Interactions) -> None:
    """Sorted times 5 7 9 9 10 20 30 40 50 60 70: the last three of eleven from 50 on."""
    split = global_time_split(small, test=0.27)
    assert films(split.test.held_out, 0) == [4]
    assert split.dropped == {"person without training ratings": 2}  # eve came later
    assert films(split.train, 1) == [2, 5, 0]


def test_global_time_keeps_one_second_together() -> None:
    data = Interactions.build([0, 0, 1, 1], [0, 1, 0, 1], times=[1, 5, 1, 5])
    split = global_time_split(data, test=0.25)
    assert len(split.test.held_out) == 2


def test_strong_by_hand() -> None:
    """Ten people of five ratings: 80 % of five is four shown, one asked."""
    users, items = np.divmod(np.arange(50), 5)
    split = strong_split(Interactions.build(users, items), test_users=2, valid_users=0.1)
    assert split.valid is not None
    assert len(split.train) == 35
    assert split.counts["test"] == 2
    assert len(split.test.history) == 8
    assert (len(split.valid.held_out), len(split.valid.history)) == (1, 4)


def test_strong_drops_films_unseen_in_training() -> None:
    """Everyone has a film of his own, which is of no use to anyone else's question."""
    users = np.repeat(np.arange(10), 4)
    items = np.where(np.arange(40) % 4 == 3, 3 + users, np.arange(40) % 4)
    split = strong_split(Interactions.build(users, items), test_users=3)
    assert split.dropped == {"film unseen in training": 3}
    assert len(split.test.history) + len(split.test.held_out) == 9


def test_k_fold_tests_every_rating_once() -> None:
    users, items = np.divmod(np.arange(200), 20)
    data = Interactions.build(users, items)
    splits = k_fold(data, folds=3, seed=1)
    tested = [row for split in splits for row in rows(split.test.held_out)]
    assert sorted(tested) == rows(data)
    assert [len(s.test.held_out) for s in splits] == [67, 67, 66]
    assert all(len(s.train) + len(s.test.held_out) == 200 for s in splits)
    assert len({s.digest for s in splits}) == 3


@pytest.mark.parametrize("kind", ["chronological", "leave-last", "global-time"])
def test_untimed_data_is_refused_with_a_way_out(kind: str) -> None:
    data = Interactions.build([0, 0, 0], [0, 1, 2])
    with pytest.raises(DataError, match="needs times") as caught:
        CUTS[kind](data, 0)
    ways = {"chronological": "stratified", "leave-last": "leave-random", "global-time": "random"}
    assert ways[kind] in str(caught.value)


@pytest.mark.parametrize(
    ("test", "valid"), [(0.0, 0.0), (1.0, 0.0), (-0.1, 0.0), (0.5, 0.5), (0.5, -0.1), (0.2, 1.0)]
)
def test_shares_out_of_range_are_refused(test: float, valid: float, small: Interactions) -> None:
    for cut in (random_split, chronological_split, global_time_split):
        with pytest.raises(ConfigError):
            cut(small, test=test, valid=valid)


def test_other_settings_out_of_range_are_refused(small: Interactions) -> None:
    with pytest.raises(ConfigError, match="fold_in"):
        strong_split(small, fold_in=1.0)
    with pytest.raises(ConfigError, match="number of people"):
        strong_split(small, test_users=2.5)
    with pytest.raises(ConfigError, match="folds"):
        k_fold(small, folds=1)


def test_an_empty_part_is_refused(small: Interactions) -> None:
    nobody = small.take(np.zeros(len(small), np.bool_))
    for kind, cut in CUTS.items():
        with pytest.raises(DataError) as caught:
            cut(nobody, 0)
        assert "nothing" in str(caught.value) or "no ratings" in str(caught.value), kind
    with pytest.raises(DataError, match="nothing to validate with"):
        leave_last_split(Interactions.build([0, 0], [0, 1], times=[1, 2]))
    with pytest.raises(DataError, match="nothing to train on"):
        strong_split(small, test_users=4)
