"""`matinee recommend`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matinee.cli.command import Length, Run, UsageError, command
from matinee.cli.console import Console, escape, table

if TYPE_CHECKING:
    from matinee.recommendation import Recommendations, Recommended


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "recommend")(recommend)


def recommend(
    console: Console,
    run: Run,
    *,
    user: Annotated[str | None, typer.Option(metavar="ID", help="A person of the data.")] = None,
    likes: Annotated[
        list[str] | None,
        typer.Option(metavar="TITLE...", help="Films you like, one or more, in quotes."),
    ] = None,
    ratings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Your stars: an export of Letterboxd, IMDb, Criticker or MovieLens; CSV with "
            "title,rating; or JSON.",
        ),
    ] = None,
    k: Length = 10,
    genre: Annotated[
        list[str] | None, typer.Option(metavar="G", help="Only this genre; may be repeated.")
    ] = None,
    year: Annotated[
        str | None, typer.Option(metavar="A..B", help="Only these years; an end may be open.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="T", help="Only this tag; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="TITLE", help="Not this film; may be repeated.")
    ] = None,
    diversity: Annotated[
        float, typer.Option(min=0, max=1, help="0 the best films, towards 1 more varied ones.")
    ] = 0.0,
    because: Annotated[
        bool, typer.Option("--because", help="Say which liked films speak for each.")
    ] = False,
) -> None:
    """List films for a person, or for anyone who names a few."""
    from matinee.artefact import Artefact
    from matinee.cli.exports import read_matched, warn_of_left_out
    from matinee.cli.wishes import years
    from matinee.recommendation import recommend as library

    if user is None and not likes and ratings is None:
        raise UsageError("say who is asking: --user ID, --likes TITLE... or --ratings FILE")
    artefact = Artefact.load(run)
    matched = None
    if ratings is not None:
        matched = read_matched(ratings, "auto", artefact.titles, artefact.scale)
    found = library(
        artefact,
        user=user,
        likes=likes,
        ratings=matched.stars if matched else None,
        k=k,
        genres=genre or (),
        years=years(year) if year else None,
        tags=tag or (),
        exclude=exclude or (),
        diversity=diversity,
        because=because,
    )
    told = {"ratings": matched.as_dict()} if matched else {}
    console.answer({**found.as_dict(), **told}, listing(found))
    if matched:
        warn_of_left_out(console, matched)
    if found.fallback:
        console.note("Too little is known of who is asking: these are the most popular films.")
    if len(found.items) < k:
        console.note(f"Only {len(found.items)} films are left with these wishes.")
    _hint(console, run, found)


def listing(found: Recommendations) -> object:
    """A list of films as a table, with the columns it has something for."""
    if not found.items:
        return "There is no film left to list."
    first = found.items[0]
    columns = ["#", "film", "genres", "score"]
    columns += ["stars"] if first.stars is not None else []
    columns += ["because you liked"] if first.because is not None else []
    return table(columns, [_row(place, film) for place, film in enumerate(found.items, 1)])


def _row(place: int, film: Recommended) -> list[object]:
    year = f" ({film.year})" if film.year is not None else ""
    row: list[object] = [
        place,
        escape(film.title + year),
        escape(", ".join(film.genres)),
        f"{film.score:.3f}",
    ]
    if film.stars is not None:
        row.append(f"{film.stars:.1f}")
    if film.because is not None:
        row.append(escape(", ".join(reason.title for reason in film.because)))
    return row


def _hint(console: Console, run: str, found: Recommendations) -> None:
    if found.items:
        title = found.items[0].title.replace('"', '\\"')
        console.next(f'matinee similar {run} "{title}"')
