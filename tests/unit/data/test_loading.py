"""From names, folders and files to interactions."""

from __future__ import annotations

import json
import logging
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matinee.data.importing import import_files
from matinee.data.interactions import Interactions
from matinee.data.loading import diagnose, load
from matinee.errors import ConfigError, DataError, UnknownName

ROWS = [("u2", "i1", 4.0, 30), ("u1", "i2", 3.5, 20), ("u1", "i1", 1.0, 10), ("u10", "i3", 5.0, 5)]


@pytest.fixture(autouse=True)
def no_local_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MATINEE_DATA", raising=False)


def same(one: Interactions, other: Interactions) -> bool:
    return (
        one.digest == other.digest
        and one.catalogue.frame.equals(other.catalogue.frame)
        and (one.explicit, one.timed) == (other.explicit, other.timed)
        and (one.people is None) == (other.people is None)
        and (one.people is None or other.people is None or one.people.equals(other.people))
    )


def rows_of(data: Interactions) -> list[tuple[str, str, float, int]]:
    users = data.user_ids.decode(data.users)
    items = data.catalogue.ids.decode(data.items)
    return list(zip(users, items, data.ratings.tolist(), data.times.tolist(), strict=True))


def csv(path: Path, separator: str = ",", header: str = "userId,movieId,rating,timestamp") -> Path:
    lines = [separator.join(map(str, row)) for row in ROWS]
    head = [header.replace(",", separator)] if header else []
    path.write_text("\n".join([*head, *lines, ""]))
    return path


