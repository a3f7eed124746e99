"""What a run folder says of itself in `model.json`: a closed schema, checked on reading."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, JsonValue

from matinee.config import Config
from matinee.data.interactions import Interactions
from matinee.errors import ArtefactError, ConfigError
from matinee.splits import Split

FORMAT = 1
"""The format of run folders this version writes, and the newest it reads."""


class Figure(Config):
    """A measured quantity with its 95 % confidence interval."""

    value: float
    """What was measured."""
    low: float | None = None
    """Lower end of the interval, or None where there is none."""
    high: float | None = None
    """Upper end of the interval."""


class ScaleFacts(Config):
    """The scale ratings are given on."""

    low: float
    """Smallest rating."""
    high: float
    """Largest rating."""
    step: float
    """Distance of neighbouring ratings."""


class DataFacts(Config):
    """Which data a model comes from."""

    name: str
    """The name it was asked for by: a data set, a folder or a file."""
    digest: str
    """SHA-256 of the data, as `Interactions.digest`."""
    users: int
    """Number of people."""
    items: int
    """Number of films."""
    ratings: int
    """Number of ratings, before any split."""
    scale: ScaleFacts
    """The rating scale."""
    explicit: bool
    """Whether there are ratings, or only events."""
    timed: bool
    """Whether there are times."""

    @classmethod
    def of(cls, name: str, data: Interactions) -> Self:
        """The facts of a data set known as `name`."""
        scale = data.scale
        return cls(
            name=name,
            digest=data.digest,
            users=data.n_users,
            items=data.n_items,
            ratings=len(data),
            scale=ScaleFacts(low=scale.low, high=scale.high, step=scale.step),
            explicit=data.explicit,
            timed=data.timed,
        )


class SizeFacts(Config):
    """The table sizes a model was built with; see `matinee.models.Sizes`."""

    users: int
    """Number of people."""
    items: int
    """Number of films."""
    ratings: int
    """Number of training ratings."""
    levels: int = 1
    """Number of ratings there are to choose from."""
    item_fields: dict[str, int] = {}
    """Number of values of each field of the films."""
    user_fields: dict[str, int] = {}
    """Number of values of each field of the people."""


class SplitFacts(Config):
    """How the data were cut."""

    kind: str
    """One of the kinds of `matinee.splits`."""
    digest: str
    """SHA-256 of the split, as `Split.digest`."""
    arguments: dict[str, JsonValue]
    """What the cut was asked with (shares, seed, files)."""

    @classmethod
    def of(cls, split: Split, arguments: Mapping[str, JsonValue]) -> Self:
        """The facts of a split made with `arguments`."""
        return cls(kind=split.kind, digest=split.digest, arguments=dict(arguments))


class Facts(Config):
    """What a model was learned from, how, and how well it does."""

    data: DataFacts
    """What it was learned from."""
    split: SplitFacts
    """Which part was learned from and which part it was judged by."""
    trainer: dict[str, JsonValue] = Field(default_factory=dict)
    """Settings of the training loop; empty for models that are solved in one go."""
    seed: int = 0
    """The seed of the training."""
    metrics: dict[str, Figure] = Field(default_factory=dict)
    """What was measured on the test part, by the names of metrics."""
    popularity: dict[str, Figure] = Field(default_factory=dict)
    """The same measured of the most popular films, for comparison."""
    protocol: str = ""
    """How it was measured, in a sentence or two."""
    seconds: float = 0.0
    """Wall-clock time of the training."""
    peak_mb: float = 0.0
    """Largest resident memory of the training, in megabytes (10^6 bytes)."""
    machine: str = ""
    """What it was trained on: `cpu`, or the name of an accelerator."""


class Manifest(Facts):
    """All of `model.json`."""

    format: int
    """The format of the folder."""
    matinee: str
    """The version of Matinee that wrote it."""
    created: str
    """When it was written, in UTC."""
    model: str
    """Name of the model."""
    config: dict[str, JsonValue]
    """Settings of the model."""
    sizes: SizeFacts
    """Table sizes the model was built with."""
    files: dict[str, str]
    """SHA-256 of every other file of the run, by name."""

    def facts(self) -> Facts:
        """The part that is not about the folder itself."""
        return Facts(**{name: getattr(self, name) for name in Facts.model_fields})

    def text(self) -> str:
        """The JSON to write, with a checksum over its own canonical form."""
        document = self.model_dump(mode="json")
        return json.dumps(
            {**document, "digest": digest(document)}, indent=2, ensure_ascii=False, allow_nan=False
        )

    @classmethod
    def read(cls, text: str, *, where: str) -> Self:
        """Check and read what `text` wrote.

        Raises:
            ArtefactError: If it is no such JSON, from a newer version, changed since it was
                written, or has other fields than it should.
        """
        document = _json_object(text, where)
        version = document.get("format")
        if isinstance(version, int) and version > FORMAT:
            raise ArtefactError(
                f"this run has format {version}, which is newer than this version of Matinee",
                where=where,
                expected=f"format {FORMAT} or older",
                remedy="Update Matinee, or train the run again.",
            )
        if document.pop("digest", None) != digest(document):
            raise ArtefactError(
                "the file was changed after it was written: its checksum does not match",
                where=where,
                remedy="Restore it from a copy, or train the run again.",
            )
        try:
            return cls.parse(document, where=where)
        except ConfigError as error:
            raise ArtefactError(error.what, where=where, expected=error.expected) from None


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of a JSON document in canonical form: sorted keys, no white space, UTF-8."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _json_object(text: str, where: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ArtefactError(
            "the file is not a JSON object",
            where=where,
            remedy="Restore it from a copy, or train the run again.",
        )
    return document
