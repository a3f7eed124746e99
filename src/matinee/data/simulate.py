"""Simulated people and films, of any size: for tests, for load, and for the sample.

A film is a point in a space of traits, near those of its genres; a person is a mixture of a
few genres whose weights drift in the course of their ratings. People watch what is popular
and to their taste, and rate by taste, by how good the film is, and by how strict they are.
So there is structure to be learned, and popularity alone does not find it.

Figures had on simulated data say something of speed and memory, never of how well a model
does on real people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.data.vocabulary import BoolArray, LongArray, Vocabulary
from matinee.errors import ConfigError, DataError

Floats = NDArray[np.floating]

NOTE = "Simulated people and films: figures had on them say nothing of real people."

GENRES = {
    "Action": 0.17,
    "Adventure": 0.11,
    "Animation": 0.05,
    "Children": 0.06,
    "Comedy": 0.33,
    "Crime": 0.10,
    "Documentary": 0.05,
    "Drama": 0.45,
    "Fantasy": 0.06,
    "Film-Noir": 0.02,
    "Horror": 0.10,
    "Musical": 0.04,
    "Mystery": 0.06,
    "Romance": 0.16,
    "Sci-Fi": 0.08,
    "Thriller": 0.17,
    "War": 0.04,
    "Western": 0.03,
}
"""The genres of MovieLens and about how many of its films have them."""

CHUNK = 512
"""People drawn at a time; the draw depends on it, so it is no setting."""

TRAITS = 8
AFFINITY = 6.0  # how much taste tells in what is watched
LIKING = 0.65  # stars for a match one standard deviation above what one watches
DRIFT = 0.5  # share of a person's taste that changes in the course of their ratings
MEAN = 3.55
START, END = 1_420_070_400, 1_735_689_600  # 2015 to 2024, after the last film's release
FIRST_YEAR, LAST_YEAR = 1920, 2014
FEWEST = 20  # MovieLens has nobody with fewer ratings


@dataclass(frozen=True)
class World:
    """The films as people see them, and the tastes there are.

    Attributes:
        traits: `[n_films, d]` what the films are like, about unit length.
        popularity: `[n_films]` log of how much more often a film is seen than others.
        quality: `[n_films]` stars by which a film is better than others.
        tastes: `[n_tastes, d]` the tastes that people are mixtures of.
        start: Unix seconds of the earliest rating.
        end: Unix seconds after the latest.
    """

    traits: Floats
    popularity: Floats
    quality: Floats
    tastes: Floats
    start: int = START
    end: int = END


@dataclass(frozen=True)
class Ratings:
    """Ratings of some people, sorted by (user, time); each array `[n]`."""

    users: LongArray
    items: LongArray
    ratings: Floats
    times: LongArray


def simulate(users: int, items: int, ratings: int, seed: int = 0) -> Interactions:
    """Simulated people rating simulated films, in memory.

    Args:
        users: Number of people.
        items: Number of films.
        ratings: Exact number of ratings, no pair of person and film twice.
        seed: The same seed gives the same data.

    Raises:
        ConfigError: If that many ratings cannot be had.
    """
    catalogue, world = _films(items, seed)
    return gather(world, catalogue, users=users, ratings=ratings, seed=seed)


def simulate_to(folder: str | Path, users: int, items: int, ratings: int, seed: int = 0) -> Path:
    """Write what `simulate` gives to a folder in the format of MovieLens, in bounded memory.

    Writes `movies.csv` (`movieId,title,genres`) and `ratings.csv`
    (`userId,movieId,rating,timestamp`). Memory grows with the number of films, not of
    people or ratings.

    Args:
        folder: Made if need be.
        users: Number of people.
        items: Number of films.
        ratings: Exact number of ratings.
        seed: The same seed gives the same data.

    Returns:
        The folder.

    Raises:
        ConfigError: If that many ratings cannot be had.
        DataError: If the folder cannot be written.
    """
    catalogue, world = _films(items, seed)
    chunks = draw(world, users=users, ratings=ratings, seed=seed)
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _grouplens(catalogue).write_csv(folder / "movies.csv")
        with (folder / "ratings.csv").open("wb") as file:
            file.write(b"userId,movieId,rating,timestamp\n")
            for chunk in chunks:
                _rows(chunk).write_csv(file, include_header=False)
    except OSError as error:
        raise DataError(f"cannot be written: {error}", where=str(folder)) from None
    return folder


def gather(
    world: World, catalogue: Catalogue, *, users: int, ratings: int, seed: int
) -> Interactions:
    """All of `draw` in one, over a catalogue whose films are those of the world."""
    chunks = list(draw(world, users=users, ratings=ratings, seed=seed))
    return Interactions.build(
        np.concatenate([chunk.users for chunk in chunks]),
        np.concatenate([chunk.items for chunk in chunks]),
        np.concatenate([chunk.ratings for chunk in chunks]),
        np.concatenate([chunk.times for chunk in chunks]),
        user_ids=Vocabulary(map(str, range(1, users + 1)), sort="person"),
        catalogue=catalogue,
    )


def draw(world: World, *, users: int, ratings: int, seed: int) -> Iterator[Ratings]:
    """People and their ratings, `CHUNK` people at a time.

    Args:
        world: The films and tastes.
        users: Number of people.
        ratings: Exact number of ratings of all together.
        seed: Of everything drawn.

    Raises:
        ConfigError: If everyone cannot have a rating, or a pair would have to occur twice.
    """
    films = len(world.popularity)
    if not 0 < users <= ratings <= users * films:
        raise ConfigError(
            f"{ratings} ratings cannot be had of {users} people and {films} films",
            expected="one or more for each person, and no pair twice",
        )
    counts = _activity(users, films, ratings, np.random.default_rng([seed, 1]))
    return (
        _people(
            world, counts[first : first + CHUNK], first, np.random.default_rng([seed, 2, first])
        )
        for first in range(0, users, CHUNK)
    )


def _activity(users: int, films: int, ratings: int, rng: Generator) -> LongArray:
    """How many films each person rates: a long tail above a floor, summing to `ratings`."""
    mean = -(-ratings // users)
    floor = min(FEWEST, max(ratings // users // 2, 1))
    ceiling = min(films, max(films // 2, 2 * mean))
    weights = np.exp(1.2 * rng.standard_normal(users))
    counts = np.full(users, floor)
    while (left := ratings - int(counts.sum())) > 0:
        open_weights = np.where(counts < ceiling, weights, 0)
        share = left * open_weights / open_weights.sum()
        extra = np.minimum(np.floor(share).astype(np.int64), ceiling - counts)
        if not extra.any():  # fewer left than people: one each to those with the best claim
            extra[np.argsort(-share, kind="stable")[:left]] = 1
        counts += extra
    return counts


def _people(world: World, counts: LongArray, first: int, rng: Generator) -> Ratings:
    """The ratings of consecutive people, of whom person `first` is the first."""
    early, late = _mixtures(world, len(counts), rng), _mixtures(world, len(counts), rng)
    late = (1 - DRIFT) * early + DRIFT * late
    rows, items = _watched(world, (early + late) / 2, counts, rng)
    # What suits a person's later taste better than the earlier comes late.
    lateness = _match(world, items, (late - early)[rows]) + rng.gumbel(size=len(rows)) / 4
    items = items[np.lexsort((lateness, rows))]
    moments = _moments(rows, rng)
    tastes = early[rows] + moments[:, None] * (late - early)[rows]
    ratings = _stars(world, items, _match(world, items, tastes), rows, rng)
    return Ratings(rows + first, items, ratings, _times(world, moments, rows, rng))


def _mixtures(world: World, people: int, rng: Generator) -> Floats:
    """Tastes `[people, d]`: a few of those of the world each, and something of one's own."""
    weights = rng.gamma(0.2, size=(people, len(world.tastes))) + 1e-9
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    own = 0.1 * rng.standard_normal((people, world.tastes.shape[1]))
    return (weights @ world.tastes + own).astype(np.float32)


