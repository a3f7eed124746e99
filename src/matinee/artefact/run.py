"""A trained model and all it takes to use it, as one folder that any machine can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from matinee import models
from matinee.artefact import folder as disk
from matinee.artefact.card import card
from matinee.artefact.manifest import FORMAT, Facts, Manifest, SizeFacts
from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions, Scale
from matinee.data.titles import TitleIndex
from matinee.data.vocabulary import FloatArray, LongArray, Vocabulary
from matinee.errors import ArtefactError, MatineeError
from matinee.models.base import DotProduct, Recommender, Sizes
from matinee.models.filmblocks import FilmBlocks

COUNT, MEAN = "n_ratings", "mean_rating"
"""Columns added to the tables of films and people; free columns of these names give way."""


@dataclass(frozen=True)
class Artefact:
    """A model, whom and what it knows, and how it came about.

    Attributes:
        model: The model, ready to be asked.
        history: What people had rated when the model was made; never recommended again.
        item_counts: `[n_items]` number of training ratings of each film.
        item_means: `[n_items]` their mean, NaN where there are none.
        user_counts: `[n_users]` number of training ratings of each person; the model has
            learned something of a person only if there are any.
        facts: Data, split, settings and figures.
        run: The folder it was loaded from or saved to; empty before.
    """

    model: Recommender
    history: Interactions
    item_counts: LongArray
    item_means: FloatArray
    user_counts: LongArray
    facts: Facts
    run: str = ""

    @classmethod
    def of(
        cls, model: Recommender, train: Interactions, history: Interactions, facts: Facts
    ) -> Self:
        """Put together what a training gave.

        Args:
            model: The trained model.
            train: What it was trained on.
            history: What is known of people from now on: usually training and validation.
            facts: How it came about.
        """
        counts = train.item_counts
        sums = np.bincount(train.items, weights=train.ratings, minlength=train.n_items)
        means = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
        user_counts = np.diff(train.offsets)
        return cls(model, history, counts, means.astype(np.float32), user_counts, facts)

    @property
    def catalogue(self) -> Catalogue:
        """The films."""
        return self.history.catalogue

    @property
    def scale(self) -> Scale:
        """The scale ratings are given on; its ends are one where the data have no ratings."""
        return Scale(**self.facts.data.scale.model_dump())

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    @cached_property
    def titles(self) -> TitleIndex:
        """Finds films by title or id."""
        return TitleIndex(self.catalogue)

    @cached_property
    def favour(self) -> LongArray:
        """Film integers by number of training ratings, most first, ties by id as text."""
        return np.lexsort((np.asarray(list(self.catalogue.ids)), -self.item_counts))

    @cached_property
    def rank(self) -> LongArray:
        """`[n_items]` each film's place in `favour`."""
        rank = np.empty_like(self.favour)
        rank[self.favour] = np.arange(len(rank))
        return rank

    @cached_property
    def film_blocks(self) -> FilmBlocks | None:
        """The films by their vectors; None if scores are no inner products."""
        if not isinstance(self.model, DotProduct):
            return None
        return FilmBlocks.of(self.model, self.rank)

    def save(self, folder: str | Path) -> Self:
        """Write the run; see `matinee.artefact.folder` for what a kill in between leaves.

        Args:
            folder: A new or empty folder, or a run, which is then replaced. Checkpoints
                and logs of the trainer in it stay.

        Returns:
            The same, with `run` set.

        Raises:
            ArtefactError: If the folder holds something else or cannot be written.
        """
        target = Path(folder)
        with disk.staging(target) as staged:
            self._write_tables(staged)
            _save_weights(self.model, staged / disk.WEIGHTS)
            manifest = self._manifest()
            (staged / disk.CARD).write_text(card(manifest), encoding="utf-8")
            files = {name: disk.sha256(staged / name) for name in disk.REQUIRED}
            left = [name for name in disk.OPTIONAL if (target / name).is_file()]
            files |= {name: disk.sha256(target / name) for name in left}
            disk.publish(staged, disk.REQUIRED, manifest.updated({"files": files}).text())
        return replace(self, run=str(folder))

    @classmethod
    def load(cls, folder: str | Path, *, device: torch.device | str = "cpu") -> Self:
        """Read and check a run.

        Args:
            folder: Where `save` wrote it.
            device: Where the model is to live.

        Raises:
            ArtefactError: If it is not a run, is unfinished, from a newer version, or does
                not fit its own checksums and sizes.
        """
        path = Path(folder)
        manifest = Manifest.read(disk.read_manifest(path), where=str(path / disk.MANIFEST))
        disk.check_files(path, manifest.files)
        items, people, rated = (
            _read_table(disk.locate(path, name)) for name in (disk.ITEMS, disk.PEOPLE, disk.HISTORY)
        )
        try:
            history = _history(rated, items, people, manifest)
            counts = items[COUNT].to_numpy().astype(np.int64)
            means = items[MEAN].cast(pl.Float32).fill_null(np.nan).to_numpy()
            user_counts = people[COUNT].to_numpy().astype(np.int64)
        except (MatineeError, pl.exceptions.PolarsError) as error:
            what = f"the tables do not fit together: {error}"
            raise ArtefactError(what, where=str(path)) from None
        model = _model(path, manifest).to(device)
        return cls(model, history, counts, means, user_counts, manifest.facts(), str(folder))

    def _manifest(self) -> Manifest:
        return Manifest(
            **dict(self.facts),
            format=FORMAT,
            matinee=version("matinee"),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            model=self.name,
            config=self.model.config.model_dump(mode="json"),
            sizes=SizeFacts(**asdict(self.model.sizes)),
            files={},
        )

    def _write_tables(self, folder: Path) -> None:
        explicit = self.history.explicit
        means = pl.Series(MEAN, self.item_means if explicit else [None] * len(self.item_means))
        items = self.catalogue.frame.with_columns(
            pl.Series(COUNT, self.item_counts), means.cast(pl.Float32).fill_nan(None)
        )
        people = self.history.people
        if people is None:
            people = pl.DataFrame({"id": list(self.history.user_ids)}, schema={"id": pl.String})
        people = people.with_columns(pl.Series(COUNT, self.user_counts))
        items.write_parquet(folder / disk.ITEMS)
        people.write_parquet(folder / disk.PEOPLE)
        _history_frame(self.history).write_parquet(folder / disk.HISTORY)