IN_ORDER = [ROWS[2], ROWS[1], ROWS[3], ROWS[0]]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "::", " "])
@pytest.mark.parametrize("header", ["", "user_id,Film,Stars,date"])
def test_text_tables(tmp_path: Path, separator: str, header: str) -> None:
    data = load(csv(tmp_path / "mine.csv", separator, header))
    assert rows_of(data) == IN_ORDER
    assert list(data.user_ids) == ["u1", "u10", "u2"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes("user,item,rating\nZoë,Cité (1995),4\n".encode(encoding))
    data = load(path)
    assert list(data.user_ids) == ["Zoë"]
    assert data.catalogue.titles == ["Cité"]
    assert data.catalogue.frame["year"].to_list() == [1995]


def test_parquet_and_json_lines(tmp_path: Path) -> None:
    frame = pl.DataFrame(ROWS, schema=["user", "item", "rating", "time"], orient="row")
    frame.write_parquet(tmp_path / "r.parquet")
    frame.write_ndjson(tmp_path / "r.jsonl")
    for name in ("r.parquet", "r.jsonl"):
        assert rows_of(load(tmp_path / name)) == IN_ORDER


def test_json_lines_with_a_broken_line(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"user": 1, "item": 2, "stars": 4}\n{"user": 1,\n{"user": 2, "item": 2}\n')
    diagnosis = diagnose(path)
    assert diagnosis.dropped == {"not JSON": 1, "missing field": 1}
    assert {w.line for w in diagnosis.warnings} == {2, 3}


def test_ids_that_are_numbers_are_ordered_as_numbers(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,item\n10,b\n9,10\n10,9\n")
    data = load(path)
    assert list(data.user_ids) == ["9", "10"]
    assert list(data.catalogue.ids) == ["10", "9", "b"]
    assert not data.explicit
    assert not data.timed


def test_padded_ids_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,item\n007,1\n7,1\n")
    assert list(load(path).user_ids) == ["007", "7"]


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = csv(tmp_path / "r.csv", header="who,what,liking,moment")
    with pytest.raises(DataError, match="no column for user and item"):
        load(path)
    names = {"user": "who", "item": "what", "rating": "liking", "time": "moment"}
    assert rows_of(load(path, columns=names)) == IN_ORDER
    with pytest.raises(ConfigError, match=r"there is no column 'whom'.*Did you mean 'who'"):
        load(path, columns=names | {"user": "whom"})
    with pytest.raises(ConfigError, match=r"no 'usr'.*Did you mean 'user'"):
        load(path, columns={"usr": "who"})


def test_films_and_people_beside_the_ratings(tmp_path: Path) -> None:
    csv(tmp_path / "ratings.csv")
    (tmp_path / "movies.csv").write_text(
        'movieId,title,genres\ni1,"Matrix, The (1999)",Action|Sci-Fi\ni9,Heat (1995),Crime\n'
        "i2,Alien (1979),(no genres listed)\n"
    )
    (tmp_path / "tags.csv").write_text("userId,movieId,tag,timestamp\nu1,i9,Tense,1\n")
    (tmp_path / "links.csv").write_text("movieId,imdbId,tmdbId\ni9,113277,949\n")
    (tmp_path / "users.csv").write_text("userId,age\nu2,30\nu3,40\n")
    data = load(tmp_path)
    frame = data.catalogue.frame
    assert frame["id"].to_list() == ["i1", "i2", "i3", "i9"]
    assert frame["title"].to_list() == ["The Matrix", "Alien", "i3", "Heat"]
    assert frame["tags"].to_list() == [[], [], [], ["tense"]]
    assert frame["imdb_id"].to_list() == [None, None, None, "0113277"]
    assert data.people is not None
    assert data.people.rows() == [("u1", None), ("u10", None), ("u2", "30"), ("u3", "40")]
    assert rows_of(data) == IN_ORDER
    (warning,) = diagnose(tmp_path).warnings
    assert warning.line == 5
    assert "unknown film: i3" in warning.what


def test_kaggle_naming_and_times(tmp_path: Path) -> None:
    (tmp_path / "rating.csv").write_text(
        '"userId","movieId","rating","timestamp"\n1,2,3.5,"2005-04-02 23:53:47"\n'
    )
    (tmp_path / "movie.csv").write_text(
        '"movieId","title","genres"\n2,"Jumanji (1995)","Fantasy"\n'
    )
    (tmp_path / "genome_tags.csv").write_text('"tagId","tag"\n1,"007"\n')
    data = load(tmp_path)
    assert rows_of(data) == [("1", "2", 3.5, 1112486027)]
    assert data.catalogue.titles == ["Jumanji"]


def test_dropped_rows_are_never_silent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,item,rating\n1,1,4\n1,2,x\n,3,4\n")
    for _ in ("parsed", "cached"):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert len(load(path)) == 1
        (record,) = caplog.records
        assert "2 of 3 rows dropped (missing field 1, bad number 1)" in record.getMessage()


def test_second_load_comes_from_the_cache_and_changes_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = csv(tmp_path / "r.csv")
    first = load(path)
    with monkeypatch.context() as patch:
        patch.setattr("matinee.data.loading.read_swiftly", None)
        cached = load(path)
    assert same(first, cached)
    assert not cached.ratings.flags.writeable
    path.write_text(path.read_text() + "u1,i3,2,40\n")
    assert len(load(path)) == 5
    caches = list((Path(os.environ["MATINEE_HOME"]) / "cache").iterdir())
    assert len(caches) == 1


@pytest.mark.parametrize("name", ["users.npy", "ratings.npy", "items.parquet", "facts.json"])
@pytest.mark.parametrize("harm", ["cut", "flip", "gone"])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, name: str, harm: str) -> None:
    path = csv(tmp_path / "r.csv")
    first = load(path)
    (cache,) = (Path(os.environ["MATINEE_HOME"]) / "cache").iterdir()
    file = cache / name
    content = file.read_bytes()
    flipped = content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]
    file.unlink()
    if harm != "gone":
        file.write_bytes(content[:-5] if harm == "cut" else flipped)
    assert same(load(path), first)
    assert file.read_bytes() == content or name == "facts.json"


def test_no_place_for_a_cache_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MATINEE_HOME", str(tmp_path / "file"))
    assert len(load(csv(tmp_path / "r.csv"))) == 4


def test_names_folders_and_zip_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    csv(folder / "ratings.csv")
    with zipfile.ZipFile(tmp_path / "zipped.zip", "w") as packed:
        packed.write(folder / "ratings.csv", "top/ratings.csv")
    monkeypatch.setenv("MATINEE_DATA", str(tmp_path))
    for name in ("mine", "zipped", tmp_path / "zipped.zip", folder, folder / "ratings.csv"):
        assert rows_of(load(name)) == IN_ORDER


def test_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="matinee data fetch ml-1m"):
        load("ml-1m")
    with pytest.raises(UnknownName, match="Did you mean 'ml-100k'"):
        load("ml-100")
    with pytest.raises(DataError, match="no such file"):
        load("nowhere/ratings.csv")
    with pytest.raises(DataError, match="no table of ratings"):
        load(tmp_path)
    (tmp_path / "empty.csv").write_text("\n")
    with pytest.raises(DataError, match="empty"):
        load(tmp_path / "empty.csv")
    (tmp_path / "bad.parquet").write_text("no")
    with pytest.raises(DataError, match="Parquet"):
        load(tmp_path / "bad.parquet")


