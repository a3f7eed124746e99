"""Run folders: what is saved is what is loaded, and nothing else is."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file

from matinee.artefact import Artefact, check_target
from matinee.artefact.folder import is_run
from matinee.artefact.manifest import digest
from matinee.errors import ArtefactError

FILES = ("model.safetensors", "items.parquet", "people.parquet", "history.parquet", "card.md")


@pytest.fixture
def saved(make_run: Callable[..., Artefact], tmp_path: Path) -> Path:
    make_run().save(tmp_path / "run")
    return tmp_path / "run"


def rewrite(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change model.json as a skilful forger would: with a fitting checksum."""
    document = json.loads((run / "model.json").read_text())
    document.pop("digest")
    change(document)
    (run / "model.json").write_text(json.dumps({**document, "digest": digest(document)}))


def replace_file(run: Path, name: str) -> None:
    """Give a changed file a fitting checksum."""
    checksum = hashlib.sha256((run / name).read_bytes()).hexdigest()
    rewrite(run, lambda document: document["files"].update({name: checksum}))


def refused(run: Path, text: str) -> None:
    with pytest.raises(ArtefactError, match=text) as caught:
        Artefact.load(run)
    assert "\n" not in str(caught.value)


class TestRoundTrip:
    @pytest.mark.parametrize("name", ["ease", "popularity", "itemknn", "userknn", "ials"])
    def test_keeps_the_weights_bit_for_bit(
        self, make_run: Callable[..., Artefact], tmp_path: Path, name: str
    ) -> None:
        made = make_run(name, {})
        loaded = Artefact.load(made.save(tmp_path / "run").run)
        state, again = made.model.state_dict(), loaded.model.state_dict()
        assert state.keys() == again.keys()
        for key, tensor in state.items():
            assert torch.equal(tensor, again[key])
            assert tensor.dtype == again[key].dtype

    def test_keeps_people_films_history_and_facts(
        self, make_run: Callable[..., Artefact], saved: Path
    ) -> None:
        made, loaded = make_run(), Artefact.load(saved)
        assert loaded.history.digest == made.history.digest
        assert loaded.catalogue.frame.equals(made.catalogue.frame)
        assert loaded.facts == made.facts
        assert loaded.model.config == made.model.config
        assert loaded.run == str(saved)
        for field in ("item_counts", "item_means", "user_counts"):
            np.testing.assert_array_equal(getattr(loaded, field), getattr(made, field))

    def test_keeps_the_table_of_people(
        self, make_run: Callable[..., Artefact], tmp_path: Path
    ) -> None:
        made = make_run()
        people = pl.DataFrame({"id": list(made.history.user_ids), "age": range(20)})
        with_people = Artefact(
            **{
                **vars(made),
                "history": made.history.__class__(**{**fields(made.history), "people": people}),
            }
        )
        loaded = Artefact.load(with_people.save(tmp_path / "run").run)
        assert loaded.history.people is not None
        assert loaded.history.people.equals(people)

    def test_leaves_out_what_the_data_lack(
        self, make_run: Callable[..., Artefact], tmp_path: Path
    ) -> None:
        made = make_run()
        history = made.history
        bare = history.build(
            history.users, history.items, user_ids=history.user_ids, catalogue=history.catalogue
        )
        data = made.facts.data.updated({"explicit": False, "timed": False})
        facts = made.facts.updated({"data": data.model_dump()})
        Artefact.of(made.model, bare, bare, facts).save(tmp_path / "run")
        assert pl.read_parquet(tmp_path / "run" / "history.parquet").columns == ["user", "item"]
        loaded = Artefact.load(tmp_path / "run").history
        assert not loaded.explicit
        assert not loaded.timed
        assert loaded.digest == bare.digest

    def test_counts_training_ratings_only(self, make_run: Callable[..., Artefact]) -> None:
        made = make_run()
        liked = made.history.take(made.history.ratings >= 4)
        assert made.item_counts.tolist() == liked.item_counts.tolist()
        assert made.item_counts[11] == 0
        assert np.isnan(made.item_means[11])
        mine = liked.ratings[liked.items == 3]
        assert made.item_means[3] == pytest.approx(mine.mean())

    def test_tables_can_be_read_by_anyone(self, saved: Path) -> None:
        items = pl.read_parquet(saved / "items.parquet")
        assert items["title"][0] == "Alpha"
        assert {"n_ratings", "mean_rating"} <= set(items.columns)
        assert items["mean_rating"][11] is None
        assert load_file(saved / "model.safetensors").keys() == {"weights"}

    def test_all_files_may_be_read_by_the_same_people(self, saved: Path) -> None:
        assert len({path.stat().st_mode for path in saved.iterdir()}) == 1

    def test_the_card_has_the_figures_beside_popularity(self, saved: Path) -> None:
        text = (saved / "card.md").read_text()
        assert "| ndcg@10 | 0.5000 [0.4000, 0.6000] | 0.3000 [0.2000, 0.4000] |" in text
        assert "full ranking of 12 films" in text
        assert "| l2 | 2.0 |" in text

    def test_equal_films_are_ordered_by_popularity_then_id(
        self, make_run: Callable[..., Artefact]
    ) -> None:
        made = make_run()
        ids = list(made.catalogue.ids)
        expected = sorted(range(12), key=lambda i: (-made.item_counts[i], ids[i]))
        assert made.favour.tolist() == expected


