"""The time of asking goes with those who ask."""

from __future__ import annotations

from dataclasses import replace

import torch

from matinee.data.queries import Queries


def asked() -> Queries:
    return replace(Queries.anonymous([[1, 2], [], [3, 4, 5]]), at=torch.tensor([7, 8, 9]))


def test_the_time_of_asking_is_unknown_unless_it_is_said() -> None:
    assert Queries.anonymous([[1], []]).at.tolist() == [0, 0]


def test_the_time_of_asking_goes_with_those_who_ask() -> None:
    assert asked().take(torch.tensor([2, 0])).at.tolist() == [9, 7]
    assert asked().block(slice(1, 3)).at.tolist() == [8, 9]
    assert Queries.join([asked(), asked()]).at.tolist() == [7, 8, 9, 7, 8, 9]
    assert asked().forget_users().at.tolist() == [7, 8, 9]
    assert asked().leave_each_out(2).at.tolist() == [9, 9, 9]
