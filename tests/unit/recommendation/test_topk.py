"""Top-k lists: exact, stable, and the same whether asked one by one or together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.artefact import Artefact
from matinee.recommendation import recommend, recommend_many
from matinee.recommendation.topk import top

SCORES = st.sampled_from([-torch.inf, -2.5, -1e-30, -0.0, 0.0, 1e-30, 0.1, 1.0, 3e8])


@settings(deadline=None)
@given(
    rows=st.lists(st.lists(SCORES, min_size=7, max_size=7), min_size=1, max_size=4),
    k=st.integers(1, 9),
    favour=st.permutations(range(7)),
)
def test_is_the_sorted_list(rows: list[list[float]], k: int, favour: list[int]) -> None:
    """Oracle: Python's sort by (score down, place in favour)."""
    items, values = top(torch.tensor(rows), k, np.argsort(favour))
    assert items.shape == values.shape == (len(rows), k)
    for row, listed, scores in zip(rows, items.tolist(), values.tolist(), strict=True):
        order = sorted(range(7), key=lambda i: (-np.float32(row[i]), favour.index(i)))
        expected = [i for i in order if row[i] > -np.inf][:k]
        assert listed == expected + [-1] * (k - len(expected))
        assert scores[: len(expected)] == [np.float32(row[i]) for i in expected]
        assert all(score == -np.inf for score in scores[len(expected) :])


def test_ties_go_by_integer_without_favour() -> None:
    items, _ = top(torch.zeros(1, 4), 3)
    assert items.tolist() == [[0, 1, 2]]


class TestMany:
    def test_equals_asking_one_by_one(self, make_run: Callable[..., Artefact]) -> None:
        run = make_run()
        queries = run.history.queries()
        items, values = recommend_many(run.model, queries, 5, rank=run.rank, batch=3)
        for user in range(19):
            single = recommend(run, user=f"p{user}", k=5)
            listed = [run.catalogue.ids[i] for i in items[user].tolist() if i >= 0]
            assert listed == [film.id for film in single.items]
            scores = [film.score for film in single.items]
            assert values[user].tolist()[: len(scores)] == pytest.approx(scores)

    @pytest.mark.parametrize("batch", [1, 7, None])
    def test_does_not_depend_on_the_batch(
        self, make_run: Callable[..., Artefact], batch: int | None
    ) -> None:
        run = make_run("itemknn", {})
        queries = run.history.queries()
        items, _ = recommend_many(run.model, queries, 5, batch=batch)
        again, _ = recommend_many(run.model, queries, 5, batch=20)
        assert torch.equal(items, again)

    def test_excludes_for_all_or_for_each(self, make_run: Callable[..., Artefact]) -> None:
        run = make_run()
        queries = run.history.queries(np.array([1, 2]))
        mask = torch.zeros(12, dtype=torch.bool)
        mask[[0, 11]] = True
        items, _ = recommend_many(run.model, queries, 12, exclude=mask)
        assert not {0, 11} & set(items.flatten().tolist())
        each = torch.stack([mask, ~mask])
        items, _ = recommend_many(run.model, queries, 12, exclude=each)
        assert not {0, 11} & set(items[0].tolist())
        assert set(items[1].tolist()) <= {0, 11, -1}

    def test_nobody_asking_gets_no_lists(self, make_run: Callable[..., Artefact]) -> None:
        run = make_run()
        items, values = recommend_many(run.model, run.history.queries(np.array([], int)), 4)
        assert items.shape == values.shape == (0, 4)

    def test_leaves_the_model_as_it_was(self, make_run: Callable[..., Artefact]) -> None:
        run = make_run("popularity", {})
        before = run.model.state_dict()["weights"].clone()
        run.model.train()
        recommend_many(run.model, run.history.queries(), 3)
        assert run.model.training
        assert torch.equal(run.model.state_dict()["weights"], before)
