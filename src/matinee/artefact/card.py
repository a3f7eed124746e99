"""The card of a run: what a person should know before using it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from matinee.artefact.manifest import Figure, Manifest

MOVIELENS = (
    "The ratings come from MovieLens (GroupLens, University of Minnesota). Their licence allows "
    "research use, asks for acknowledgement, and allows neither redistribution of the ratings "
    "nor commercial use without permission; `history.parquet` holds a part of them."
)
SIMULATED = (
    "The films are real, the people are simulated: figures on this data say that the program "
    "works, not how well it would do for real people."
)
OTHER = (
    "The ratings stay under the terms of whoever they came from; `history.parquet` holds a part "
    "of them."
)


def card(manifest: Manifest) -> str:
    """The card as Markdown."""
    return "\n\n".join(
        [
            f"# {manifest.model} on {manifest.data.name}",
            f"A film recommender, trained with Matinee {manifest.matinee} on {manifest.created}.",
            "## What it learned from",
            _learned_from(manifest),
            "## How well it does",
            manifest.protocol or "It was not measured.",
            *_figures(manifest.metrics, manifest.popularity),
            "## Settings",
            *_settings(manifest),
            "## Limits",
            _limits(manifest),
            "## How to use it",
            _use(),
            "## Licence of the data",
            licence(manifest.data.name),
            "",
        ]
    )


def licence(name: str) -> str:
    """What is to be said of the terms of a data set known as `name`."""
    if name == "sample":
        return SIMULATED
    return MOVIELENS if name.startswith("ml-") else OTHER


def _learned_from(manifest: Manifest) -> str:
    data, split = manifest.data, manifest.split
    what = "ratings" if data.explicit else "events without ratings"
    scale = f" from {data.scale.low:g} to {data.scale.high:g}" if data.explicit else ""
    arguments = ", ".join(f"{key} {value}" for key, value in split.arguments.items())
    return (
        f"`{data.name}`: {data.ratings:,} {what}{scale} by {data.users:,} people of "
        f"{data.items:,} films, cut by the split `{split.kind}`"
        + (f" ({arguments})" if arguments else "")
        + f". Seed {manifest.seed}; {manifest.seconds:.1f} s; "
        f"{manifest.peak_mb:,.0f} MB of memory at most.\n\n"
        f"Data `{data.digest[:16]}`, split `{split.digest[:16]}`."
    )


def _figures(metrics: Mapping[str, Figure], popularity: Mapping[str, Figure]) -> list[str]:
    if not metrics:
        return []
    rows = ["| metric | this model | most popular films |", "|---|---|---|"]
    rows += [
        f"| {name} | {_figure(figure)} | {_figure(popularity.get(name))} |"
        for name, figure in metrics.items()
    ]
    return ["\n".join(rows), "In brackets: 95 % confidence intervals."]


def _figure(figure: Figure | None) -> str:
    if figure is None:
        return "-"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.4f}"
    return f"{figure.value:.4f} [{figure.low:.4f}, {figure.high:.4f}]"


def _settings(manifest: Manifest) -> list[str]:
    tables = [_table("model", manifest.config), _table("training", manifest.trainer)]
    return [table for table in tables if table] or ["It has none."]


def _table(name: str, settings: Mapping[str, JsonValue]) -> str:
    if not settings:
        return ""
    rows = [f"| {key} | {value} |" for key, value in settings.items()]
    return "\n".join([f"| {name} | |", "|---|---|", *rows])


def _limits(manifest: Manifest) -> str:
    return (
        f"It knows the {manifest.data.items:,} films of its data and no others, and it repeats "
        "their habits: much-rated films are suggested more readily than they deserve, and the "
        "taste of people unlike those in the data is served less well. Someone new is "
        "answered from the films they name; with none, the list is of what is popular."
    )


def _use() -> str:
    return (
        "```\n"
        'matinee recommend THIS_FOLDER --likes "Toy Story" "Heat"\n'
        "matinee recommend THIS_FOLDER --user ID -k 10 --because\n"
        "matinee evaluate THIS_FOLDER\n"
        "```\n\n"
        "Weights are in `model.safetensors`, films in `items.parquet`, people in "
        "`people.parquet`, what they had rated in `history.parquet`; `model.json` says how it "
        "all came about and carries the checksums. Nothing in the folder is executed on loading."
    )
