"""The best films by a scan: the same as by a table of all scores."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from matinee import kernels
from matinee.artefact import Artefact
from matinee.errors import EvaluationError
from matinee.recommendation import Ask, Recommendations, best, recommend_batch
from matinee.recommendation.types import Recommended

Make = Callable[..., Artefact]

pytest.importorskip("numba")


@pytest.fixture(autouse=True)
def _numba_is_loaded() -> None:
    kernels.load()


def listed(run: Artefact, ask: Ask) -> tuple[Recommended, ...]:
    (answer,) = recommend_batch(run, [ask])
    assert isinstance(answer, Recommendations)
    return answer.items


@pytest.mark.parametrize(
    "ask",
    [
        Ask(likes=("Alpha", "Beta"), k=4),
        Ask(user="p0", k=30),
        Ask(likes=("Beta", "Mu"), exclude=("Gamma",), hidden=("101",), k=12),
        Ask(likes=("Beta", "Mu"), diversity=0.5, k=3),
    ],
)
def test_a_scan_finds_what_a_table_does(
    make_run: Make, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    run = make_run("ials", {"dim": 4})
    monkeypatch.setattr(best, "_ranked", None)
    scanned = listed(run, ask)
    monkeypatch.undo()
    monkeypatch.setattr(best, "_scanned", lambda *_: None)
    ranked = listed(run, ask)
    assert [film.id for film in scanned] == [film.id for film in ranked]
    scores = [film.score for film in scanned]
    assert scores == pytest.approx([film.score for film in ranked], abs=1e-5)


def test_films_that_nothing_tells_apart_are_listed_by_popularity(make_run: Make) -> None:
    run = make_run("ials", {"dim": 4})
    run.model.factors.zero_()
    (answer,) = recommend_batch(run, [Ask(likes=("Alpha",), k=3)])
    assert isinstance(answer, Recommendations)
    assert answer.fallback


def test_scores_that_are_not_numbers_are_refused(make_run: Make) -> None:
    run = make_run("ials", {"dim": 4})
    run.model.factors[3] = torch.nan
    (answer,) = recommend_batch(run, [Ask(likes=("Alpha",), k=3)])
    assert isinstance(answer, EvaluationError)
