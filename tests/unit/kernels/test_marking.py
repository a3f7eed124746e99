"""Marking ready lists: the compiled loop and its twin say the same, or refuse the same."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from matinee import kernels
from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.vocabulary import Numbers
from matinee.errors import DataError
from matinee.evaluation.lists import Rankings, mark_given

pytest.importorskip("numba")
FILMS = 40


def both(
    monkeypatch: pytest.MonkeyPatch, lists: np.ndarray, held_out: Interactions, k: int
) -> list[Rankings | str]:
    found: list[Rankings | str] = []
    for compiled in (True, False):
        monkeypatch.setattr(kernels, "available", lambda yes=compiled: yes)
        try:
            found.append(mark_given(held_out.active_users, lists, held_out, k))
        except DataError as error:
            found.append(str(error))
    return found


@pytest.fixture
def held_out() -> Interactions:
    """Thirty people in any order, some without ratings, some films held out twice."""
    rng = np.random.default_rng(0)
    people, films = rng.integers(2, 30, 300), rng.integers(0, FILMS, 300)
    ids = Numbers(33, sort="person")
    return Interactions.build(people, films, user_ids=ids, catalogue=Catalogue.numbered(FILMS))


@pytest.mark.parametrize("k", [1, 7, 20])
def test_the_loop_and_its_twin_mark_alike(
    k: int, held_out: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(k)
    lists = np.argsort(rng.random((len(held_out.active_users), FILMS)), axis=1)[:, :12]
    lists[rng.random(lists.shape) < 0.2] = -1
    ours, twin = both(monkeypatch, lists, held_out, k)
    assert isinstance(ours, Rankings)
    assert isinstance(twin, Rankings)
    assert_array_equal(ours.hits, twin.hits)
    assert_array_equal(ours.relevant, twin.relevant)
    wanted = [set(held_out.items[held_out.users == u].tolist()) for u in held_out.active_users]
    assert ours.relevant.tolist() == list(map(len, wanted))
    hits = [[i in want for i in row[:k]] for row, want in zip(lists, wanted, strict=True)]
    assert_array_equal(ours.hits, np.array(hits))


@pytest.mark.parametrize("bad", [FILMS, 2**40, -2, 3])
def test_what_is_wrong_beyond_the_cut_off_is_refused_too(
    bad: int, held_out: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = np.tile(np.arange(12), (len(held_out.active_users), 1))
    lists[5, 11] = bad
    ours, twin = both(monkeypatch, lists, held_out, 2)
    assert ours == twin
    assert ("row 5" if bad == 3 else "outside -1..39") in str(ours)
