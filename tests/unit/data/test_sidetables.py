"""Film tables and tables of people."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from matinee.data.movielens import EDITIONS, read_items, read_people, read_tags
from matinee.data.sidetables import clean_genres, split_title
from matinee.errors import DataError


@pytest.mark.parametrize(
    ("listed", "title", "year"),
    [
        ("Toy Story (1995)", "Toy Story", 1995),
        ("Matrix, The (1999)", "The Matrix", 1999),
        ("Cité des enfants perdus, La (1995)", "La Cité des enfants perdus", 1995),
        ("Associate, The (L'Associe)(1982)", "The Associate (L'Associe)", 1982),
        ("Postman, The (Postino, Il) (1994)", "The Postman (Il Postino)", 1994),
        ("Star Maker, The (Uomo, L') (1995)", "The Star Maker (L'Uomo)", 1995),
        ("Fawlty Towers (1975-1979)", "Fawlty Towers", 1975),
        ("Diplomatic Immunity (2009– )", "Diplomatic Immunity", 2009),
        ("Babylon 5", "Babylon 5", None),
        ("Spoon, Apple (Cullera, poma)", "Spoon, Apple (Cullera, poma)", None),
        ("1984", "1984", None),
        ("(1995)", "(1995)", None),
        (" unknown", "unknown", None),
    ],
)  # fmt: skip
def test_titles(listed: str, title: str, year: int | None) -> None:
    assert split_title(listed) == (title, year)


def test_genres_have_one_spelling_and_no_placeholders() -> None:
    lists = [["Children's", "Comedy", "Children"], ["(no genres listed)"], ["unknown"], []]
    cleaned = clean_genres(pl.Series(lists, dtype=pl.List(pl.String)))
    assert cleaned.to_list() == [["Children", "Comedy"], [], [], []]


def test_anyones_film_table(tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    path.write_text(
        "film_id,name,released,genre,tags,studio\n"
        'a,"Alien, The",1979-05-25,"Horror, Sci-Fi",dark;space,Fox\n'
        "b,Heat (1995),1995,Crime,,\n"
        "c,Year One (1999),2009,,,\n"
        "a,Again,2000,,,\n"
    )
    table = read_items(path)
    assert table["id"].to_list() == ["a", "b", "c"]
    assert table["title"].to_list() == ["The Alien", "Heat", "Year One (1999)"]
    assert table["year"].to_list() == [1979, 1995, 2009]
    assert table["genres"].to_list() == [["Horror", "Sci-Fi"], ["Crime"], []]
    assert table["tags"][0].to_list() == ["dark", "space"]
    assert table["studio"][0] == "Fox"


def test_a_film_table_needs_ids(tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    path.write_text("colour,length\nred,3\n")
    with pytest.raises(DataError, match="no column for the ids"):
        read_items(path)


def test_ml_100k(datasets: Path) -> None:
    films = read_items(datasets / "ml-100k" / "u.item")
    assert films.height == 1682
    assert films.row(0)[:4] == ("1", "Toy Story", 1995, ["Animation", "Children", "Comedy"])
    assert films["genres"].list.len().sum() == 2893 - 2  # all flags but the two of 'unknown'
    people = read_people(datasets / "ml-100k" / "u.user")
    assert people.row(0, named=True) == {
        "id": "1", "age": "24", "gender": "M", "occupation": "technician", "zip_code": "85711",
    }  # fmt: skip


def test_ml_1m_codes_are_put_into_words(datasets: Path) -> None:
    people = read_people(datasets / "ml-1m" / "users.dat")
    assert people.row(0)[1:4] == ("F", "Under 18", "K-12 student")
    films = read_items(datasets / "ml-1m" / "movies.dat")
    assert (films["title"] == "Cité des enfants perdus, La").sum() == 0
    assert films.filter(films["id"] == "29")["title"][0].startswith("The City of Lost Children")


def test_tags_come_with_the_commonest_first(tmp_path: Path) -> None:
    path = tmp_path / "tags.csv"
    path.write_text("userId,movieId,tag,timestamp\n1,5,odd,1\n1,5,Funny,1\n2,5,funny,1\n1,6, ,1\n")
    tags = read_tags(path)
    assert dict(tags.rows()) == {"5": ["funny", "odd"]}


def test_every_edition_is_pinned() -> None:
    lengths = {"md5": 32, "sha256": 64}
    for name, edition in EDITIONS.items():
        algorithm, _, digest = edition.checksum.partition(":")
        assert len(digest) == lengths[algorithm], name
        assert edition.url == f"https://files.grouplens.org/datasets/movielens/{name}.zip"
        assert edition.licence
