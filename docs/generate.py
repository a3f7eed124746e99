"""Write the reference pages from the code, so that they cannot disagree with it.

`python docs/generate.py` writes them; a test compares them with what is committed.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer.main
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import matinee
from matinee import splits
from matinee.cli.main import app
from matinee.config import Config, Search
from matinee.engine import TrainerConfig
from matinee.evaluation import beyond, likes, ranking, rating
from matinee.evaluation.metric import Metric
from matinee.experiment import NARROWING
from matinee.models import MODELS
from matinee.models.base import Learned, RatingPredictor
from matinee.recipes import Goal, Recipe, find, names
from matinee.service.app import create_app
from matinee.service.settings import ServeSettings

FOLDER = Path(__file__).parent / "reference"
WORDS = {NoneType: "none", str: "text", float: "number", bool: "true or false", Path: "path"}
SECTIONS = ("Args:", "Attributes:", "Returns:", "Raises:")
EVERYWHERE = {"--json", "--verbose", "--quiet", "--help"}
NOTE = "<!-- Written by docs/generate.py from the code; do not edit. -->\n\n"


def pages() -> dict[str, str]:
    """All generated pages: file name to text."""
    texts = {
        "cli.md": cli(),
        "python.md": python(),
        "models.md": models(),
        "settings.md": settings(),
        "splits.md": split_kinds(),
        "metrics.md": metrics(),
        "recipes.md": recipe_pages(),
        "rest.md": rest(),
    }
    return {name: NOTE + text.rstrip() + "\n" for name, text in texts.items()}


def cli() -> str:
    """Every command with its arguments and options."""
    command = typer.main.get_command(app)
    rows = [
        (
            "`--json`",
            "Answer with one JSON document on standard output, errors as JSON on standard error.",
        ),
        ("`-v`, `--verbose`", "Say more, with tracebacks."),
        ("`-q`, `--quiet`", "Say nothing but the answer."),
        ("`-h`, `--help`", "Show what a command takes."),
    ]
    return "\n".join(
        [
            "# The command `matinee`\n",
            "Answers go to standard output, everything else to standard error. The exit code is 0 "
            "when it worked, 1 when it could not be done, 2 for wrong usage, 130 after Ctrl-C. "
            "Every command takes:\n",
            _table(("option", "meaning"), rows),
            *_command(command, "matinee"),
        ]
    )


def _command(command: Any, path: str) -> Iterator[str]:
    if path != "matinee":
        yield f"## `{path}`\n"
    if command.help:
        yield inspect.cleandoc(command.help) + "\n"
    given = [p for p in command.params if not p.hidden and not {*p.opts} & EVERYWHERE]
    if given:
        rows = [(_names(p), _kind(p), _default(p), p.help or "") for p in given]
        yield _table(("argument or option", "type", "default", "meaning"), rows)
    for name in sorted(getattr(command, "commands", {})):
        child = command.commands[name]
        if not child.hidden:
            yield from _command(child, f"{path} {name}")


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{(parameter.metavar or parameter.name).upper()}`"
    return ", ".join(f"`{o}`" for o in (*parameter.opts, *parameter.secondary_opts))


def _kind(parameter: Any) -> str:
    annotation = parameter.type_descriptor.annotation
    several = parameter.multiple or parameter.nargs == -1
    text = type_text(annotation).removesuffix(" or none")
    return text + ("" if not several or text.startswith("list") else ", several")


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    return "" if parameter.default in (None, False, (), []) else f"`{_plain(parameter.default)}`"


def python() -> str:
    """The public names of the package."""
    parts = ["# The package `matinee`\n", inspect.cleandoc(matinee.__doc__ or "") + "\n"]
    for name in sorted(matinee.__all__, key=str.lower):
        thing = getattr(matinee, name)
        if callable(thing):
            parts.append(_documented(f"## `matinee.{name}`", thing))
        if inspect.isclass(thing):
            parts += _methods(thing)
    return "\n".join([*parts, "## `matinee.MODELS`\n\nEvery [model](models.md) by its name.\n"])


def _methods(thing: type) -> Iterator[str]:
    if issubclass(thing, Config):
        yield _fields("field", thing)
    for name in vars(thing):
        member = getattr(thing, name)
        if not name.startswith("_") and (inspect.isfunction(member) or inspect.ismethod(member)):
            yield _documented(f"### `{thing.__name__}.{name}`", member)


def _documented(title: str, thing: Any) -> str:
    """A heading with the signature and the docstring of a function or class."""
    call = f"{thing.__name__}{inspect.signature(thing)}"
    call = re.sub(r"(: |-> )'([^']*)'", r"\1\2", call)  # annotations are kept as text
    if inspect.isclass(thing) and issubclass(thing, Config):
        call = f"{thing.__name__}(field=value, ...)"
    return f"{title}\n\n```text\n{call}\n```\n\n{_markdown(inspect.getdoc(thing) or '')}\n"


def _markdown(docstring: str) -> str:
    """A Google docstring, whose sections come last, with these as lists."""
    lines: list[str] = []
    section = ""
    for line in docstring.splitlines():
        if line in SECTIONS:
            section = line
            lines.append(f"**{line.removesuffix(':')}**\n")
        else:
            lines.append(_entry(line, section) if section else line)
    return "\n".join(lines)


def _entry(line: str, section: str) -> str:
    text = line.removeprefix("    ")
    name, colon, meaning = text.partition(": ")
    if section == "Returns:" or text.startswith(" ") or not colon:
        return text
    return f"- `{name}`: {meaning}"


def models() -> str:
    """What each model is."""
    parts = ["# Models\n", "Settings are listed [on their own page](settings.md).\n"]
    for name, model in sorted(MODELS.items()):
        learning = "trained step by step" if issubclass(model, Learned) else "computed in one go"
        stars = "; predicts stars" if issubclass(model, RatingPredictor) else ""
        parts.append(f"## `{name}`\n\n{inspect.getdoc(model)}\n\nIt is {learning}{stars}.\n")
        if issubclass(model, Learned) and model.defaults:
            chosen = ", ".join(f"`{key} = {_plain(v)}`" for key, v in model.defaults.items())
            parts.append(f"Its own defaults for training: {chosen}.\n")
    return "\n".join(parts)


def settings() -> str:
    """The settings of each model and of training."""
    parts = [
        "# Settings\n",
        "Given as `--set key=value`, in a TOML file with `--config`, or in Python. "
        "'Search' is the range in which tuning looks.\n",
        _settings("Training", TrainerConfig),
    ]
    parts += [_settings(f"`{name}`", model.Config) for name, model in sorted(MODELS.items())]
    return "\n".join(parts)


def _settings(title: str, config: type[Config]) -> str:
    table = _fields("setting", config) if config.model_fields else "No settings.\n"
    return f"## {title}\n\n{table}"


def _fields(sort: str, config: type[Config]) -> str:
    rows = [(f"`{key}`", *_field(field)) for key, field in config.model_fields.items()]
    return _table((sort, "type", "default", "search", "meaning"), rows)


def _field(field: FieldInfo) -> tuple[str, str, str, str]:
    marks = [*field.metadata, *_metadata(field.annotation)]
    bounds = [
        f"{sign} {_plain(getattr(mark, name))}"
        for mark in marks
        for name, sign in (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤"))
        if getattr(mark, name, None) is not None
    ]
    kind = ", ".join(dict.fromkeys([type_text(field.annotation), *bounds]))
    search = next((_search(mark) for mark in marks if isinstance(mark, Search)), "")
    default = field.get_default(call_default_factory=True)
    shown = "required" if default is PydanticUndefined else f"`{_plain(default)}`"
    return kind, shown, search, field.description or ""


def _metadata(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        for mark in marks:
            yield from mark.metadata if isinstance(mark, FieldInfo) else [mark]
        yield from _metadata(inner)
    elif get_origin(annotation) in (Union, UnionType):
        for part in get_args(annotation):
            yield from _metadata(part)


def _search(search: Search) -> str:
    if search.choices:
        return ", ".join(f"`{_plain(c)}`" for c in search.choices)
    marks = ", logarithmic" if search.log else ""
    marks += f", multiples of {search.multiple}" if search.multiple > 1 else ""
    return f"{_plain(search.low)} to {_plain(search.high)}{marks}"


def split_kinds() -> str:
    """The kinds of split, as their functions describe them."""
    functions = [
        getattr(splits, name) for name in splits.__all__ if name.endswith(("_split", "k_fold"))
    ]
    named = [f for f in functions if f.__name__.split("_")[0] not in ("make", "load", "save")]
    kinds = ", ".join(f"`{kind}`" for kind in splits.KINDS)
    parts = ["# Splits\n", f"`--split` takes one of {kinds}.\n"]
    return "\n".join([*parts, *(_documented(f"## `splits.{f.__name__}`", f) for f in named)])


def metrics() -> str:
    """The tables of metrics."""
    parts = [
        "# Metrics\n",
        "Why they are defined so, and how libraries differ, is told in "
        "[How models are judged](../explanation/evaluation.md).\n",
    ]
    for title, table in (
        ("Ranking", ranking.METRICS),
        ("Beyond accuracy", beyond.METRICS),
        ("Ratings", rating.METRICS),
        ("Likes, computed when named", likes.METRICS),
    ):
        rows = [_metric(name, metric) for name, metric in table.items()]
        parts.append(f"## {title}\n\n" + _table(("metric", "range", "definition"), rows))
    return "\n".join(parts)


def _metric(name: str, metric: Metric[Any]) -> tuple[str, str, str]:
    cut = "@k" if metric.at_k else ""
    limit = "∞" if metric.limit == math.inf else _plain(metric.limit)
    return f"`{name}{cut}`", f"0 to {limit}", metric.definition


def recipe_pages() -> str:
    """Every recipe with its figures, split and settings."""
    parts = [
        "# Recipes\n",
        "A recipe is a TOML file that names data, split, model, training, metrics and the "
        "published figures to compare with. `matinee recipes run NAME` goes the whole way, and "
        "with `--resume` goes on where it was stopped, or trains only what was changed since; the "
        "files are in `recipes/`. What the systems are, and what was wrong in them, is told of "
        + ", ".join(f"[R{n}](../explanation/reference-systems/r{n}.md)" for n in range(1, 6))
        + ".\n",
        "With three seeds or more the 95 % interval is a t interval over seeds; with fewer it is "
        "the interval over people of a run, the ends averaged over two.\n",
    ]
    return "\n".join([*parts, *(_recipe(find(name)) for name in names())])


def _recipe(recipe: Recipe) -> str:
    goals = [_goal(name, goal) for name, goal in recipe.metrics.items()]
    seeds = "one seed" if recipe.seeds == 1 else f"{recipe.seeds} seeds"
    parts = [
        f"## `{recipe.name}`\n\n**{recipe.title}.** {recipe.shows}\n",
        f"Published: {recipe.source}\n",
        f"Data: `{recipe.data}`, {seeds}. {recipe.stand_in or ''}".rstrip() + "\n",
        _table(("metric", "published", "to reach", "note"), goals),
        f"- split: {_given(recipe.split.model_dump())}" + _kept(recipe),
        f"- model: `{recipe.model}`" + (f"; {_given(recipe.settings)}" if recipe.settings else ""),
        *(_variant(recipe, name) for name in recipe.variants),
        f"- counts: {_counted(recipe)}",
        f"- writes as well: {_given(recipe.outputs.model_dump()) or 'nothing'}\n",
    ]
    return "\n".join(parts)


def _kept(recipe: Recipe) -> str:
    kept = _given(recipe.model_dump(include=set(NARROWING)))
    return f"; of the data {kept}" if kept else ""


def _variant(recipe: Recipe, name: str) -> str:
    change = recipe.variants[name]
    model = "" if change.model is None else f"model `{change.model}`"
    told = ", ".join(filter(None, (model, _given(change.settings)))) or "as it stands"
    figures = _given(change.published)
    return f"- variant `{name}`: {told}" + (f"; published: {figures}" if figures else "")


def _counted(recipe: Recipe) -> str:
    chosen = f"the best by `{recipe.choose}` on the validation part"
    told = chosen if recipe.choose else f"`{recipe.main or recipe.model}`"
    return told + (", trained anew with that part" if recipe.refit else "")


def _goal(name: str, goal: Goal) -> tuple[str, ...]:
    sign = "≥" if goal.better == "higher" else "≤"
    aim = "" if goal.aim is None else f"{sign} {_plain(goal.aim)}"
    published = "" if goal.published is None else _plain(goal.published)
    return f"`{name}`", published, aim, goal.note


def _given(values: dict[str, Any]) -> str:
    told = {key: value for key, value in values.items() if value not in (None, False)}
    return ", ".join(f"`{key} = {_plain(_fixed(value))}`" for key, value in told.items())


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def rest() -> str:
    """The REST API, from its OpenAPI document, and the settings of the service."""
    document = create_app(ServeSettings.load()).openapi()
    parts = [
        "# The REST API\n",
        document["info"]["description"] + "\n",
        "The service gives this as an OpenAPI 3.1 document at `/openapi.json`. Limits are those "
        "of the [settings](#settings) as they are by default.\n",
    ]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts += _operation(f"{method.upper()} {path}", operation, document)
    parts.append("## What lists are of\n")
    shapes = _shapes(document)
    for name, schema in document["components"]["schemas"].items():
        if name == "Problem" or f"list of {name}" in shapes:
            parts.append(f"### {name}\n\n{schema['description']}\n")
            rows = _json_fields({"$ref": f"/{name}"}, document)
            parts.append(_table(("field", "type", "meaning"), rows))
    parts.append("## Settings\n")
    parts.append(
        "On the command line `--host`, `--port`, `--workers`, `--database` and `--set "
        "name=value`; in the environment `MATINEE_NAME`; in a TOML file with `--config`. The "
        "first of these that names a setting counts.\n"
    )
    rows = [_serve_setting(name, field) for name, field in ServeSettings.model_fields.items()]
    parts.append(_table(("setting", "type", "default", "meaning"), rows))
    return "\n".join(parts)


def _serve_setting(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    kind, default, _, meaning = _field(field)
    return f"`{name}`", kind, default if field.default_factory is None else "", meaning


def _operation(title: str, operation: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    yield f"## `{title}`\n\n{operation['description']}\n"
    given = operation.get("parameters", [])
    if given:
        rows = [
            (f"`{p['name']}`", p["in"], _json_type(p["schema"]), p.get("description", ""))
            for p in given
        ]
        yield _table(("parameter", "in", "type", "meaning"), rows)
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        fields = _json_fields(content["schema"], document)
        yield f"Body: `{kind}`" + (".\n" if fields else ", a file.\n")
        if fields:
            yield _table(("field", "type", "meaning"), fields)
    for status, answer in operation["responses"].items():
        for kind, content in answer.get("content", {}).items():
            if kind != "application/problem+json":
                yield f"Reply {status}: `{kind}`\n"
                fields = _json_fields(content["schema"], document)
                yield _table(("field", "type", "meaning"), fields) if fields else ""


def _json_fields(schema: dict[str, Any], document: dict[str, Any]) -> list[tuple[str, ...]]:
    name = schema.get("$ref", "").rpartition("/")[2]
    properties = document["components"]["schemas"].get(name, {}).get("properties", {})
    return [
        (f"`{field}`", _json_type(told), told.get("description", ""))
        for field, told in properties.items()
    ]


def _shapes(document: dict[str, Any]) -> set[str]:
    """What the lists in the document's schemas are of."""
    schemas = document["components"]["schemas"].values()
    fields = (field for schema in schemas for field in schema.get("properties", {}).values())
    return {_json_type(field).partition(",")[0] for field in fields}


