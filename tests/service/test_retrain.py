"""`matinee retrain`: what is learned from, what is judged by, and what serves afterwards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from matinee.artefact import Artefact
from matinee.cli.main import run as matinee
from matinee.data.interactions import Interactions
from matinee.data.sample import sample
from matinee.errors import EvaluationError, StoreError
from matinee.evaluation import Comparison, Estimate
from matinee.experiment import RunSpec, read_spec, train
from matinee.recommendation import Ask, recommend_batch
from matinee.service.deployment import version_of
from matinee.service.retraining import Verdict, hold_out, join, retrain
from matinee.service.store import Rating, Store, open_store
from support.serving import serving

DAY = 86_400


def rated(*rows: tuple[str, str, float, int]) -> pl.DataFrame:
    """Ratings as a store gives them: by person and film."""
    schema = {"user": pl.String, "item": pl.String, "rating": pl.Float64, "time": pl.Int64}
    return pl.DataFrame(sorted(rows), schema=schema, orient="row")


def told(data: Interactions, person: str) -> dict[str, tuple[float, int]]:
    """A person's ratings and times by film."""
    user = data.user_ids.encode([person])[0]
    rows = slice(*data.offsets[user : user + 2])
    films = data.catalogue.ids.decode(data.items[rows])
    pairs = zip(data.ratings[rows].tolist(), data.times[rows].tolist(), strict=True)
    return dict(zip(films, pairs, strict=True))


class TestJoin:
    """Toy data: films '100'..'111', people 'p0'..'p19'; p0 rated 102..105 at times 2..5."""

    def test_new_people_follow_those_of_the_data_set(self, toy: Interactions) -> None:
        joined = join(toy, rated(("zoe", "100", 4, 9), ("ann", "111", 2, 8)))
        assert list(joined.data.user_ids) == [*toy.user_ids, "ann", "zoe"]
        assert told(joined.data, "ann") == {"111": (2.0, 8)}
        assert told(joined.data, "p1") == told(toy, "p1")
        assert int(joined.given.sum()) == 2
        assert len(joined.data) == len(toy) + 2

    def test_the_same_id_is_the_same_person_and_the_newer_rating_counts(
        self, toy: Interactions
    ) -> None:
        given = [("p0", "102", 1, 3), ("p0", "103", 1, 2), ("p0", "104", 1, 4), ("p0", "111", 2, 9)]
        joined = join(toy, rated(*given))
        assert told(joined.data, "p0") == {
            "102": (1.0, 3),  # newer
            "103": (5.0, 3),  # older
            "104": (1.0, 4),  # of one second: the database's
            "105": (5.0, 5),
            "111": (2.0, 9),
        }
        films = joined.data.catalogue.ids.decode(joined.data.items[joined.given])
        assert sorted(films) == ["102", "104", "111"]

    def test_films_that_the_data_set_lacks_are_named_and_left_out(self, toy: Interactions) -> None:
        joined = join(toy, rated(("ann", "x", 4, 1), ("bob", "x", 4, 1), ("ann", "y", 4, 1)))
        assert (joined.unknown, joined.left_out) == (("x", "y"), 3)
        assert joined.data.digest == toy.digest

    def test_ratings_come_onto_the_scale(self, toy: Interactions) -> None:
        given = [("ann", "100", 3.5, 1), ("ann", "101", 0.5, 1), ("ann", "102", 9.9, 1)]
        joined = join(toy, rated(*given))
        assert [stars for stars, _ in told(joined.data, "ann").values()] == [4, 1, 5]
        assert joined.data.scale == toy.scale

    def test_where_only_likes_count_a_newer_dislike_takes_a_like_away(
        self, toy: Interactions
    ) -> None:
        given = rated(("p0", "102", 2, 99), ("p0", "100", 5, 99), ("p0", "101", 3, 99))
        joined = join(toy.liked(4), given, at_least=4)
        assert sorted(told(joined.data, "p0")) == ["100", "103", "104", "105"]

    def test_events_stay_events_and_times_stay_away(self, toy: Interactions) -> None:
        build = Interactions.build
        names = {"user_ids": toy.user_ids, "catalogue": toy.catalogue}
        joined = join(build(toy.users, toy.items, **names), rated(("p0", "100", 2, 7)))
        assert not joined.data.explicit
        assert not joined.data.timed
        assert told(joined.data, "p0")["100"] == (1.0, 0)

    def test_of_new_people_the_table_knows_nothing(self, toy: Interactions) -> None:
        people = pl.DataFrame({"id": list(toy.user_ids), "age": [30] * toy.n_users})
        joined = join(replace(toy, people=people), rated(("ann", "100", 2, 7)))
        assert joined.data.people is not None
        assert joined.data.people.row(-1) == ("ann", None)
        assert len(joined.data.user_fields["age"]) == joined.data.n_users


