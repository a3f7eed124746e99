"""When people are asked: at their first held-out rating."""

from __future__ import annotations

import numpy as np

from matinee.data.interactions import Interactions
from matinee.splits import chronological_split, leave_last_split, strong_split


def data() -> Interactions:
    users = np.repeat([0, 1, 2, 3], 4)
    return Interactions.build(users, np.tile(np.arange(4), 4), times=100 * users + np.arange(16))


def test_people_ask_when_they_rated_what_is_held_out() -> None:
    test = leave_last_split(data()).test
    assert test.queries(test.users).at.tolist() == [3, 107, 211, 315]
    test = chronological_split(data(), test=0.5).test
    assert test.queries(test.users[2:]).at.tolist() == [210, 314]


def test_strangers_ask_at_a_time_too() -> None:
    test = strong_split(data(), test_users=2, fold_in=0.5).test
    queries = test.queries(test.users)
    assert queries.users.tolist() == [-1, -1]
    first = [int(test.held_out.times[test.held_out.users == user].min()) for user in test.users]
    assert queries.at.tolist() == first
