"""What goes in and comes out, as the OpenAPI document tells it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Person = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f/]+$")]
Name = Annotated[str, Field(min_length=1, max_length=500)]
Year = Annotated[int, Field(ge=0, le=9999)]


def at_most(setting: str) -> Any:
    """A list no longer than a limit of the settings; `common.within` checks it."""
    return Field(json_schema_extra={"x-limit": setting})


class Closed(BaseModel):
    """Something sent to us: no other fields, no values bent into another type."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Open(BaseModel):
    """Something we send."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Given(Closed):
    """A rating someone gives in asking."""

    item: Name
    """The film's id or title."""
    rating: float
    """Stars, on the scale of the data."""


class Wishes(Closed):
    """What a list is to be like."""

    k: Annotated[int, Field(ge=1, json_schema_extra={"x-limit": "max_k"})] = 10
    """Length of the list; it is shorter if fewer films are left."""
    genres: Annotated[list[Name], at_most("max_names")] = []
    """Only films with any of these genres."""
    tags: Annotated[list[Name], at_most("max_names")] = []
    """Only films with any of these tags."""
    year_min: Year | None = None
    """Only films of this year or later."""
    year_max: Year | None = None
    """Only films of this year or earlier."""
    exclude: Annotated[list[Name], at_most("max_names")] = []
    """Films not to list, as ids or titles."""
    diversity: Annotated[float, Field(ge=0, le=1)] = 0.0
    """0 gives the best films; towards 1 they are ever less like each other."""
    because: bool = False
    """Whether to tell which liked films speak for each."""


class RecommendationRequest(Wishes):
    """Who asks, and for what. With neither a person nor films the list is of what is popular."""

    user: Person | None = None
    """A person who has ratings here, or whom the model knows from its data."""
    likes: Annotated[list[Name], at_most("max_names")] = []
    """Films that are liked, as ids or titles."""
    ratings: Annotated[list[Given], at_most("max_names")] = []
    """Stars given in asking; they are used for this list alone, and not kept."""


class BatchRequest(Wishes):
    """Many people with the same wishes."""

    users: Annotated[list[Person], Field(min_length=1, json_schema_extra={"x-limit": "max_people"})]
    """The people, each once."""


class Stars(Closed):
    """A rating to keep."""

    rating: float
    """Stars, on the scale of the data."""


class RunToRegister(Closed):
    """A run to make known."""

    run: Name
    """The name of a folder beside the run that serves."""


class Reason(Open):
    """A liked film that speaks for a listed one."""

    title: str
    weight: float
    """Its share of what all liked films together add to the score."""


class Film(Open):
    """A film in a list."""

    id: str
    title: str
    year: int | None
    genres: list[str]
    score: float
    """What the list is ordered by; comparable within the list only."""
    stars: float = 0.0
    """Expected rating; only where the model predicts ratings."""
    because: list[Reason] = []
    """Only on request."""


class FilmList(Open):
    """A list of films."""

    run: str
    model: str
    model_version: str
    """Which model made it."""
    fallback: bool
    """Whether too little was known, so that these are the most popular films (or, of similar
    films, those that share genres)."""
    reason: str
    """What the list is based on, in a sentence."""
    items: list[Film]


class Fault(Open):
    """What is wrong, in the fields of every error."""

    kind: str
    what: str
    where: str | None
    expected: str | None
    remedy: str | None


class ForPerson(Open):
    """One person's list: either films or an error."""

    user: str
    fallback: bool = False
    reason: str = ""
    items: list[Film] = []
    error: Fault | None = None


class Batch(Open):
    """Lists of many people, in the order asked, all by one model."""

    run: str
    model: str
    model_version: str
    results: list[ForPerson]


class Item(Open):
    """A film of the catalogue."""

    id: str
    title: str
    year: int | None
    genres: list[str]
    tags: list[str]
    n_ratings: int
    """Ratings it had in the training data."""
    mean_rating: float | None
    """Their mean; none where there are no ratings."""


class Items(Open):
    """A page of films."""

    items: list[Item]
    next: str | None
    """The cursor of the page after this, or nothing at the end."""


class Rating(Open):
    """A rating that is kept."""

    item: str
    rating: float
    time: int
    """When it was last given, in Unix seconds."""


class Ratings(Open):
    """A page of ratings, oldest first."""

    items: list[Rating]
    next: str | None
    """The cursor of the page after this, or nothing at the end."""


class Mark(Open):
    """A film put aside."""

    item: str
    kind: Literal["watchlist", "not_interested", "seen"]
    time: int
    """When it was last marked, in Unix seconds."""


class Marks(Open):
    """A page of marks, oldest first."""

    items: list[Mark]
    next: str | None
    """The cursor of the page after this, or nothing at the end."""


class Prediction(Open):
    """How someone should rate a film."""

    user: str
    item: str
    stars: float | None
    """Expected rating; nothing where not even a mean is known."""
    fallback: bool
    """Whether nothing is known of the person, so that this is the film's mean rating."""
    model_version: str


class Warned(Open):
    """A row that did not become a rating."""

    file: str
    line: int
    what: str
    title: str
    year: int | None
    nearest: str | None
    """The film of the catalogue that comes nearest."""


class Imported(Open):
    """What became of an imported file."""

    kind: str
    rows_in: int
    rows_kept: int
    taken: int
    """How many ratings are new or newer than what was there."""
    dropped: dict[str, int]
    warnings: list[Warned]


class Model(Open):
    """A model that can serve."""

    version: str
    run: str
    name: str
    created: int
    """When it was registered, in Unix seconds."""
    active: bool


class Models(Open):
    """All models, oldest first."""

    items: list[Model]


class Health(Open):
    """How the service is."""

    status: Literal["ok"]
    model_version: str | None = None


class Problem(Open):
    """An error (RFC 9457), with what was expected and what to do."""

    type: str
    title: str
    status: int
    detail: str
    """The whole story on one line."""
    kind: str
    what: str
    where: str | None
    expected: str | None
    remedy: str | None
    request_id: str = ""
    """Also in the header X-Request-ID and in the logs."""
