"""Commands as people and scripts use them: answers, errors, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from matinee.artefact import Artefact
from matinee.cli.command import UsageError, spread
from matinee.cli.console import rich_console, table
from matinee.cli.demo import SETTINGS
from matinee.cli.main import run
from matinee.cli.wishes import years
from matinee.errors import ConfigError, MatineeError

Command = Callable[..., tuple[int, str, str]]
HEAVY = ("torch", "polars", "numpy", "scipy", "rich", "matplotlib", "safetensors", "rapidfuzz")


@pytest.fixture
def matinee(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command; gives its exit code, stdout and stderr."""

    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(arg) for arg in args])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def toy_run(make_run: Callable[..., Artefact], tmp_path: Path) -> Path:
    make_run().save(tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    args = ["--users", "80", "--items", "60", "--ratings", "2400", "--out", str(folder / "data")]
    assert run(["data", "simulate", *args]) == 0
    for model in ("ease", "popularity"):
        out = ["--split", "stratified", "--seed", "3", "--out", str(folder / model)]
        assert run(["train", "--model", model, "--data", str(folder / "data"), *out]) == 0
    return folder


class TestHelp:
    @pytest.mark.parametrize("args", [["--help"], ["recommend", "--help"], ["data", "--help"]])
    def test_loads_nothing_heavy(self, args: list[str]) -> None:
        # typer itself reads the options of a command with pydantic
        heavy = {*HEAVY, "pydantic"} if args == ["--help"] else set(HEAVY)
        script = (
            "import sys\nfrom matinee.cli.main import run\n"
            f"code = run({args!r})\n"
            f"print(sorted({heavy!r} & set(sys.modules)), code, file=sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        assert done.stderr.strip() == "[] 0"
        assert "Usage: matinee" in done.stdout

    def test_lists_every_command_of_the_contract(self, matinee: Command) -> None:
        _, out, _ = matinee("--help")
        listed = out.split("Commands:")[1]
        for (
            name
        ) in "data train tune evaluate compare recommend similar models demo version".split():  # noqa: SIM905
            assert f"\n  {name} " in listed
        _, out, _ = matinee("data", "--help")
        for name in "fetch import check describe split simulate".split():  # noqa: SIM905
            assert f"\n  {name} " in out.split("Commands:")[1]

    def test_no_command_is_wrong_usage_and_shows_the_help(self, matinee: Command) -> None:
        code, out, err = matinee()
        assert (code, out) == (2, "")
        assert err.startswith("Usage: matinee")

    def test_completion_is_kept(self, matinee: Command) -> None:
        assert "--install-completion" in matinee("--help")[1]


class TestErrors:
    @pytest.mark.parametrize(
        ("args", "text"),
        [
            (
                ["trian"],
                "No such command 'trian'. Did you mean 'train', 'retrain'? See `matinee --help`.",
            ),
            (["data", "chekc"], "Did you mean 'check'? See `matinee data --help`."),
            (["train", "--modle", "x"], "No such option: --modle"),
            (["train", "--model", "ease"], "say where the run goes: --out RUN"),
            (["train", "--out", "x"], "say which model"),
            (["train", "--out", "x", "--model", "ease"], "say how to set ratings aside"),
            (["train", "--out", "x", "--model", "m", "--split", "random"], "say what to learn"),
            (["train", "--resume", "x", "--seed", "1"], "--resume takes no other options"),
            (["recommend", "x"], "say who is asking"),
            (["recommend", "x", "--likes"], "--likes needs a value"),
            (["recommend", "x", "--likes", "--json"], "--likes needs a value"),
            (["recommend", "x", "--user", "1", "-k", "0"], "Invalid value for '-k'"),
            (["compare", "x"], "name two different runs"),
            (["compare", "x", "x"], "name two different runs"),
            (["data", "check", "x", "--column", "user"], "--column is ROLE=NAME"),
            (["data", "check", "x", "--scale", "1-5"], "--scale is A..B"),
        ],
    )
    def test_wrong_usage_is_one_line_and_exit_2(
        self, matinee: Command, args: list[str], text: str
    ) -> None:
        code, out, err = matinee(*args)
        assert (code, out) == (2, "")
        if "--json" not in args:
            assert err.startswith("Error: ")
            assert err.count("\n") == 1
        assert text in err

    @pytest.mark.parametrize(
        ("args", "kind", "text"),
        [
            (["recommend", "nowhere", "--user", "1"], "artefact", "there is no such run"),
            (["similar", "nowhere", "x"], "artefact", "there is no such run"),
            (["data", "describe", "ml-100kk"], "unknown", "ml-100kk"),
            (["models", "esae"], "unknown", "no model called 'esae'"),
            (["train", "--resume", "nowhere"], "artefact", "nowhere"),
            (["data", "check", "none.csv"], "data", "no such file"),
        ],
    )
    def test_what_cannot_be_done_is_one_line_and_exit_1(
        self, matinee: Command, args: list[str], kind: str, text: str
    ) -> None:
        code, out, err = matinee(*args)
        assert (code, out) == (1, "")
        assert err.startswith("Error: ")
        assert err.count("\n") == 1
        assert text in err
        code, out, err = matinee(*args, "--json")
        assert (code, out) == (1, "")
        error = json.loads(err)["error"]
        assert list(error) == ["kind", "what", "where", "expected", "remedy"]
        assert error["kind"] == kind

    def test_wrong_usage_as_json(self, matinee: Command) -> None:
        code, out, err = matinee("--json", "train", "--oops")
        assert (code, out) == (2, "")
        assert json.loads(err)["error"]["kind"] == "usage"

    def test_a_typo_in_a_model_or_setting_suggests_the_nearest(
        self, matinee: Command, world: Path, tmp_path: Path
    ) -> None:
        train = ["train", "--data", world / "data", "--split", "random", "--out", tmp_path / "r"]
        assert "Did you mean 'ease'?" in matinee(*train, "--model", "eas")[2]
        code, _, err = matinee(*train, "--model", "mf", "--set", "epoch=1")
        assert code == 1
        assert "Did you mean 'epochs'?" in err
        assert "--split" in matinee(*train, "--split", "rndom", "--model", "ease")[2]
        assert not (tmp_path / "r").exists()

    def test_a_bug_is_owned_up_to_without_a_traceback(
        self, matinee: Command, monkeypatch: pytest.MonkeyPatch, toy_run: Path
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise ZeroDivisionError("division by zero")

        monkeypatch.setattr(sys.modules["matinee.recommendation"], "recommend", broken)
        args = ["recommend", toy_run, "--user", "p0"]
        code, out, err = matinee(*args)
        assert (code, out) == (1, "")
        assert err.count("\n") == 1
        assert "this is a bug in Matinee" in err
        assert "ZeroDivisionError: division by zero" in err
        assert "Traceback" in matinee(*args, "-v")[2]
        assert json.loads(matinee(*args, "--json")[2])["error"]["kind"] == "bug"

    def test_what_the_system_refuses_is_no_bug(
        self, matinee: Command, world: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        out = tmp_path / "file" / "run"
        args = ["train", "--model", "ease", "--data", world / "data", "--split", "random"]
        code, _, err = matinee(*args, "--out", out)
        assert code == 1
        expected, _, error = err.partition("\n")
        assert expected.startswith("Training is expected to take ")
        assert error == f"Error: {out}: Not a directory\n"

    def test_ctrl_c_is_130_and_says_how_to_resume(
        self, matinee: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        def stopped(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("matinee.experiment.train", stopped)
        out = tmp_path / "run"
        code, _, err = matinee(
            "train", "--model", "mf", "--data", "x", "--split", "random", "--out", out
        )
        assert code == 130
        assert err == f"Warning: stopped. To go on: matinee train --resume {out}\n"
        monkeypatch.setattr("matinee.artefact.Artefact.load", stopped)
        code, _, err = matinee("similar", out, "x")
        assert (code, err) == (130, "Warning: stopped\n")


class TestRecommend:
    def test_json_is_the_contract(self, matinee: Command, toy_run: Path) -> None:
        code, out, err = matinee(
            "recommend", toy_run, "--user", "p0", "-k", 2, "--because", "--json"
        )
        assert (code, err) == (0, "")
        found = json.loads(out)
        assert list(found) == ["run", "model", "fallback", "items"]
        assert (found["run"], found["model"], found["fallback"]) == (str(toy_run), "ease", False)
        assert len(found["items"]) == 2
        for item in found["items"]:
            assert list(item) == ["id", "title", "year", "genres", "score", "because"]
            assert all(list(reason) == ["title", "weight"] for reason in item["because"])
        similar = json.loads(matinee("similar", toy_run, "Alpha", "-k", 1, "--json")[1])
        assert list(similar) == ["run", "model", "fallback", "items"]
        assert list(similar["items"][0]) == ["id", "title", "year", "genres", "score"]

    def test_text_is_an_aligned_table_and_the_hint_goes_to_stderr(
        self, matinee: Command, toy_run: Path
    ) -> None:
        code, out, err = matinee("recommend", toy_run, "--likes", "alpha", "id:102", "-k", 2)
        lines = [line.rstrip() for line in out.splitlines()]
        assert code == 0
        assert lines[0].split() == ["#", "film", "genres", "score"]
        assert len(lines) == 3
        assert lines[1].startswith("1  ")
        assert "(199" in lines[1]
        assert err.splitlines()[-1].startswith(f"Next: matinee similar {toy_run}")

    def test_quiet_says_nothing_but_the_answer(self, matinee: Command, toy_run: Path) -> None:
        loud = matinee("recommend", toy_run, "--likes", "alpha")
        assert matinee("recommend", toy_run, "--likes", "alpha", "-q") == (0, loud[1], "")
        assert matinee("-q", "recommend", toy_run, "--likes", "alpha") == (0, loud[1], "")

    def test_all_wishes_arrive(self, matinee: Command, toy_run: Path, tmp_path: Path) -> None:
        (tmp_path / "stars.csv").write_text("title,rating\nEta,5\n")
        args = ["recommend", toy_run, "--ratings", tmp_path / "stars.csv", "--json", "-k", 9]
        listed = json.loads(matinee(*args)[1])["items"]
        assert {item["title"] for item in listed}.isdisjoint({"Eta"})
        wishes = ["--genre", "war", "--year", "1997..1999", "--tag", "quiet", "--exclude", "kappa"]
        listed = json.loads(matinee(*args, *wishes)[1])["items"]
        assert [item["title"] for item in listed] == ["Theta"]
        plain, varied = (
            json.loads(matinee(*args, "--diversity", d)[1])["items"] for d in ("0", "1")
        )
        assert plain != varied

    def test_says_when_the_list_is_of_what_is_popular(
        self, matinee: Command, toy_run: Path
    ) -> None:
        code, _, err = matinee("recommend", toy_run, "--user", "nobody", "-k", 3)
        assert code == 0
        assert "the most popular films" in err
        assert (
            "Only 1 film" in matinee("recommend", toy_run, "--likes", "beta", "--year", "1990")[2]
        )


class TestEndToEnd:
    def test_train_answers_as_the_contract_says(
        self, matinee: Command, world: Path, tmp_path: Path
    ) -> None:
        train = ["train", "--model", "mf", "--data", world / "data", "--split", "chronological"]
        train += ["--test", "0.2", "--valid", "0.1", "--set", "epochs=2", "--set", "dim=4"]
        code, out, err = matinee(*train, "--seed", 5, "--out", tmp_path / "mf", "--json")
        assert (code, err) == (0, "")
        told = json.loads(out)
        assert list(told) == "run model data split seed metrics seconds peak_mb".split()  # noqa: SIM905
        assert told["run"] == str(tmp_path / "mf")
        assert (told["model"], told["split"], told["seed"]) == ("mf", "chronological", 5)
        assert {"rmse", "ndcg@10"} <= set(told["metrics"])
        assert all(list(m) == ["value", "low", "high"] for m in told["metrics"].values())
        again = json.loads(matinee("evaluate", tmp_path / "mf", "--json")[1])
        assert again["metrics"] == told["metrics"]
        stars = json.loads(matinee("recommend", tmp_path / "mf", "--user", "1", "--json")[1])
        assert all(0.5 <= item["stars"] <= 5 for item in stars["items"])

    def test_training_tells_of_each_epoch_on_stderr(
        self, matinee: Command, world: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "run.toml").write_text('model = "mf"\nsplit = "random"\nepochs = 3\ndim = 2\n')
        args = ["--data", world / "data", "--config", tmp_path / "run.toml", "--set", "epochs=2"]
        code, out, err = matinee("train", *args, "--out", tmp_path / "run")
        assert code == 0
        expected, *epochs = (line.split(":")[0] for line in err.splitlines()[:3])
        assert expected.startswith("Training is expected to take ")
        assert epochs == ["epoch 1", "epoch 2"]
        assert err.splitlines()[-1].startswith("Next: matinee recommend")
        assert "popularity" in out
        assert max(len(line) for line in (out + err).splitlines()) <= 100 + len(str(tmp_path))
        assert Artefact.load(tmp_path / "run").facts.trainer["epochs"] == 2

    def test_evaluate_at_other_cuts_and_per_person(
        self, matinee: Command, world: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "people.parquet"
        code, out, _ = matinee(
            "evaluate", world / "ease", "-k", 5, "-k", 20, "--per-user", file, "--json"
        )
        assert code == 0
        metrics = json.loads(out)["metrics"]
        assert {"ndcg@5", "ndcg@20"} <= set(metrics)
        per_user = pl.read_parquet(file)
        assert per_user["ndcg@5"].mean() == pytest.approx(metrics["ndcg@5"]["value"])

    def test_compare(self, matinee: Command, world: Path) -> None:
        ease, popularity = str(world / "ease"), str(world / "popularity")
        code, out, err = matinee("compare", ease, popularity, "--metric", "ndcg@10", "--json")
        assert (code, err) == (0, "")
        told = json.loads(out)
        assert [r["run"] for r in told["runs"]] == [ease, popularity]
        (test,) = told["comparisons"]
        values = [r["metrics"]["ndcg@10"]["value"] for r in told["runs"]]
        assert test["difference"] == pytest.approx(values[0] - values[1])
        code, out, _ = matinee("compare", ease, popularity)
        assert code == 0
        assert "corrected" in out

    def test_runs_on_different_splits_are_not_compared(
        self, matinee: Command, world: Path, tmp_path: Path
    ) -> None:
        train = ["train", "--model", "ease", "--data", world / "data", "--split", "stratified"]
        matinee(*train, "--seed", 4, "--out", tmp_path / "other")
        code, _, err = matinee("compare", world / "ease", tmp_path / "other")
        assert code == 1
        assert "different splits" in err

    def test_a_folder_with_other_things_is_refused_before_the_training(
        self, matinee: Command, world: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "thesis.txt").touch()
        train = ["train", "--model", "ease", "--data", world / "data", "--split", "random"]
        code, _, err = matinee(*train, "--out", tmp_path)
        assert code == 1
        assert "something else than a run" in err

    def test_the_demo_trains_and_recommends(
        self, matinee: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(SETTINGS, "epochs", 1)
        code, out, err = matinee("demo", "--out", tmp_path / "demo")
        assert code == 0
        assert "Simulated people" in " ".join(out.split())
        assert "popularity" in out
        assert "For someone new who likes Toy Story, Heat and Groundhog Day" in out
        assert "because you liked" in out
        assert err.splitlines()[-1].startswith("Next: matinee recommend")
        assert max(map(len, out.splitlines())) <= 100
        told = json.loads(matinee("demo", "--out", tmp_path / "demo", "--json")[1])
        assert len(told["likes"]["items"]) == len(told["user"]["items"]) == 5


class TestData:
    @pytest.fixture
    def dirty(self, tmp_path: Path) -> Path:
        rows = ["user,item,rating", "ann,Heat,4", "ann,Alien,5", "bob,Heat,x", "bob,Alien,3"]
        path = tmp_path / "dirty.csv"
        path.write_text("\n".join(rows) + "\n")
        return path

    def test_check(self, matinee: Command, dirty: Path) -> None:
        code, out, _ = matinee("data", "check", dirty, "--json")
        told = json.loads(out)
        assert code == 0
        assert list(told)[:4] == ["rows_in", "rows_kept", "dropped", "warnings"]
        assert told["rows_in"] == told["rows_kept"] + sum(told["dropped"].values()) == 4
        assert {"file", "line", "what"} == set(told["warnings"][0])
        text = matinee("data", "check", dirty)[1]
        assert "dirty.csv:4" in text

    def test_import_describe_and_split(self, matinee: Command, dirty: Path, tmp_path: Path) -> None:
        code, out, err = matinee("data", "import", dirty, "--out", tmp_path / "clean")
        assert code == 0
        assert "3 of 4 ratings" in out
        assert "Warning: 1 of 4 rows dropped" in err
        told = json.loads(matinee("data", "describe", tmp_path / "clean", "--json")[1])
        assert (told["people"], told["films"], told["ratings"]) == (2, 2, 3)
        assert told["mean_rating"] == 4.0
        assert told["ratings_by_stars"] == {"3": 1, "4": 1, "5": 1}
        assert told["most_rated"][0] == {
            "id": "Alien",
            "title": "Alien",
            "year": None,
            "ratings": 2,
        }
        assert matinee("data", "describe", tmp_path / "clean")[0] == 0

    def test_split_is_reproducible(self, matinee: Command, world: Path, tmp_path: Path) -> None:
        cut = ["data", "split", world / "data", "--split", "random", "--test", "0.2", "--json"]
        one, two, three = (
            json.loads(matinee(*cut, "--seed", seed, "--out", tmp_path / name)[1])
            for seed, name in ((1, "a"), (1, "b"), (2, "c"))
        )
        assert one["digest"] == two["digest"] != three["digest"]
        assert one["ratings"] == {"train": 1920, "test": 480}
        assert (tmp_path / "a" / "train.parquet").exists()

    def test_fetch_finds_a_local_copy(
        self, matinee: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "ml-100k").mkdir()
        monkeypatch.setenv("MATINEE_DATA", str(tmp_path))
        code, out, err = matinee("data", "fetch", "ml-100k")
        assert (code, out.strip()) == (0, str(tmp_path / "ml-100k"))
        assert "Next: matinee data check ml-100k" in err


class TestSmall:
    def test_version(self, matinee: Command) -> None:
        code, out, _ = matinee("version", "--json")
        assert code == 0
        assert {"matinee", "python", "torch"} <= set(json.loads(out))

    def test_models_and_their_settings(self, matinee: Command) -> None:
        names = [m["name"] for m in json.loads(matinee("models", "--json")[1])["models"]]
        assert {"popularity", "ease", "neumf"} <= set(names)
        for name in names:
            told = json.loads(matinee("models", name, "--json")[1])
            assert told["about"]
            assert all(setting["about"] for setting in told["settings"])
        assert "ease" in matinee("models")[1]

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            (
                ["R", "--likes", "A", "B", "C"],
                ["R", "--likes", "A", "--likes", "B", "--likes", "C"],
            ),
            (["--likes", "A", "-k", "3", "R"], ["--likes", "A", "-k", "3", "R"]),
            (
                ["--likes", "A", "--likes", "B", "C"],
                ["--likes", "A", "--likes", "B", "--likes", "C"],
            ),
            (["--likes", "A", "A", "--json"], ["--likes", "A", "--likes", "A", "--json"]),
            (["--likes=A", "R"], ["--likes=A", "R"]),
            (["R", "--user", "1"], ["R", "--user", "1"]),
            ([], []),
        ],
    )
    def test_likes_take_several_values(self, given: list[str], expected: list[str]) -> None:
        assert spread(given) == expected

    def test_likes_without_a_value(self) -> None:
        with pytest.raises(UsageError):
            spread(["--likes"])

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("1990..1999", (1990, 1999)),
            ("1990..", (1990, None)),
            ("..1999", (None, 1999)),
            ("1994", (1994, 1994)),
        ],
    )
    def test_years(self, text: str, expected: tuple[int | None, int | None]) -> None:
        assert years(text) == expected

    @pytest.mark.parametrize("text", ["", "..", "1990-1999", "a..b", "1990..x", "-5..3"])
    def test_years_of_another_form(self, text: str) -> None:
        with pytest.raises(ConfigError, match="no range of years"):
            years(text)


class Terminal:
    """A stream that claims to be a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        """Nothing to do."""

    def isatty(self) -> bool:
        return True


class TestColour:
    @pytest.mark.parametrize("no_color", [None, "1"])
    def test_no_color_is_honoured(
        self, monkeypatch: pytest.MonkeyPatch, no_color: str | None
    ) -> None:
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
        if no_color:
            monkeypatch.setenv("NO_COLOR", no_color)
        terminal: Any = Terminal()
        rich_console(terminal).print("[bold]best[/bold] [dim]baseline[/dim]")
        assert ("\x1b[" in terminal.text) == (no_color is None)

    def test_what_is_no_terminal_gets_plain_text(self, matinee: Command, toy_run: Path) -> None:
        _, out, err = matinee("recommend", toy_run, "--likes", "alpha", "--because")
        assert "\x1b" not in out + err

    def test_numbers_stand_to_the_right(self, capsys: pytest.CaptureFixture[str]) -> None:
        rich_console(sys.stdout).print(
            table(("film", "n"), [("A", "5"), ("Bcd", "[bold]1,000[/bold]")])
        )
        assert capsys.readouterr().out.splitlines() == ["film      n", "A         5", "Bcd   1,000"]


def test_every_error_says_its_kind() -> None:
    kinds = [error.kind for error in MatineeError.__subclasses__()]
    assert len(set(kinds)) == len(kinds)