def _json_type(schema: dict[str, Any]) -> str:
    """A JSON schema in words."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_json_type(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    kind = str(schema.get("const", schema.get("type", "any")))
    kind = f"list of {_json_type(schema['items'])}" if kind == "array" else kind
    bounds = [
        f"{sign} {_plain(schema[key])}"
        for key, sign in (("minimum", "≥"), ("maximum", "≤"), ("maxItems", "at most"))
        if key in schema
    ]
    return ", ".join([kind, *bounds])


def type_text(annotation: Any) -> str:
    """A type in words: 'int', 'text or none', '`a` or `b`', 'list of int'."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_text(args[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in args)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(type_text, args)))
    if origin in (list, tuple):
        return "list of " + type_text(args[0])
    return WORDS.get(annotation) or _class_text(annotation)


def _class_text(annotation: Any) -> str:
    if inspect.isclass(annotation) and issubclass(annotation, Enum):
        return " or ".join(f"`{member.value}`" for member in annotation)
    return getattr(annotation, "__name__", str(annotation))


def _plain(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float):
        return f"{value:g}"
    return "[" + ", ".join(map(_plain, value)) + "]" if isinstance(value, tuple) else str(value)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    cells = [head, ("---",) * len(head), *rows]
    escaped = ([" ".join(c.split()).replace("|", "\\|") for c in row] for row in cells)
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped) + "\n"


if __name__ == "__main__":
    for page, text in pages().items():
        (FOLDER / page).write_text(text, encoding="utf-8")
