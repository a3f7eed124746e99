"""`matinee recipes ...`: published results, run the whole way and compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from matinee.cli.command import FLAGS, Seed, command
from matinee.cli.console import Console, escape, table

if TYPE_CHECKING:
    from matinee.recipes import Goal, Outcome, Recipe


class Listing(TyperGroup):
    """A group that lists when it is not told what to do."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, with `list` put before flags alone."""
        return super().parse_args(ctx, ["list", *args] if set(args) <= set(FLAGS) else args)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        cls=Listing, help="Run published results, and compare.", rich_markup_mode=None
    )
    app.add_typer(group, name="recipes")
    command(group, "list")(list_)
    command(group, "run")(run)


def list_(console: Console) -> None:
    """List the recipes with the published figures."""
    from matinee.recipes import find, names

    recipes = [find(name) for name in names()]
    rows = [
        (
            escape(recipe.name),
            escape(recipe.title),
            escape(recipe.data),
            ", ".join(_figures(recipe)),
        )
        for recipe in recipes
    ]
    console.answer(
        {"recipes": [recipe.model_dump(mode="json") for recipe in recipes]},
        table(("recipe", "what it is", "data", "published"), rows),
    )
    console.next("matinee recipes run NAME")


def run(
    console: Console,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A recipe, or a TOML file.")],
    *,
    data: Annotated[
        str | None, typer.Option(metavar="DATA", help="Other data than the recipe's.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Number of seeds, if another.")
    ] = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder for it. [default: runs/NAME]")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Keep what an earlier one has finished, go on with what was cut short."
        ),
    ] = False,
) -> None:
    """Run a recipe and compare its figures with the published ones."""
    from matinee.recipes import find

    recipe = find(name)
    folder = out or Path("runs") / recipe.name
    outcome = _outcome(console, recipe, folder, data=data, seeds=seeds, seed=seed, resume=resume)
    console.answer(outcome.as_dict(), *_parts(outcome))
    console.next(f"matinee recommend {outcome.trials[0].run} --user ID; all of it is in {folder}")


def _outcome(console: Console, recipe: Recipe, folder: Path, **asked: Any) -> Outcome:
    from matinee.cli.watching import watching
    from matinee.recipes import run as library

    try:
        with watching(console) as watcher:
            return library(recipe, folder, watcher=watcher, tell=console.note, **asked)
    except KeyboardInterrupt:
        console.warn("stopped. To go on: the same command with --resume")
        raise typer.Exit(130) from None


def _figures(recipe: Recipe) -> Iterator[str]:
    for name, goal in recipe.metrics.items():
        if goal.published is not None:
            yield f"{name} {goal.published:.4g}"


def _parts(outcome: Outcome) -> Iterator[Any]:
    """The answer, part by part."""
    recipe = outcome.recipe
    yield escape(f"{recipe.name}: {recipe.title}; variant {outcome.variant} on {outcome.data}")
    if outcome.notice:
        yield escape(outcome.notice)
    yield ""
    yield _table(outcome)
    yield escape(f"{outcome.interval}; {outcome.protocol}")
    if len(outcome.variants) > 1:
        head, rows = outcome.compared()
        yield from ("", table(head, [list(map(escape, row)) for row in rows]))
    if outcome.second:
        told = ", ".join(f"{n} {f.value:.4f}" for n, f in outcome.second.items())
        unseen = recipe.outputs.leave_one_out
        yield from ("", f"leave-one-out test, SAMPLED among {unseen} unseen films: {told}")
    yield from _lists(outcome)
    yield from ("", f"{outcome.seconds:.0f} s, {outcome.peak_mb:,.0f} MB")


def _table(outcome: Outcome) -> Any:
    from matinee.cli.figures import interval, value

    columns = ("metric", "published", "to reach", "ours", "95 % interval", "verdict")
    return table(
        columns,
        [
            (
                row.metric,
                _number(row.goal.published),
                _aim(row.goal),
                value(row.ours),
                interval(row.ours),
                f"[bold]{row.verdict}[/bold]" if row.verdict == "reached" else row.verdict,
            )
            for row in outcome.rows
        ],
    )


def _aim(goal: Goal) -> str:
    sign = "≥" if goal.better == "higher" else "≤"
    return "" if goal.aim is None else f"{sign} {_number(goal.aim)}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _lists(outcome: Outcome) -> Iterator[Any]:
    from matinee.cli.recommend import listing

    wanted = outcome.recipe.outputs
    if outcome.listed is not None:
        yield from ("", f"Ten films for person {escape(str(wanted.user))}")
        yield listing(outcome.listed)
        if outcome.listed.fallback:
            yield "Too little is known of this person: these are the most popular films."
    for variant, found in outcome.similar.items():
        yield from ("", f"Like {escape(str(wanted.similar))}, by {escape(variant)}")
        yield listing(found)
