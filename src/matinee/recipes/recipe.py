"""What a recipe is: a TOML file that names all that a published result is a function of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from matinee.config import Config, load_toml
from matinee.data.download import find_local
from matinee.errors import ConfigError, unknown
from matinee.experiment import RunSpec

FOLDER = Path(__file__).parent / "published"
"""Where the recipes are."""


class SplitSettings(Config):
    """How a recipe sets ratings aside; see the fields of `RunSpec` of the same names."""

    kind: str
    """Kind of split."""
    test: float | str | None = None
    """Share to test with, or the test file in the data's folder. In names of files `{fold}` is the
    number of the run: 1 with the first seed, 2 with the next."""
    valid: float | Literal["last"] | None = None
    """Share to validate with, or 'last' for each person's last training rating (`files`)."""
    fold_in: float | None = None
    """Share of a stranger's ratings that is shown."""
    train: str | None = None
    """Training file in the data's folder."""
    negatives: str | None = None
    """File of candidates in the data's folder."""
    seen_films: bool = False
    """Whether only films of the training part are asked for."""
    candidates: int | None = None
    """Unseen films drawn for each person, to rank the held-out ones among."""
    seed: int | None = None
    """Of what is drawn; None is the seed of the run, so that each run has a split of its own."""


class Variant(Config):
    """A named change of model or settings, run and compared."""

    model: str | None = None
    """The model, if it is another."""
    settings: dict[str, Any] = {}
    """Settings that replace those of the recipe; with another model they are all there are."""
    published: dict[str, float] = {}
    """Figures that were published of this very variant, by metric."""


class Goal(Config):
    """A metric with the figure that was published and the one to reach."""

    better: Literal["higher", "lower"]
    """Which way is better."""
    published: float | None = None
    """The published figure, None where there is none to compare with."""
    bar: float | None = None
    """What is to be reached; None is the published figure."""
    note: str = ""
    """What is to be known of the published figure."""

    @property
    def aim(self) -> float | None:
        """The figure to reach, if there is any."""
        return self.published if self.bar is None else self.bar

    def reached(self, value: float) -> bool | None:
        """Whether a value is as good as the aim; None without an aim."""
        if self.aim is None:
            return None
        return value >= self.aim if self.better == "higher" else value <= self.aim


class Outputs(Config):
    """What is written beside the runs and the table, of the main variant at the first seed."""

    user: str | None = None
    """The person whose ten best unseen films are printed."""
    similar: str | None = None
    """The film to which every variant lists the ten most similar ones."""
    scores: bool = False
    """Whether all unseen pairs are scored, as Parquet: userID, itemID, prediction."""
    splits: bool = False
    """Whether the parts of the split are written as CSV."""
    leave_one_out: Annotated[int, Field(ge=1)] | None = None
    """Unseen films among which each person's last held-out one is ranked, as a second test."""
    tradeoff: Annotated[tuple[str, ...], Field(min_length=2)] | None = None
    """Metrics of which a picture is drawn: the first against each other one, by variant."""