def _history_frame(history: Interactions) -> pl.DataFrame:
    columns: dict[str, Any] = {"user": history.users, "item": history.items}
    if history.explicit:
        columns["rating"] = history.ratings
    if history.timed:
        columns["time"] = history.times
    return pl.DataFrame(columns)


def _history(
    frame: pl.DataFrame, items: pl.DataFrame, people: pl.DataFrame, manifest: Manifest
) -> Interactions:
    user_ids = Vocabulary(people["id"], sort="person")
    known = people.drop(COUNT)
    sizes = (manifest.sizes.users, manifest.sizes.items)
    if sizes != (len(user_ids), items.height):
        raise ArtefactError(
            f"there are {len(user_ids)} people and {items.height} films",
            expected=f"{sizes[0]} and {sizes[1]}",
        )
    return Interactions.build(
        frame["user"].to_numpy(),
        frame["item"].to_numpy(),
        frame["rating"].to_numpy() if manifest.data.explicit else None,
        frame["time"].to_numpy() if manifest.data.timed else None,
        user_ids=user_ids,
        catalogue=Catalogue(items.drop(COUNT, MEAN)),
        people=known if known.width > 1 else None,
    )


def _read_table(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ArtefactError(f"the table cannot be read: {error}", where=str(path)) from None


def _save_weights(model: Recommender, path: Path) -> None:
    state = {name: t.detach().cpu().contiguous() for name, t in model.state_dict().items()}
    try:
        save_file(state, path)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    # safetensors lets only the owner read; who may is for the umask to say, as for the tables.
    path.chmod((path.parent / disk.ITEMS).stat().st_mode)


def _model(folder: Path, manifest: Manifest) -> Recommender:
    where = str(folder / disk.MANIFEST)
    try:
        model = models.build(manifest.model, manifest.config, Sizes(**manifest.sizes.model_dump()))
    except (MatineeError, TypeError, RuntimeError, MemoryError) as error:
        raise ArtefactError(
            f"the model {manifest.model!r} cannot be built: {error}", where=where
        ) from None
    path = disk.locate(folder, disk.WEIGHTS)
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ArtefactError(f"the weights cannot be read: {error}", where=str(path)) from None
    _check_shapes(model.state_dict(), state, str(path))
    model.load_state_dict(state, assign=True)
    return model.eval()


def _check_shapes(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], where: str) -> None:
    for name in {**expected, **found}:
        pair = [_shape(tensors.get(name)) for tensors in (expected, found)]
        if pair[0] != pair[1]:
            raise ArtefactError(
                f"the tensor {name!r} is {pair[1]}", where=where, expected=f"{pair[0]}"
            )


def _shape(tensor: Tensor | None) -> str:
    if tensor is None:
        return "absent"
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
