"""What stands behind the suggestions: the model, its figures, its data."""

from __future__ import annotations

from fastapi import APIRouter, Response

from matinee.artefact.card import licence
from matinee.service.pages.visit import Visiting

router = APIRouter()


@router.get("/about")
async def about(visit: Visiting) -> Response:
    """The model's card."""
    current = visit.site.service.current
    artefact = current.artefact
    told = (type(artefact.model).__doc__ or "").strip().split("\n", 1)[0]
    return visit.page(
        "about.html",
        facts=artefact.facts,
        model=artefact.name,
        told=told,
        version=current.version,
        settings=artefact.model.config.model_dump(mode="json"),
        licence=licence(artefact.facts.data.name),
    )