def test_a_header_alone_is_an_empty_data_set(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,item,rating,time\n")
    assert len(load(path)) == 0


def test_blanks_around_ids_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user, item, rating\nann, x, 4\n ann ,y,3\n")
    data = load(path)
    assert list(data.user_ids) == ["ann"]
    assert list(data.catalogue.ids) == ["x", "y"]


def test_the_bundled_sample(tmp_path: Path) -> None:
    data = load("sample")
    assert len(data) == diagnose("sample").rows_kept > 0


def test_import_and_read_back(tmp_path: Path) -> None:
    mine = csv(tmp_path / "log.csv", header="member,film,stars,when")
    films = tmp_path / "films.csv"
    films.write_text("id,title,genres,studio\ni1,Alien (1979),Horror,Fox\n")
    members = tmp_path / "members.csv"
    members.write_text("member,age\nu1,33\n")
    imported = import_files([films, members, mine], tmp_path / "out", columns={"time": "when"})
    again = load(tmp_path / "out")
    assert same(imported.data, again)
    assert again.catalogue.frame["studio"].to_list() == ["Fox", None, None]
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["timed"] is True
    import_files([csv(tmp_path / "ratings.csv")], tmp_path / "out")
    assert load(tmp_path / "out").people is None


def test_import_refuses(tmp_path: Path) -> None:
    mine = csv(tmp_path / "ratings.csv")
    with pytest.raises(DataError, match="holds something else"):
        import_files([mine], tmp_path)
    with pytest.raises(DataError, match="second table of ratings"):
        import_files([mine, csv(tmp_path / "rating.csv")], tmp_path / "out")
    films = tmp_path / "movies.csv"
    films.write_text("movieId,title\n1,Heat\n")
    with pytest.raises(DataError, match="none is a table of ratings"):
        import_files([films], tmp_path / "out")
    import_files([mine], tmp_path / "out")
    (tmp_path / "out" / "dataset.json").write_text('{"format": 99}')
    with pytest.raises(DataError, match="format 99"):
        load(tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "ratings", "users", "items", "timed"),
    [
        ("ml-100k", 100_000, 943, 1_682, True),
        ("ml-1m", 1_000_209, 6_040, 3_883, True),
        ("ml-latest-small", 100_836, 610, 9_742, True),
        ("ml-latest-5000", 784_093, 5_000, 20_805, False),
    ],
)
def test_real_data_sets(
    datasets: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    ratings: int,
    users: int,
    items: int,
    timed: bool,
) -> None:
    monkeypatch.setenv("MATINEE_DATA", str(datasets))
    data = load(name)
    assert (len(data), data.n_users, data.n_items) == (ratings, users, items)
    assert data.timed == timed
    assert data.explicit
    diagnosis = diagnose(name)
    assert (diagnosis.rows_in, diagnosis.dropped, diagnosis.warnings) == (ratings, {}, ())
    assert data.user_ids[9] == "10" or name == "ml-latest-5000"


def test_the_given_folds_load_as_files(datasets: Path) -> None:
    train, test = (load(datasets / "ml-100k" / f"u1.{part}") for part in ("base", "test"))
    assert (len(train), len(test)) == (80_000, 20_000)


def test_swift_and_careful_reading_agree(tmp_path: Path, datasets: Path) -> None:
    swift = load(datasets / "ml-latest-small" / "ratings.csv")
    dirty = tmp_path / "ratings.csv"
    shutil.copy(datasets / "ml-latest-small" / "ratings.csv", dirty)
    dirty.chmod(0o600)
    with dirty.open("a") as file:
        file.write(",,,\n")
    shutil.copy(datasets / "ml-latest-small" / "movies.csv", tmp_path)
    shutil.copy(datasets / "ml-latest-small" / "tags.csv", tmp_path)
    shutil.copy(datasets / "ml-latest-small" / "links.csv", tmp_path)
    careful = load(dirty)
    assert same(swift, careful)
    assert np.array_equal(swift.times, careful.times)