class TestHoldOut:
    FILMS = tuple(str(100 + i) for i in range(11))

    def ann(self, count: int) -> pl.DataFrame:
        """Someone who rated so many films, one a second."""
        return rated(*(("ann", film, 4.0, i) for i, film in enumerate(self.FILMS[:count])))

    def test_the_newest_fifth_is_held_out_and_asked_of_strangers(self, toy: Interactions) -> None:
        split = hold_out(join(toy, self.ann(11)), toy, validate=False, seed=0)
        assert sorted(told(split.test.held_out, "ann")) == ["109", "110"]
        assert sorted(told(split.train, "ann")) == sorted(self.FILMS[:9])
        assert sorted(told(split.test.history, "ann")) == sorted(self.FILMS[:9])
        assert split.test.strangers
        assert split.valid is None
        assert len(split.test.users) == 1

    def test_what_the_old_model_has_seen_is_not_asked(self, toy: Interactions) -> None:
        seen = join(toy, self.ann(9)).data
        split = hold_out(join(toy, self.ann(11)), seen, validate=False, seed=0)
        assert list(told(split.test.held_out, "ann")) == ["110"]
        with pytest.raises(EvaluationError, match="at least one of them new"):
            hold_out(join(toy, self.ann(9)), seen, validate=False, seed=0)

    def test_nothing_is_taken_from_those_with_few_ratings(self, toy: Interactions) -> None:
        with pytest.raises(EvaluationError, match="5 ratings"):
            hold_out(join(toy, self.ann(4)), toy, validate=False, seed=0)
        split = hold_out(join(toy, self.ann(5)), toy, validate=False, seed=0)
        assert list(told(split.test.held_out, "ann")) == ["104"]

    def test_validation_is_cut_from_the_rest(self, toy: Interactions) -> None:
        joined = join(toy, self.ann(11))
        split = hold_out(joined, toy, validate=True, seed=0)
        assert split.valid is not None
        assert sorted(told(split.test.held_out, "ann")) == ["109", "110"]
        assert sum(split.counts[part] for part in ("train", "valid", "test")) == len(joined.data)


@pytest.mark.parametrize(
    ("metric", "difference", "p", "worse"),
    [
        ("ndcg@10", -0.1, 0.04, True),
        ("ndcg@10", -0.1, 0.09, True),
        ("ndcg@10", -0.1, 0.11, False),
        ("ndcg@10", 0.1, 0.001, False),
        ("rmse", 0.1, 0.04, True),
        ("rmse", -0.1, 0.04, False),
    ],
)
def test_worse_is_a_loss_that_chance_does_not_explain(
    metric: str, difference: float, p: float, worse: bool
) -> None:
    comparison = Comparison(Estimate(difference, difference, difference), p, p, 50)
    assert Verdict(metric, 0.5, 0.5 + difference, comparison).worse is worse


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the bundled sample."""
    folder = tmp_path_factory.mktemp("trained") / "base"
    train(RunSpec(model="itemknn", data="sample", split="random"), folder)
    return folder


@pytest.fixture(scope="module")
def newcomers() -> dict[str, list[Rating]]:
    """Sixty people of the sample's kind who are not in it."""
    data = sample(users=1560, ratings=62_400)
    films = np.asarray(list(data.catalogue.ids))
    people: dict[str, list[Rating]] = {}
    for user in range(1500, 1560):
        rows = slice(*data.offsets[user : user + 2])
        columns = (films[data.items[rows]], data.ratings[rows], data.times[rows])
        people[f"new{user}"] = [
            Rating(str(film), float(stars), int(time))
            for film, stars, time in zip(*columns, strict=True)
        ]
    return people


@pytest.fixture
def base(trained: Path, tmp_path: Path) -> Path:
    """A copy of the run, to retrain beside."""
    return Path(shutil.copytree(trained, tmp_path / "runs" / "base"))


@pytest.fixture
def url(base: Path, newcomers: dict[str, list[Rating]], tmp_path: Path) -> str:
    """A database in which the run is active and sixty people have rated."""
    made = f"sqlite:///{tmp_path}/people.db"
    with open_store(made) as store:
        activate(store, base)
        for person, ratings in newcomers.items():
            store.rate_many(person, ratings)
    return made


def activate(store: Store, run: Path) -> str:
    version = version_of(str(run))
    store.add_model(version, str(run), "any")
    store.activate_model(version)
    return version


