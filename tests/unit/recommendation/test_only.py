"""Asking about certain films alone."""

from __future__ import annotations

from collections.abc import Callable

from matinee.artefact import Artefact
from matinee.recommendation import Ask, Recommendations, recommend_batch


def asked(run: Artefact, **wishes: object) -> Recommendations:
    (answer,) = recommend_batch(run, [Ask(**wishes)])  # type: ignore[arg-type]
    assert isinstance(answer, Recommendations)
    return answer


def test_only_these_films_are_listed_with_their_reasons(make_run: Callable[..., Artefact]) -> None:
    run = make_run()
    whole = asked(run, likes=["Gamma", "Delta"], k=12, because=True)
    third = whole.items[2]
    alone = asked(run, likes=["Gamma", "Delta"], only=[third.id, "unknown"], k=5, because=True)
    assert alone.items == (third,)


def test_what_must_not_be_listed_still_is_not(make_run: Callable[..., Artefact]) -> None:
    run = make_run()
    gamma = run.catalogue.ids[2]
    assert asked(run, likes=["Gamma"], only=[gamma]).items == ()
    assert asked(run, likes=["Gamma"], only=[]).items == ()
    assert asked(run, likes=["Gamma"], only=["107"], genres=["Comedy"]).items == ()