def _match(world: World, items: LongArray, tastes: Floats) -> Floats:
    """How well each film `[n]` suits the taste beside it `[n, d]`, from about -1 to 1."""
    return np.einsum("nd,nd->n", world.traits[items], tastes)


def _watched(
    world: World, tastes: Floats, counts: LongArray, rng: Generator
) -> tuple[LongArray, LongArray]:
    """Person and film of everything watched, person by person: `[sum(counts)]` each.

    Person `u` watches `counts[u]` different films, drawn one after another with odds
    `exp(popularity + AFFINITY * match)`. The first to arrive in a race of exponential clocks
    with those rates are just that (Efraimidis and Spirakis 2006, 'Weighted random sampling
    with a reservoir').
    """
    rows: list[LongArray] = []
    items: list[LongArray] = []
    # People of like counts together, so that each block sorts no more than it needs.
    for block in np.array_split(np.argsort(counts, kind="stable"), min(8, len(counts))):
        most = int(counts[block].max())
        clocks = rng.standard_exponential((len(block), len(world.popularity)), np.float32)
        clocks *= np.exp(-world.popularity - AFFINITY * (tastes[block] @ world.traits.T))
        first = np.argpartition(clocks, most - 1, axis=1)[:, :most]
        order = np.argsort(np.take_along_axis(clocks, first, axis=1), axis=1, kind="stable")
        arrived = np.take_along_axis(first, order, axis=1)
        items.append(arrived[np.arange(most) < counts[block, None]])
        rows.append(np.repeat(block, counts[block]))
    row, item = np.concatenate(rows), np.concatenate(items)
    order = np.argsort(row, kind="stable")
    return row[order], item[order]


