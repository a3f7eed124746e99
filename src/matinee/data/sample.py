"""The bundled sample: real films, simulated people.

The films, their years and genres are facts (`sample_films.csv`); nobody in it has rated
anything. Its people are drawn by `matinee.data.simulate` over what the films are like:
their genres, rare ones telling more than common ones, and the time they are from. So a list
for someone who likes 'Toy Story' and 'Up' has animation in it, and the sample shows how
everything works, but no figure had on it says anything of real people.
"""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import polars as pl

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.simulate import Floats, World, gather, world_of

NOTE = (
    "Simulated people, real films: the sample shows how Matinee works; figures had on it say"
    " nothing of real people."
)

START, END = 1_735_689_600, 1_759_276_800  # January to September 2025, after the last film

AXES = ("action", "wonder", "family", "laughs", "love", "gravity", "crime", "fear", "past")
"""What people look for in a film."""

GENRES: dict[str, dict[str, float]] = {
    "Action": {"action": 1},
    "Adventure": {"action": 0.6, "wonder": 0.6},
    "Animation": {"family": 1},
    "Children": {"family": 1},
    "Comedy": {"laughs": 1},
    "Crime": {"crime": 1},
    "Documentary": {"gravity": 0.8, "past": -0.6},
    "Drama": {"gravity": 1},
    "Fantasy": {"wonder": 0.9, "family": 0.3},
    "Film-Noir": {"crime": 0.8, "past": 0.6},
    "Horror": {"fear": 1},
    "Musical": {"family": 0.3, "love": 0.7, "past": 0.3},
    "Mystery": {"crime": 0.7, "fear": 0.4},
    "Romance": {"love": 1},
    "Sci-Fi": {"wonder": 0.9, "action": 0.3},
    "Thriller": {"crime": 0.7, "fear": 0.4, "action": 0.2},
    "War": {"gravity": 0.6, "action": 0.5, "past": 0.3},
    "Western": {"action": 0.5, "past": 0.8},
}
"""What there is of it in each genre: made up, as the people are."""

WIDELY_SEEN = frozenset({
    "12 Angry Men", "2001: A Space Odyssey", "Aladdin", "Alien", "Aliens", "Amélie",
    "American Beauty", "Apocalypse Now", "Avatar", "Back to the Future", "Blade Runner",
    "Braveheart", "Casablanca", "Casino", "Citizen Kane", "City of God", "Die Hard",
    "E.T. the Extra-Terrestrial", "Eternal Sunshine of the Spotless Mind", "Fargo",
    "Fight Club", "Finding Nemo", "Forrest Gump", "Gladiator", "Goodfellas", "Groundhog Day",
    "Heat", "Inception", "Inglourious Basterds", "Interstellar", "Jaws", "Jurassic Park",
    "Memento", "Monsters, Inc.", "Monty Python and the Holy Grail", "Parasite", "Psycho",
    "Pulp Fiction", "Raiders of the Lost Ark", "Reservoir Dogs", "Saving Private Ryan",
    "Schindler's List", "Se7en", "Seven Samurai", "Shrek", "Spirited Away",
    "Star Wars: Episode IV - A New Hope", "Star Wars: Episode V - The Empire Strikes Back",
    "Terminator 2: Judgment Day", "The Dark Knight", "The Departed", "The Godfather",
    "The Godfather Part II", "The Incredibles", "The Lion King", "The Matrix",
    "The Lord of the Rings: The Fellowship of the Ring", "The Princess Bride",
    "The Lord of the Rings: The Return of the King", "The Sixth Sense", "The Shining",
    "The Shawshank Redemption", "The Silence of the Lambs", "The Usual Suspects",
    "The Wizard of Oz", "Titanic", "Toy Story", "Up", "WALL·E",
})  # fmt: skip
"""Films that everyone sees, so that the sample's people see them too."""


def sample(seed: int = 0, users: int = 1500, ratings: int = 60_000) -> Interactions:
    """Simulated people who have rated real films, made on the spot in about a second.

    Args:
        seed: The same seed gives the same ratings.
        users: Number of people.
        ratings: Exact number of ratings, on a scale of 0.5 to 5 stars.

    Raises:
        ConfigError: If that many ratings cannot be had.
    """
    catalogue = films()
    return gather(_world(catalogue, seed), catalogue, users=users, ratings=ratings, seed=seed)


def films() -> Catalogue:
    """The films of the sample; their ids are their line numbers, from 1."""
    text = (files("matinee.data") / "sample_films.csv").read_bytes()
    frame = pl.read_csv(text, schema={"title": pl.String, "year": pl.Int32, "genres": pl.String})
    return Catalogue.from_frame(
        frame.with_columns(
            pl.int_range(1, pl.len() + 1).cast(pl.String()).alias("id"),
            pl.col("genres").str.split("|"),
        )
    )


def _world(catalogue: Catalogue, seed: int) -> World:
    rng = np.random.default_rng([seed, 0])
    seen = np.array([title in WIDELY_SEEN for title in catalogue.titles])
    popularity = 0.8 * rng.standard_normal(len(catalogue)) + 1.5 * seen
    quality = 0.3 * rng.standard_normal(len(catalogue)) + 0.3 * seen
    tastes = np.array([[of.get(axis, 0.0) for axis in AXES] for of in _kinds(catalogue)])
    kinds = np.hstack([_genres(catalogue), _age(catalogue)])
    return world_of(kinds, tastes, popularity, quality, rng, own=0.3, start=START, end=END)


def _kinds(catalogue: Catalogue) -> list[dict[str, float]]:
    """What people find in each genre of the catalogue, and in a film's being old."""
    return [*(GENRES[genre] for genre in catalogue.genres), {"past": 1}]


def _genres(catalogue: Catalogue) -> Floats:
    """How much of each genre a film is: the rarer a genre is, the more it tells."""
    has = catalogue.genre_matrix
    return has / np.sqrt(has.mean(axis=0))


def _age(catalogue: Catalogue) -> Floats:
    """How old each film is, from 0 for one of 1985 or later to 2 for the oldest: `[n, 1]`."""
    years = catalogue.frame["year"].to_numpy()
    return np.clip((1985 - years) / 20, 0, 2)[:, None]