def fields(history: Any) -> dict[str, Any]:
    return {name: getattr(history, name) for name in history.__dataclass_fields__}


class TestTampering:
    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.parametrize("damage", ["flip", "cut", "append", "empty"])
    def test_refuses_a_changed_file(self, saved: Path, name: str, damage: str) -> None:
        path = saved / name
        data = path.read_bytes()
        middle = len(data) // 2
        path.write_bytes(
            {
                "flip": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
                "cut": data[:-1],
                "append": data + b"\n",
                "empty": b"",
            }[damage]
        )
        refused(saved, f"{name}: the file was changed")

    @pytest.mark.parametrize("name", FILES)
    def test_refuses_a_missing_file(self, saved: Path, name: str) -> None:
        (saved / name).unlink()
        refused(saved, f"{name}: the file is missing")

    @pytest.mark.parametrize("name", [*FILES, "model.json"])
    def test_refuses_a_link(self, saved: Path, tmp_path: Path, name: str) -> None:
        shutil.move(saved / name, tmp_path / name)
        (saved / name).symlink_to(tmp_path / name)
        refused(saved, "not a plain file")

    def test_refuses_every_changed_field_of_the_manifest(self, saved: Path) -> None:
        original = json.loads((saved / "model.json").read_text())
        for key in original:
            changed = {**original, key: 0 if key == "format" else "other"}
            (saved / "model.json").write_text(json.dumps(changed))
            refused(saved, "checksum does not match")

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '"x"'])
    def test_refuses_a_manifest_that_is_no_object(self, saved: Path, text: str) -> None:
        (saved / "model.json").write_text(text)
        refused(saved, "not a JSON object")

    def test_refuses_a_manifest_that_is_no_text(self, saved: Path) -> None:
        (saved / "model.json").write_bytes(b"\xff\xfe{}")
        refused(saved, "not UTF-8")

    def test_a_newer_format_is_named_before_anything_else(self, saved: Path) -> None:
        rewrite(saved, lambda document: document.update({"format": 2, "new_field": 1}))
        refused(saved, "format 2, which is newer")

    def test_refuses_an_unknown_field(self, saved: Path) -> None:
        rewrite(saved, lambda document: document.update({"extra": 1}))
        refused(saved, "no setting called 'extra'")

    def test_refuses_a_missing_field(self, saved: Path) -> None:
        rewrite(saved, lambda document: document.pop("created"))
        refused(saved, "'created' is missing")

    @pytest.mark.parametrize("name", ["../outside.parquet", "/etc/passwd", "run.pkl", "sub/x"])
    def test_refuses_other_files_than_those_of_a_run(self, saved: Path, name: str) -> None:
        rewrite(saved, lambda document: document["files"].update({name: "0" * 64}))
        refused(saved, "is no file of a run")

    def test_refuses_a_manifest_that_leaves_a_checksum_out(self, saved: Path) -> None:
        rewrite(saved, lambda document: document["files"].pop("history.parquet"))
        refused(saved, "checksum of history.parquet is missing")

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            ({"model": "nonesuch"}, "no model called 'nonesuch'"),
            ({"config": {"l3": 1}}, "no setting called 'l3'"),
            ({"config": {"l2": -1.0}}, "l2 = -1.0"),
            ({"sizes": {"users": 20, "items": 13, "ratings": 9}}, "20 people and 12 films"),
            (
                {"sizes": {"items": 12, "users": 20, "ratings": 9, "x": 1}},
                "no setting called 'sizes.x'",
            ),
            ({"model": "popularity", "config": {}}, "tensor 'weights' is float32 .12, 12."),
        ],
    )
    def test_refuses_what_does_not_fit_together(
        self, saved: Path, change: dict[str, Any], text: str
    ) -> None:
        rewrite(saved, lambda document: document.update(change))
        refused(saved, text)

    def test_refuses_other_tensors(self, saved: Path) -> None:
        save_file({"weights": torch.zeros(12, 12, dtype=torch.float64)}, saved / FILES[0])
        replace_file(saved, FILES[0])
        refused(saved, "float64")
        save_file({"weights": torch.zeros(12, 12), "more": torch.ones(1)}, saved / FILES[0])
        replace_file(saved, FILES[0])
        refused(saved, "'more'")

    @pytest.mark.parametrize("name", FILES[:4])
    def test_refuses_files_of_another_format(self, saved: Path, name: str) -> None:
        (saved / name).write_bytes(b"\x80\x04K\x01.")
        replace_file(saved, name)
        refused(saved, "cannot be read")

    @pytest.mark.parametrize(
        ("name", "frame"),
        [
            ("history.parquet", pl.DataFrame({"user": [99], "item": [0]})),
            ("history.parquet", pl.DataFrame({"user": ["a"], "item": [0]})),
            ("items.parquet", pl.DataFrame({"id": ["a"] * 12})),
            ("people.parquet", pl.DataFrame({"name": ["a"] * 20})),
        ],
    )
    def test_refuses_tables_of_another_shape(
        self, saved: Path, name: str, frame: pl.DataFrame
    ) -> None:
        frame.write_parquet(saved / name)
        replace_file(saved, name)
        refused(saved, "do not fit together")


