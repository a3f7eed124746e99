"""The MovieLens editions: where they are had, and how their files are to be read.

Editions and formats: F. M. Harper and J. A. Konstan, The MovieLens Datasets: History and
Context, ACM TiiS 5(4), 2015; the README of each edition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import polars as pl

from matinee.data.sidetables import item_frame, person_frame
from matinee.data.tables import read_all

_ADDRESS = "https://files.grouplens.org/datasets/movielens/{name}.zip"
_RESEARCH = "GroupLens: research use; not to be redistributed or used commercially unasked"
_SHARED = "GroupLens: research use; may be redistributed under the same terms, not commercially"


@dataclass(frozen=True, slots=True)
class Edition:
    """One published MovieLens data set.

    Attributes:
        name: Its name here.
        checksum: `algorithm:hex` of the published zip file.
        licence: Its terms of use on one line; the README within has them in full.
        url: Where it is published.
    """

    name: str
    checksum: str
    licence: str
    url: str


_PUBLISHED = (
    (
        "ml-100k",
        _RESEARCH,
        "sha256:50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
    ),
    ("ml-1m", _RESEARCH, "sha256:a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20"),
    ("ml-10m", _RESEARCH, "md5:ce571fd55effeba0271552578f2648bd"),
    ("ml-20m", _SHARED, "sha256:96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3"),
    ("ml-25m", _SHARED, "sha256:8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa"),
    ("ml-32m", _SHARED, "md5:d472be332d4daa821edc399621853b57"),
    (
        "ml-latest-small",
        _SHARED,
        "sha256:696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
    ),
)

EDITIONS: Mapping[str, Edition] = MappingProxyType(
    {
        name: Edition(name, checksum, licence, _ADDRESS.format(name=name))
        for name, licence, checksum in _PUBLISHED
    }
)
"""Every edition by name. The md5 sums are those GroupLens publishes beside the files; the
sha256 sums are those the TensorFlow Datasets catalogue pins for the same files. The
`latest-small` edition is that of September 2018, which has stood at its address since."""

RATING_FILES = ("ratings.csv", "rating.csv", "ratings.dat", "u.data", "ratings.parquet",
                "ratings.tsv", "ratings.jsonl")  # fmt: skip
ITEM_FILES = ("movies.csv", "movie.csv", "movies.dat", "u.item", "items.parquet", "items.csv",
              "movies.parquet", "items.jsonl")  # fmt: skip
PEOPLE_FILES = ("users.dat", "u.user", "people.parquet", "users.csv", "people.csv",
                "users.parquet", "people.jsonl")  # fmt: skip
TAG_FILES = ("tags.csv", "tag.csv", "tags.dat")
LINK_FILES = ("links.csv", "link.csv")

_FLAGS = ("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime",
          "Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery",
          "Romance", "Sci-Fi", "Thriller", "War", "Western")  # fmt: skip
"""The 19 columns of `u.item` that hold 1 where a film has the genre."""

_NO_HEADER: dict[str, tuple[str, ...]] = {
    "u.item": ("id", "title", "release_date", "video_release_date", "imdb_url", *_FLAGS),
    "u.user": ("id", "age", "gender", "occupation", "zip_code"),
    "movies.dat": ("id", "title", "genres"),
    "users.dat": ("id", "gender", "age", "occupation", "zip_code"),
    "tags.dat": ("user", "movieId", "tag", "time"),
}

AGE_BANDS = {"1": "Under 18", "18": "18-24", "25": "25-34", "35": "35-44", "45": "45-49",
             "50": "50-55", "56": "56+"}  # fmt: skip
"""The age codes of `users.dat`, from the README of ML-1M."""

OCCUPATIONS = ("other", "academic/educator", "artist", "clerical/admin", "college/grad student",
               "customer service", "doctor/health care", "executive/managerial", "farmer",
               "homemaker", "K-12 student", "lawyer", "programmer", "retired", "sales/marketing",
               "scientist", "self-employed", "technician/engineer", "tradesman/craftsman",
               "unemployed", "writer")  # fmt: skip
"""The occupation codes of `users.dat`, from the README of ML-1M."""


def read_items(path: Path) -> pl.DataFrame:
    """A film table in any MovieLens format or anyone's; see `sidetables.read_items`."""
    table = read_all(path, _NO_HEADER.get(path.name, ()))
    if path.name == "u.item":
        table = _genres_from_flags(table).drop("video_release_date", "imdb_url", "release_date")
    return item_frame(table, str(path))


def _genres_from_flags(table: pl.DataFrame) -> pl.DataFrame:
    named = [pl.when(pl.col(f) == "1").then(pl.lit(f)) for f in _FLAGS]
    genres = pl.concat_list(named).list.drop_nulls()
    return table.with_columns(genres.alias("genres")).drop(_FLAGS)


def read_people(path: Path) -> pl.DataFrame:
    """A table of people in any MovieLens format or anyone's; codes are put into words."""
    table = read_all(path, _NO_HEADER.get(path.name, ()))
    if path.name == "users.dat":
        jobs = {str(code): job for code, job in enumerate(OCCUPATIONS)}
        table = table.with_columns(
            pl.col("age").replace(AGE_BANDS), pl.col("occupation").replace(jobs)
        )
    return person_frame(table, str(path))


def read_tags(path: Path) -> pl.DataFrame:
    """Tags by film: `id` and the list `tags`, lower case, the most often given first."""
    table = read_all(path, _NO_HEADER.get(path.name, ()))
    tags = table.select(
        pl.col("movieId").alias("id"), pl.col("tag").str.strip_chars().str.to_lowercase()
    ).filter(pl.col("tag") != "")
    counted = (
        tags.group_by("id", "tag").len().sort(["id", "len", "tag"], descending=[False, True, False])
    )
    return counted.group_by("id", maintain_order=True).agg(pl.col("tag").alias("tags"))


def read_links(path: Path) -> pl.DataFrame:
    """The films' ids elsewhere: `id`, `imdb_id` (seven digits or more) and `tmdb_id`."""
    table = read_all(path)
    return table.select(
        pl.col("movieId").alias("id"),
        pl.col("imdbId").str.zfill(7).alias("imdb_id"),
        pl.col("tmdbId").alias("tmdb_id"),
    ).unique("id", keep="first", maintain_order=True)
