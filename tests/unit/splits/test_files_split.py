"""Published splits: the real ones have the right counts, broken ones name file and line."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.errors import DataError
from matinee.splits import files_split


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return write(tmp_path, "a.train", "1\t10\t5\t100\n1\t9\t4\t90\n2\t10\t3\t80\n2\t7\t1\t85\n")


@pytest.fixture
def test(tmp_path: Path) -> Path:
    return write(tmp_path, "a.test", "2\t9\t2\t99\n1\t7\t5\t95\n")


def test_by_hand(train: Path, test: Path) -> None:
    split = files_split(train, test)
    assert list(split.train.user_ids) == ["1", "2"]
    assert list(split.train.catalogue.ids) == ["7", "9", "10"]
    assert split.train.items.tolist() == [1, 2, 2, 0]
    assert split.test.held_out.items.tolist() == [0, 1]
    assert split.test.held_out.ratings.tolist() == [5, 2]
    assert split.test.history.times.tolist() == [90, 100, 80, 85]
    assert split.arguments == {"train": "a.train", "test": "a.test"}


def test_candidates_are_the_positive_then_the_negatives(
    tmp_path: Path, train: Path, test: Path
) -> None:
    negatives = write(tmp_path, "neg", "(2,9)\t11\t12\n(1,7)\t12\t11\n")
    split = files_split(train, test, negatives)
    ids = split.train.catalogue.ids
    assert split.test.candidates is not None
    candidates = [ids.decode(row) for row in split.test.candidates]
    assert candidates == [["7", "12", "11"], ["9", "11", "12"]]


def test_a_film_given_twice_is_a_candidate_once(tmp_path: Path, train: Path, test: Path) -> None:
    """As in the published files, where the positive is now and then among its negatives."""
    negatives = write(tmp_path, "neg", "(2,9)\t11\t9\t12\n(1,7)\t12\t11\t13\n")
    split = files_split(train, test, negatives)
    ids = split.train.catalogue.ids
    assert split.test.candidates is not None
    rows = [ids.decode(row[row >= 0]) for row in split.test.candidates]
    assert rows == [["7", "12", "11", "13"], ["9", "11", "12"]]


def test_header_and_commas(tmp_path: Path, test: Path) -> None:
    a = write(tmp_path, "t.csv", "userId,movieId,rating\nann,x,4.5\nann,y,3\n")
    b = write(tmp_path, "u.csv", "userId,movieId,rating\nann,z,1\n")
    split = files_split(a, b)
    assert split.train.ratings.tolist() == [4.5, 3]
    assert not split.train.timed


def test_ids_and_titles_of_a_named_data_set(train: Path, test: Path) -> None:
    frame = pl.DataFrame({"id": ["10", "9", "8", "7"], "title": ["Ten", "Nine", "Eight", "Seven"]})
    data = Interactions.build(
        [0, 1, 2], [0, 1, 2], catalogue=Catalogue.from_frame(frame), people=pl.DataFrame({"a": [1]})
    )
    split = files_split(train, test, data=data)
    titles = split.train.catalogue.titles
    assert [titles[i] for i in split.test.held_out.items] == ["Seven", "Nine"]
    assert split.train.people is data.people


def test_part_of_the_training_file_validates(train: Path, test: Path) -> None:
    split = files_split(train, test, valid=0.5, seed=1)
    assert split.valid is not None
    assert split.counts["train"] == split.counts["valid"] == 2
    assert len(split.test.history) == 4


def test_the_last_training_ratings_validate_among_as_many_films_as_test(
    tmp_path: Path, train: Path, test: Path
) -> None:
    negatives = write(tmp_path, "neg", "(2,9)\t11\t12\n(1,7)\t12\t11\n")
    split = files_split(train, test, negatives, valid="last")
    assert split.valid is not None
    assert split.train.catalogue.ids.decode(split.valid.held_out.items) == ["10", "7"]
    assert split.train.items.tolist() == [1, 2]
    assert split.valid.candidates is not None
    for row, known in zip(split.valid.candidates, ({1, 2}, {2, 0}), strict=True):
        assert len(set(row.tolist())) == 3
        assert len(set(row.tolist()) & known) == 1  # the held-out film alone
    assert split.arguments["valid"] == "last"


def test_without_times_there_is_no_last_training_rating(tmp_path: Path) -> None:
    a, b = write(tmp_path, "t", "a\tx\na\ty\n"), write(tmp_path, "u", "a\tz\n")
    with pytest.raises(DataError, match="needs times"):
        files_split(a, b, valid="last")


def test_people_without_training_ratings_are_left_out_and_counted(
    tmp_path: Path, train: Path
) -> None:
    test = write(tmp_path, "b.test", "1\t7\t5\t95\n3\t7\t5\t95\n")
    negatives = write(tmp_path, "neg", "(1,7)\t12\n(3,7)\t12\n")
    split = files_split(train, test, negatives)
    assert split.dropped == {"person without training ratings": 1}
    assert split.test.candidates is not None
    assert split.test.candidates.shape == (1, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1\t7\tgood\t95\n", r"a\.test:1: the rating 'good' is not a number"),
        ("1\t7\t5\t95\n2\t\t5\t95\n", r"a\.test:2: the item is missing"),
        ("1\t7\t5\n", "different numbers of columns"),
        ("1\t7\t5\t95\t1\n", "5 fields"),
        ("1\t10\t5\t95\n", "'1' and film '10' occur together 2 times"),
        ("", "empty"),
    ],
)
def test_a_broken_test_file_is_named(tmp_path: Path, train: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        files_split(train, write(tmp_path, "a.test", text))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("(2,9)\t11\n", "person '1' has 1 test ratings and 0 lines"),
        ("(2,9)\t11\n(2,9)\t11\n(1,7)\t11\n", "person '2' has 1 test ratings and 2 lines"),
        ("(2,10)\t11\n(1,7)\t11\n", r"neg:1: \(2,10\) is not in the test file"),
        ("2 9\t11\n", r"neg:1: '2 9' begins a line"),
        ("(5,9)\t11\n", "neg:1: a person or film is not known"),
    ],
)
def test_broken_negatives_are_named(
    tmp_path: Path, train: Path, test: Path, text: str, says: str
) -> None:
    with pytest.raises(DataError, match=says):
        files_split(train, test, write(tmp_path, "neg", text))


def test_an_id_that_is_not_in_the_data_is_named(train: Path, test: Path) -> None:
    frame = pl.DataFrame({"id": ["10", "7"]})
    data = Interactions.build([0, 1, 2], [0, 1, 0], catalogue=Catalogue.from_frame(frame))
    with pytest.raises(DataError, match=r"a\.train:2: the item '9' is not known"):
        files_split(train, test, data=data)


def test_no_such_file(train: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        files_split(train, tmp_path / "none")


def test_the_first_fold_of_movielens_100k(datasets: Path) -> None:
    split = files_split(datasets / "ml-100k/u1.base", datasets / "ml-100k/u1.test")
    assert split.counts == {"train": 80000, "test": 20000, "test_people": 459}
    assert (split.train.n_users, split.train.n_items) == (943, 1682)
    assert not split.dropped


def test_the_files_of_the_ncf_paper(datasets: Path) -> None:
    folder = datasets / "ncf-ml-1m"
    names = ("train.rating", "test.rating", "test.negative")
    split = files_split(*(folder / f"ml-1m.{name}" for name in names))
    assert split.counts == {"train": 994169, "test": 6040, "test_people": 6040}
    assert split.train.n_items == 3706
    assert split.test.candidates is not None
    ids = split.train.catalogue.ids
    assert ids.decode(split.test.candidates[0])[:4] == ["25", "1064", "174", "2791"]
    assert split.test.candidates.shape == (6040, 100)
    assert (split.test.candidates[:, 0] == split.test.held_out.items).all()
    # 156 of the positives are also among their own negatives, and are asked for once
    assert ((split.test.candidates < 0).sum(1) <= 1).all()
    assert (split.test.candidates < 0).sum() == 156