class Recipe(Config):
    """One published system, or the best done on its terms, ready to run."""

    name: str
    """What it is called by: the name of its file."""
    title: str
    """What it is, in a line."""
    shows: str
    """What it shows, in a sentence or two."""
    source: str
    """Where the published figures are from."""
    data: str
    """The data set that is run."""
    stand_in: str | None = None
    """The sentence every table must show where the data are not those of the publication."""
    split: SplitSettings
    """How ratings are set aside."""
    model: str
    """Name of the model."""
    settings: dict[str, Any] = {}
    """Settings of the model and of its training."""
    seeds: Annotated[int, Field(ge=1)] = 1
    """Number of seeds it is run with: 0, 1, 2, ..."""
    k: tuple[Annotated[int, Field(ge=1)], ...] = (10,)
    """Cut-offs of the ranking metrics."""
    at_least: float | None = None
    """Ratings below this are left out."""
    ordered: bool = False
    """Whether ratings without times are given in the order of time."""
    user_ratings: Annotated[int, Field(ge=1)] | None = None
    """People with fewer ratings than this, of those that remain, are left out."""
    film_ratings: Annotated[int, Field(ge=1)] | None = None
    """Films with fewer ratings are left out."""
    like_at: float | Literal["mean"] | None = None
    """The smallest like, for metrics of likes; 'mean' is the mean of the training ratings."""
    metrics: dict[str, Goal]
    """The metrics that are reported, by name."""
    variants: dict[str, Variant] = {}
    """What is run and compared; without any, the recipe as it stands."""
    main: str | None = None
    """The variant whose figures are compared with the published ones."""
    choose: str | None = None
    """The validation metric by which that variant is chosen, instead of `main`."""
    refit: bool = False
    """Whether the main variant is trained anew on training and validation part, for as many
    epochs as were best on the latter."""
    outputs: Outputs = Outputs()
    """What else is written."""

    @field_validator("metrics")
    @classmethod
    def _check_metrics(cls, metrics: dict[str, Goal]) -> dict[str, Goal]:
        if not metrics:
            raise ValueError("one metric or more")
        return metrics

    @field_validator("choose")
    @classmethod
    def _check_choose(cls, choose: str | None, told: ValidationInfo) -> str | None:
        if choose is not None and choose not in told.data.get("metrics", {}):
            raise ValueError("one of the recipe's metrics")
        return choose

    @model_validator(mode="after")
    def _check_main(self) -> Self:
        if self.main is not None and self.main not in self.all_variants:
            raise ConfigError(
                f"main = {self.main!r} is no variant",
                where=self.name,
                expected="one of " + ", ".join(self.all_variants),
            )
        if len(self.all_variants) > 1 and (self.main is None) == (self.choose is None):
            raise ConfigError(
                "several variants need either `main` or `choose`, to say which one counts",
                where=self.name,
            )
        return self

    @model_validator(mode="after")
    def _check_reported(self) -> Self:
        named = {f"variants.{name}.published": v.published for name, v in self.variants.items()}
        for where, metrics in (named | {"outputs.tradeoff": self.outputs.tradeoff or ()}).items():
            for metric in metrics:
                if metric not in self.metrics:
                    raise ConfigError(
                        f"{metric!r} is not reported",
                        where=f"{self.name}: {where}",
                        expected="one of " + ", ".join(self.metrics),
                    )
        return self

    def published(self, variant: str, metric: str) -> float | None:
        """The published figure of a variant; of `main` it may stand with the metric itself."""
        own = self.all_variants[variant].published.get(metric)
        return self.metrics[metric].published if own is None and variant == self.main else own

    @property
    def all_variants(self) -> Mapping[str, Variant]:
        """The variants by name; one named after the model where there are none."""
        return self.variants or {self.model: Variant()}

    def spec(self, variant: str, *, seed: int, data: str | None = None) -> RunSpec:
        """The run of a variant.

        Args:
            variant: One of `all_variants`.
            seed: Of split, weights and training.
            data: Other data than the recipe's.
        """
        change = self.all_variants[variant]
        settings = {} if change.model not in (None, self.model) else self.settings
        data = data or self.data
        split = self.split.model_dump(exclude={"kind", "seed"})
        split |= {"split": self.split.kind, "split_seed": self.split.seed}
        if self.split.kind == "files":
            folder = _folder(data)
            for name in ("train", "test", "negatives"):
                file = str(split[name]).replace("{fold}", str(seed + 1))
                split[name] = split[name] and str(folder / file)
        return RunSpec.parse(
            {
                **split,
                "model": change.model or self.model,
                "data": None if self.split.kind == "files" else data,
                "settings": {**settings, **change.settings},
                "at_least": self.at_least,
                "ordered": self.ordered,
                "user_ratings": self.user_ratings,
                "film_ratings": self.film_ratings,
                "seed": seed,
                "k": self.k,
            },
            where=self.name,
        )


def names() -> list[str]:
    """The names of the recipes that come along, in order."""
    return sorted((path.stem for path in FOLDER.glob("*.toml")), key=_order)


def find(name: str) -> Recipe:
    """A recipe by its name, or from a TOML file of one's own.

    Raises:
        UnknownName: If there is none of this name.
        ConfigError: If the file cannot be read or has settings it should not.
    """
    path = Path(name)
    if path.suffix != ".toml":
        if name not in names():
            raise unknown("recipe", name, names())
        path = FOLDER / f"{name}.toml"
    return Recipe.parse({"name": path.stem, **load_toml(path)}, where=str(path))


def _order(name: str) -> tuple[str, bool, str]:
    system, _, sort = name.partition("-")
    return system, sort != "published", sort


def _folder(data: str) -> Path:
    folder = find_local(data) or Path(data)
    if not folder.is_dir():
        raise ConfigError(
            f"there is no folder of data {data!r}",
            where="data",
            expected="a folder under MATINEE_DATA, or a path",
        )
    return folder
