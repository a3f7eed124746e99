"""Recommendations: for a person, for someone unknown, for many."""

from __future__ import annotations

import math
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from matinee.artefact import Artefact
from matinee.models.base import RatingPredictor
from matinee.recommendation import Ask
from matinee.service.api import schemas
from matinee.service.api.auth import needs
from matinee.service.api.common import ItemId, PersonId, Serving, reply, told, within
from matinee.service.api.strict import BodyRoute, StrictRoute
from matinee.service.refusals import BadRequest, Conflict
from matinee.service.service import Answer, Service

SHARED: dict[str, Any] = {
    "prefix": "/v1",
    "tags": ["recommendations"],
    "dependencies": [needs("read")],
}
lists = APIRouter(route_class=BodyRoute, **SHARED)
router = APIRouter(route_class=StrictRoute, **SHARED)


@lists.post("/recommendations", response_model=schemas.FilmList)
async def recommend(wishes: schemas.RecommendationRequest, service: Serving) -> Response:
    """The films someone should see next, best first.

    What a person has rated, seen or put aside is never listed.
    """
    check_wishes(service, wishes)
    for field in ("likes", "ratings"):
        within(service, "max_names", f"body.{field}", getattr(wishes, field))
    artefact = service.artefact
    said = {named(artefact, given.item): given.rating for given in wishes.ratings}
    likes = [named(artefact, like) for like in wishes.likes]
    ask = asked(artefact, wishes, likes=likes, ratings=said)
    answer = await service.recommend(ask, person=wishes.user)
    return reply(answer.as_dict())


@lists.post("/recommendations/batch", response_model=schemas.Batch)
async def recommend_many(wishes: schemas.BatchRequest, service: Serving) -> Response:
    """Lists for many people with the same wishes, all by one model."""
    check_wishes(service, wishes)
    within(service, "max_people", "body.users", wishes.users)
    if len(set(wishes.users)) < len(wishes.users):
        raise BadRequest("a person is named twice", where="body.users", expected="each once")
    current = service.current
    ask = asked(current.artefact, wishes)
    answers = await service.recommend_many(ask, wishes.users, current)
    return reply(
        {
            "run": current.artefact.run,
            "model": current.artefact.name,
            "model_version": current.version,
            "results": [
                {"user": user, **(_short(a) if isinstance(a, Answer) else told(a))}
                for user, a in zip(wishes.users, answers, strict=True)
            ],
        }
    )


@router.get("/people/{person}/predictions/{item}", response_model=schemas.Prediction)
async def predict(person: PersonId, item: ItemId, service: Serving) -> Response:
    """How a person should rate a film."""
    film = service.film(item)
    current = service.current
    if not isinstance(current.artefact.model, RatingPredictor):
        raise Conflict(
            f"the model {current.artefact.name!r} does not predict ratings",
            remedy="Activate one that does, such as mf.",
        )
    stars = await service.predict(person, [item])
    fallback = not stars
    expected = float(current.artefact.item_means[film]) if fallback else stars[item]
    return reply(
        {
            "user": person,
            "item": item,
            "stars": None if math.isnan(expected) else expected,
            "fallback": fallback,
            "model_version": current.version,
        }
    )


def check_wishes(service: Service, wishes: schemas.Wishes) -> None:
    """Refuse wishes over the limits.

    Raises:
        BadRequest: Naming the field.
    """
    within(service, "max_k", "body.k", wishes.k)
    for field in ("genres", "tags", "exclude"):
        within(service, "max_names", f"body.{field}", getattr(wishes, field))


def asked(artefact: Artefact, wishes: schemas.Wishes, **said: Any) -> Ask:
    """The wishes of a request, in terms of the library."""
    years = (wishes.year_min, wishes.year_max)
    return Ask(
        k=wishes.k,
        genres=wishes.genres,
        tags=wishes.tags,
        years=None if years == (None, None) else years,
        exclude=[named(artefact, film) for film in wishes.exclude],
        diversity=wishes.diversity,
        because=wishes.because,
        **said,
    )


def named(artefact: Artefact, film: str) -> str:
    """A film's id or title, so that an id means the film of that id first of all."""
    return f"id:{film}" if film in artefact.catalogue.ids else film


def _short(answer: Answer) -> dict[str, Any]:
    document = answer.as_dict()
    return {key: document[key] for key in ("fallback", "reason", "items")}
