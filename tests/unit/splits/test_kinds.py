"""Kinds by name: the same as the functions, and no option is ignored."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from matinee.data.interactions import Interactions
from matinee.errors import ConfigError, UnknownName
from matinee.splits import (
    KINDS,
    chronological_split,
    leave_last_split,
    leave_random_split,
    make_split,
    random_split,
    strong_split,
)


@pytest.fixture
def data() -> Interactions:
    users, items = np.divmod(np.arange(300), 15)
    times = np.random.default_rng(0).integers(0, 999, 300)
    return Interactions.build(users, items, times=times)


def test_each_name_is_its_function(data: Interactions) -> None:
    pairs = [
        (make_split("random", data, test=0.3, seed=4), random_split(data, test=0.3, seed=4)),
        (make_split("stratified", data, seed=4), random_split(data, seed=4, stratified=True)),
        (make_split("chronological", data, valid=0.1), chronological_split(data, valid=0.1)),
        (make_split("leave-last", data), leave_last_split(data)),
        (make_split("leave-last", data, valid=0), leave_last_split(data, valid=False)),
        (make_split("leave-random", data, seed=2), leave_random_split(data, seed=2)),
        (
            make_split("strong", data, test=5, valid=0.2, fold_in=0.5, seed=1),
            strong_split(data, test_users=5, valid_users=0.2, fold_in=0.5, seed=1),
        ),
    ]
    for made, wanted in pairs:
        assert made.digest == wanted.digest
        assert made.arguments == wanted.arguments


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_made(kind: str, data: Interactions, tmp_path: Path) -> None:
    if kind == "files":
        (tmp_path / "a").write_text("1\t2\n1\t3\n", encoding="utf-8")
        (tmp_path / "b").write_text("1\t4\n", encoding="utf-8")
        split = make_split(kind, None, train=tmp_path / "a", test=tmp_path / "b")
    else:
        split = make_split(kind, data)
    assert split.kind == kind
    assert len(split.test.held_out)


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("leave-last", {"test": 0.2}, "--test: a leave-last split takes no 'test'"),
        ("random", {"fold_in": 0.8}, "--fold-in: a random split takes no 'fold_in'"),
        ("chronological", {"train": "x"}, "takes no 'train'"),
        ("files", {"fold_in": 0.5}, "takes no 'fold_in'"),
        ("files", {"train": "x"}, "--test: a files split needs two files"),
        ("random", {"test": "u1.test"}, "--test: test = 'u1.test' is not a number"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    kind: str, options: dict[str, float], says: str, data: Interactions
) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        make_split(kind, data, **options)


def test_a_typo_is_answered_with_the_nearest(data: Interactions) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'leave-last'"):
        make_split("leave_last", data)


def test_a_kind_that_needs_data_says_so() -> None:
    with pytest.raises(ConfigError, match="needs a data set"):
        make_split("random", None)
