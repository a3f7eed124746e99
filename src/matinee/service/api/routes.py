"""All routes together."""

from __future__ import annotations

from fastapi import APIRouter

from matinee.service.api import health, items, marks, models, people, ratings, recommendations


def router() -> APIRouter:
    """Every route of the API."""
    every = APIRouter()
    for part in (items, recommendations, ratings, marks, people, models, health):
        every.include_router(part.router)
    return every
