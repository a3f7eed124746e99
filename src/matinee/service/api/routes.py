"""All routes together."""

from __future__ import annotations

from fastapi import FastAPI

from matinee.service.api import health, items, marks, models, people, ratings, recommendations

ROUTERS = (
    recommendations.lists,  # first, since routes are tried in turn
    items.router,
    recommendations.router,
    ratings.router,
    marks.router,
    people.router,
    models.router,
    health.router,
)


def add_routes(app: FastAPI) -> None:
    """Give an application every route of the API.

    The routes themselves, side by side: to include a router in a router is to try the routes
    of each twice for every request.
    """
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