def _moments(rows: LongArray, rng: Generator) -> Floats:
    """When in a person's time each rating falls, 0 to 1, ascending within each person."""
    moments = rng.random(len(rows))
    return moments[np.lexsort((moments, rows))].astype(np.float32)


def _times(world: World, moments: Floats, rows: LongArray, rng: Generator) -> LongArray:
    """Unix seconds: some people stay for an hour, some for years."""
    people = int(rows[-1]) + 1
    longest = np.log(world.end - world.start)
    stay = np.exp(rng.uniform(np.log(3600), longest, people))
    arrival = world.start + (world.end - world.start - stay) * rng.random(people)
    return (arrival[rows] + stay[rows] * moments).astype(np.int64)


def _stars(
    world: World, items: LongArray, match: Floats, rows: LongArray, rng: Generator
) -> Floats:
    """Ratings from 0.5 to 5: few people use the halves, as in MovieLens."""
    people = int(rows[-1]) + 1
    mildness = MEAN + 0.4 * rng.standard_normal(people)
    noise = 0.7 * rng.standard_normal(len(rows))
    # Centred on what is watched, which is better and more to people's taste than the rest.
    quality = world.quality[items]
    liking = LIKING * (match - match.mean()) / (match.std() + 1e-9)
    opinion = mildness[rows] + quality - quality.mean() + liking + noise
    halves = (rng.random(people) < 0.35)[rows]
    stars = np.where(halves, np.round(2 * opinion) / 2, np.round(opinion))
    return np.clip(stars, np.where(halves, 0.5, 1), 5).astype(np.float32)


def _films(films: int, seed: int) -> tuple[Catalogue, World]:
    """Films with genres and years, and what people see in them."""
    if films < 1:
        raise ConfigError(f"{films} films cannot be simulated", expected="one or more")
    rng = np.random.default_rng([seed, 0])
    genres = rng.random((films, len(GENRES))) < np.array(list(GENRES.values()))
    genres[np.arange(films), rng.integers(0, len(GENRES), films)] |= ~genres.any(axis=1)
    years = LAST_YEAR - np.minimum(rng.exponential(18, films), LAST_YEAR - FIRST_YEAR)
    tastes = rng.standard_normal((len(GENRES), TRAITS))
    popularity = 1.6 * rng.standard_normal(films)
    quality = 0.4 * (0.4 * popularity / 1.6 + 0.9 * rng.standard_normal(films))
    frame = pl.DataFrame(
        {
            "id": [str(film) for film in range(1, films + 1)],
            "title": [f"Simulated Film {film}" for film in range(1, films + 1)],
            "year": years.astype(np.int32),
            "genres": [[g for g, has in zip(GENRES, row, strict=True) if has] for row in genres],
        }
    )
    world = world_of(genres, tastes, popularity, quality, rng)
    return Catalogue.from_frame(frame), world


def world_of(
    genres: BoolArray | Floats,
    tastes: Floats,
    popularity: Floats,
    quality: Floats,
    rng: Generator,
    *,
    own: float = 0.5,
    start: int = START,
    end: int = END,
) -> World:
    """A world in which a film's traits are those of its genres and some of its own.

    Args:
        genres: `[n_films, n_genres]` which film has which, or how much of it.
        tastes: `[n_genres, d]` the taste for each genre, of any length.
        popularity: `[n_films]`, see `World`.
        quality: `[n_films]`, see `World`.
        rng: Draws what is a film's own.
        own: How much that is beside the genres.
        start: Unix seconds of the earliest rating.
        end: Unix seconds after the latest.
    """
    directions = tastes / np.linalg.norm(tastes, axis=1, keepdims=True)
    shared = genres @ directions
    shared /= np.linalg.norm(shared, axis=1, keepdims=True)
    noise = rng.standard_normal(shared.shape) / np.sqrt(shared.shape[1])
    traits = shared + own * noise
    traits /= np.linalg.norm(traits, axis=1, keepdims=True)
    columns = (a.astype(np.float32) for a in (traits, popularity, quality, directions))
    return World(*columns, start=start, end=end)


def _grouplens(catalogue: Catalogue) -> pl.DataFrame:
    return catalogue.frame.select(
        movieId="id",
        title=pl.format("{} ({})", "title", "year"),
        genres=pl.col("genres").list.join("|"),
    )


def _rows(chunk: Ratings) -> pl.DataFrame:
    """In the order of the GroupLens files: by person, then by film."""
    frame = pl.DataFrame(
        {
            "userId": chunk.users + 1,
            "movieId": chunk.items + 1,
            "rating": chunk.ratings,
            "timestamp": chunk.times,
        }
    )
    return frame.sort("userId", "movieId")