class TestTarget:
    def test_new_empty_and_earlier_runs_are_fit(self, saved: Path, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        (tmp_path / "empty" / ".DS_Store").touch()
        for folder in (tmp_path / "new", tmp_path / "empty", saved):
            check_target(folder)

    def test_a_training_under_way_is_fit(self, tmp_path: Path) -> None:
        (tmp_path / "checkpoint").mkdir()
        (tmp_path / "metrics.jsonl").touch()
        check_target(tmp_path)

    def test_leaves_other_folders_alone(
        self, make_run: Callable[..., Artefact], tmp_path: Path
    ) -> None:
        (tmp_path / "thesis.txt").write_text("years of work")
        with pytest.raises(ArtefactError, match="something else than a run"):
            make_run().save(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    def test_leaves_other_models_alone(
        self, make_run: Callable[..., Artefact], tmp_path: Path
    ) -> None:
        (tmp_path / "model.json").write_text('{"format": "layers-model"}')
        with pytest.raises(ArtefactError, match="something else than a run"):
            make_run().save(tmp_path)

    def test_refuses_a_file(self, make_run: Callable[..., Artefact], tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(ArtefactError, match="a file of this name"):
            make_run().save(tmp_path / "file")

    def test_says_why_it_cannot_write(
        self, make_run: Callable[..., Artefact], tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(ArtefactError, match="cannot be written: Not a directory"):
            make_run().save(tmp_path / "file" / "run")


class TestSaving:
    def test_replaces_a_run_and_keeps_what_the_trainer_left(
        self, make_run: Callable[..., Artefact], saved: Path
    ) -> None:
        (saved / "checkpoint").mkdir()
        (saved / "metrics.jsonl").write_text("{}\n")
        made = make_run("popularity", {})
        made.save(saved)
        assert Artefact.load(saved).name == "popularity"
        assert (saved / "checkpoint").is_dir()
        assert not (saved / ".saving").exists()
        (saved / "metrics.jsonl").write_text("{} \n")
        refused(saved, "metrics.jsonl: the file was changed")

    def test_an_unfinished_run_says_how_to_go_on(self, saved: Path) -> None:
        (saved / "model.json").unlink()
        (saved / "run.json").write_text("{}")
        refused(saved, "has not finished.*matinee train --resume")

    def test_a_missing_run_and_another_folder_are_told_apart(self, tmp_path: Path) -> None:
        refused(tmp_path / "nowhere", "no such run")
        refused(tmp_path, "not a run")

    def test_a_kill_leaves_the_old_run_or_the_new_one(
        self, make_run: Callable[..., Artefact], tmp_path: Path
    ) -> None:
        run, other = tmp_path / "run", tmp_path / "other"
        make_run("ease").save(run)
        make_run("popularity", {}).save(other)
        script = SAVE_FOREVER.format(run=str(run), other=str(other))
        rng = np.random.default_rng(0)
        for _ in range(2):
            with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as child:
                assert child.stdout is not None
                child.stdout.readline()
                deadline = time.monotonic() + rng.uniform(0, 0.15)
                while time.monotonic() < deadline:
                    os.sched_yield()
                child.send_signal(signal.SIGKILL)
            assert Artefact.load(run).name in {"ease", "popularity"}
            make_run("ease").save(run)
            assert Artefact.load(run).name == "ease"

    @pytest.mark.parametrize("first", [True, False])
    def test_every_step_of_a_save_leaves_the_old_run_or_the_new_one(
        self,
        make_run: Callable[..., Artefact],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        first: bool,
    ) -> None:
        """The same as a kill, but at each of the steps that change the folder."""
        outcomes: list[str] = []
        for steps in range(9):
            run = tmp_path / f"run-{steps}"
            if not first:
                make_run("ease").save(run)
            with monkeypatch.context() as patch:
                _stop_after(patch, steps)
                with contextlib.suppress(KeyboardInterrupt):
                    make_run("popularity", {}).save(run)
            outcomes.append(_name(run))
            make_run("ials", {}).save(run)
            assert _name(run) == "ials"
            assert not (run / ".saving").exists()
        old = "no run" if first else "ease"
        assert outcomes == [old, *[old] * (not first), *["popularity"] * (7 + first)]


SAVE_FOREVER = """
from matinee.artefact import Artefact
runs = [Artefact.load({other!r}), Artefact.load({run!r})]
print("ready", flush=True)
while True:
    for run in runs:
        run.save({run!r})
"""


def _name(run: Path) -> str:
    if not is_run(run):
        refused(run, "not a run")
        return "no run"
    return Artefact.load(run).name


def _stop_after(patch: pytest.MonkeyPatch, steps: int) -> None:
    """Let `steps` renamings and removals of files happen, then stop."""
    done = 0

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def change(path: Path, *args: Any, **kwargs: Any) -> Any:
            nonlocal done
            if done == steps:
                raise KeyboardInterrupt
            done += 1
            return original(path, *args, **kwargs)

        return change

    for name in ("unlink", "replace"):
        patch.setattr(Path, name, counted(getattr(Path, name)))


class TestSpeed:
    def test_loading_is_quick(self, saved: Path) -> None:
        Artefact.load(saved)
        started = time.perf_counter()
        Artefact.load(saved)
        assert time.perf_counter() - started < 0.3