def active(url: str) -> str:
    with open_store(url, create=False) as store:
        row = store.active_model()
    assert row is not None
    return row.run


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], url: str) -> Command:
    """Runs `matinee retrain` on the database; gives its exit code, stdout and stderr."""

    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = matinee(["retrain", "--database", url, *(str(arg) for arg in args)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def beside(run: Path) -> list[str]:
    """What lies in the folder of the runs."""
    return sorted(path.name for path in run.parent.iterdir())


def test_a_model_that_is_no_worse_serves(
    command: Command, url: str, base: Path, newcomers: dict[str, list[Rating]]
) -> None:
    with open_store(url) as store:
        store.rate("new1500", "no-such-film", 3.0)
    old = version_of(str(base))
    with serving(database=url, poll_seconds=0.01) as client:
        assert client.get("/v1/models/current").json()["version"] == old
        code, out, err = command("--json", "--out", base.parent / "next")
        assert code == 0, err
        done = json.loads(out)
        while client.get("/v1/models/current").json()["version"] == old:
            pass
        assert client.get("/v1/models/current").json()["version"] == done["new"]["version"]
    assert done["activated"]
    assert not done["comparison"]["worse"]
    assert done["comparison"]["people"] == 60
    assert done["comparison"]["metric"] == "ndcg@10"
    assert done["old"] == {"run": str(base), "version": old}
    assert (done["unknown_films"], done["left_out"]) == (["no-such-film"], 1)
    assert "no-such-film" in err
    assert active(url) == done["new"]["run"] == str(base.parent / "next")
    assert beside(base) == ["base", "next"]

    new = Artefact.load(done["new"]["run"])
    known = told(new.history, "new1510")
    assert {r.item: (r.rating, r.time) for r in newcomers["new1510"]} == known
    person = new.history.user_ids.encode(["new1510"])[0]
    assert 0 < new.user_counts[person] < len(known)  # learned from, but not from the newest
    assert "strangers" in new.facts.protocol
    assert "the service" in new.facts.data.name


def test_a_worse_model_does_not_serve(command: Command, url: str, base: Path) -> None:
    code, out, _ = command("--set", "neighbours=1", "--out", base.parent / "worse")
    assert code == 1
    assert "worse than the old one" in out
    assert active(url) == str(base)
    with open_store(url) as store:
        assert [row.run for row in store.models()] == [str(base), str(base.parent / "worse")]
    code, out, _ = command("--set", "neighbours=1", "--force")
    assert code == 0
    assert "serves now" in out
    assert active(url) != str(base)


def test_a_dry_run_keeps_nothing(command: Command, url: str, base: Path) -> None:
    code, out, _ = command("--dry-run")
    assert code == 0
    assert "Nothing was kept" in out
    assert command("--dry-run", "--set", "neighbours=1")[0] == 1
    assert (active(url), beside(base)) == (str(base), ["base"])
    with open_store(url) as store:
        assert len(store.models()) == 1
    for option in (["--force"], ["--out", "somewhere"]):
        assert command("--dry-run", *option)[0] == 2


def test_it_goes_on_from_run_to_run(command: Command, url: str, base: Path) -> None:
    """Each time only what is new since is judged by, and a person who left is forgotten."""
    first = json.loads(command("--json", "--seed", 5)[1])["new"]["run"]
    assert Path(first).name.startswith("base-20")
    assert read_spec(first).seed == 5
    code, _, err = command()
    assert code == 1
    assert "at least one of them new" in err
    films = Artefact.load(first).catalogue.ids
    with open_store(url) as store:
        store.erase_person("new1500")
        for number in range(1501, 1541):
            mine = {rating.item for rating in store.ratings(f"new{number}")}
            unseen = next(film for film in films if film not in mine)
            store.rate(f"new{number}", unseen, 4.0)
    done = json.loads(command("--json", "--force")[1])
    assert done["comparison"]["people"] == 40
    second = Artefact.load(done["new"]["run"])
    assert second.run == f"{first}-2"
    assert "new1500" in Artefact.load(first).history.user_ids
    assert "new1500" not in second.history.user_ids
    assert active(url) == second.run


def test_too_few_people_cannot_judge(command: Command, url: str, base: Path) -> None:
    with open_store(url) as store:
        for number in range(1510, 1560):
            store.erase_person(f"new{number}")
    code, out, err = command()
    assert (code, out) == (1, "")
    assert "10; expected 30 or more" in err
    assert "--force" in err
    assert (active(url), beside(base)) == (str(base), ["base"])
    assert command("--force")[0] == 0
    assert active(url) != str(base)


def test_on_a_failure_the_old_one_serves_and_nothing_is_left(
    command: Command, url: str, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (base.parent / "taken").mkdir()
    cases: list[tuple[list[object], str]] = [
        (["--set", "no_such=1"], "no_such"),
        (["--out", base.parent / "taken"], "the folder exists"),
    ]
    for args, message in cases:
        code, out, err = command(*args)
        assert (code, out) == (1, "")
        assert message in err
        assert len(err.strip().splitlines()) == 1

    def broken(*_: Any, **__: Any) -> None:
        raise EvaluationError("the comparison failed")

    monkeypatch.setattr("matinee.service.retraining.retraining.judge", broken)
    assert command()[0] == 1
    assert (active(url), beside(base)) == (str(base), ["base", "taken"])


def test_another_model_activated_meanwhile_serves_on(
    url: str, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Artefact.load(base)
    other = base.parent / "other"
    replace(kept, facts=kept.facts.updated({"seconds": 99.0})).save(other)

    with open_store(url) as store:

        def meanwhile(*args: Any, **options: Any) -> Artefact:
            activate(store, other)
            return train(*args, **options)

        monkeypatch.setattr("matinee.service.retraining.retraining.train", meanwhile)
        with pytest.raises(StoreError, match="another model was activated"):
            retrain(store)
        assert len(store.models()) == 3  # the new one can be activated by hand
    assert active(url) == str(other)


def test_what_cannot_be_retrained_is_refused(
    command: Command, url: str, base: Path, tmp_path: Path
) -> None:
    empty = f"sqlite:///{tmp_path}/empty.db"
    assert command("--database", empty)[0] == 1
    open_store(empty).close()
    code, _, err = command("--database", empty)
    assert (code, "no model is active" in err) == (1, True)
    (base / "model.json").write_text((base / "model.json").read_text() + "\n")
    code, _, err = command()
    assert (code, "another run than the active one" in err) == (1, True)
    with open_store(url) as store:
        activate(store, base)
    (base / "run.json").unlink()
    code, _, err = command()
    assert (code, "run.json" in err) == (1, True)


def test_a_retrained_run_is_not_trained_or_judged_without_the_database(
    command: Command, url: str, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = json.loads(command("--json")[1])["new"]["run"]
    before = version_of(run)
    for args in (["evaluate", run], ["train", "--resume", run]):
        assert matinee(args) == 1
        assert "ratings of a service" in capsys.readouterr().err
    assert version_of(run) == before


def test_films_unlike_those_of_the_training_are_refused(
    tmp_path: Path, toy: Interactions, command: Command, url: str
) -> None:
    def write(films: int) -> None:
        rows = toy.take(toy.items < films)
        frame = pl.DataFrame({"userId": rows.users, "movieId": rows.items, "rating": rows.ratings})
        frame.write_csv(tmp_path / "ratings.csv")

    write(11)
    run = tmp_path / "own"
    train(RunSpec(model="popularity", data=str(tmp_path / "ratings.csv"), split="random"), run)
    with open_store(url) as store:
        activate(store, run)
    write(10)
    code, _, err = command()
    assert (code, "the films of the data set are others" in err) == (1, True)


def test_a_model_of_stars_is_judged_by_its_stars_and_validates(url: str, tmp_path: Path) -> None:
    run = tmp_path / "mf"
    wishes = {"epochs": 2, "dim": 4, "batch_size": 4096}
    spec = RunSpec(model="mf", data="sample", split="stratified", valid=0.1, settings=wishes)
    train(spec, run)
    with open_store(url) as store:
        activate(store, run)
        done = retrain(store, settings={"epochs": 3})
    assert done.verdict.metric == "rmse"
    assert done.activated
    assert done.run is not None
    assert read_spec(done.run).settings == {**wishes, "epochs": 3}
    epochs = (Path(done.run) / "metrics.jsonl").read_text().splitlines()
    assert len(epochs) == 3
    assert "rmse" in epochs[0]
    assert Artefact.load(done.run).facts.split.arguments["valid"] == 0.1


def test_the_new_model_knows_what_only_the_database_tells(
    tmp_path: Path, toy: Interactions
) -> None:
    """Two tastes in the data set; in the database everyone who likes film 0 likes film 10."""
    frame = pl.DataFrame({"userId": toy.users, "movieId": toy.items, "rating": toy.ratings})
    frame.write_csv(tmp_path / "ratings.csv")
    run = tmp_path / "toy"
    train(
        RunSpec(
            model="ease", data=str(tmp_path / "ratings.csv"), split="random", settings={"l2": 5}
        ),
        run,
    )
    with open_store(f"sqlite:///{tmp_path}/a.db") as store:
        activate(store, run)
        for number in range(80):
            films = ["0", "1", "10", "9", "2", "8"]
            films = films[number % 3 :] + films[: number % 3]
            given = [Rating(film, 5.0, DAY + i) for i, film in enumerate(films)]
            store.rate_many(f"d{number}", given)
        done = retrain(store)
        assert done.verdict.comparison.difference.low > 0
        assert done.activated
        ask = Ask(history=[("0", 5.0, 1), ("1", 5.0, 2)], k=2)
        assert done.run is not None
        lists = [
            recommend_batch(Artefact.load(folder), [ask])[0] for folder in (str(run), done.run)
        ]
    assert [film.id for film in lists[1].items] != [film.id for film in lists[0].items]  # type: ignore[union-attr]
