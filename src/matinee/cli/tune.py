"""`matinee tune`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matinee.cli import runspec as options
from matinee.cli.command import Config, Settings, UsageError, command
from matinee.cli.console import Console, escape, table

if TYPE_CHECKING:
    from matinee.tuning import Plan, Result, Tried

REPORT = "report.html"


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "tune")(tune)


def tune(
    console: Console,
    recipe: Annotated[
        str | None, typer.Argument(metavar="RECIPE", help="A recipe, or a TOML file of one.")
    ] = None,
    *,
    variant: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which variant of the recipe.")
    ] = None,
    model: options.Model = None,
    data: options.Data = None,
    split: options.Split = None,
    test: options.Test = None,
    valid: options.Valid = None,
    fold_in: options.FoldIn = None,
    train: options.Train = None,
    negatives: options.Negatives = None,
    at_least: options.AtLeast = None,
    ordered: options.Ordered = False,
    user_ratings: options.UserRatings = None,
    film_ratings: options.FilmRatings = None,
    seed: options.Seed = None,
    config: Config = None,
    settings: Settings = None,
    search: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY[=VALUES]",
            help="Try only this setting, over its own range, LOW..HIGH[:log] or A|B|C; "
            "may be repeated.",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What is made best on the validation part."),
    ] = None,
    trials: Annotated[
        int, typer.Option(min=1, metavar="N", help="Trials altogether, with those of before.")
    ] = 50,
    minutes: Annotated[
        float | None, typer.Option(min=0, metavar="M", help="Stop after so many minutes.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, metavar="N", help="Processes that try settings side by side.")
    ] = 1,
    pruner: Annotated[
        str, typer.Option(metavar="NAME", help="Gives trials up: median, halving or none.")
    ] = "median",
    out: Annotated[
        Path | None,
        typer.Option(metavar="STUDY", help="The study's folder. [default: runs/tune-NAME]"),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="STUDY", help="Go on with a study, as it was asked for.")
    ] = None,
) -> None:
    """Look for the best settings of a model, or of a recipe, by its validation part."""
    given = options.given(
        model=model,
        data=data,
        split=split,
        test=test,
        valid=valid,
        fold_in=fold_in,
        train=train,
        negatives=negatives,
        at_least=at_least,
        ordered=ordered or None,
        user_ratings=user_ratings,
        film_ratings=film_ratings,
        seed=seed,
    )
    asked = {"metric": metric, "search": search}
    if resume is not None:
        if recipe or variant or given or config or settings or out or any(asked.values()):
            raise UsageError("--resume takes no other options than limits: the study knows them")
        from matinee.tuning import read_plan

        plan, folder = read_plan(resume), resume
    elif recipe is not None:
        plan = _of_recipe(recipe, variant, given, config, settings or [], asked, pruner)
        folder = out or Path("runs") / f"tune-{Path(recipe).stem}"
    else:
        if variant is not None:
            raise UsageError("--variant is one of a recipe's")
        plan = _of_model(given, config, settings or [], asked, pruner)
        folder = out or Path("runs") / f"tune-{plan.spec.model}"
    _report(console, _run(console, plan, folder, trials, minutes, workers))


def _of_model(
    given: dict[str, Any],
    config: str | None,
    settings: list[str],
    asked: dict[str, Any],
    pruner: str,
) -> Plan:
    from matinee.tuning import make_plan

    return make_plan(options.spec(config, given, settings), **asked, pruner=pruner)


def _of_recipe(
    name: str,
    variant: str | None,
    given: dict[str, Any],
    config: str | None,
    settings: list[str],
    asked: dict[str, Any],
    pruner: str,
) -> Plan:
    from matinee.config import parse_assignments
    from matinee.errors import unknown
    from matinee.recipes import find
    from matinee.tuning import make_plan

    if config or "model" in given or "split" in given:
        raise UsageError("a recipe says itself what is trained and how ratings are set aside")
    recipe = find(name)
    known = recipe.all_variants
    variant = variant or recipe.main or (next(iter(known)) if len(known) == 1 else None)
    if variant is None:
        raise UsageError("say which variant: --variant " + "|".join(known))
    if variant not in known:
        raise unknown("variant", variant, known, where="--variant")
    seed, data = given.pop("seed", 0), given.pop("data", None)
    spec = recipe.spec(variant, seed=seed, data=data)
    spec = spec.updated({**given, "settings": {**spec.settings, **parse_assignments(settings)}})
    metric = asked["metric"] or recipe.choose or next(iter(recipe.metrics))
    return make_plan(spec, metric=metric, search=asked["search"], pruner=pruner, recipe=recipe)


def _run(
    console: Console,
    plan: Plan,
    folder: Path,
    trials: int,
    minutes: float | None,
    workers: int,
) -> Result:
    from matinee import tuning

    best: list[float] = []

    def tell(tried: Tried) -> None:
        if tried.value is not None:
            best[:] = [max([*best, tried.value], key=lambda value: plan.sign * value)]
        console.note(_line(tried, plan, best))

    try:
        return tuning.tune(plan, folder, trials=trials, minutes=minutes, workers=workers, tell=tell)
    except KeyboardInterrupt:
        console.warn(f"stopped. To go on: matinee tune --resume {folder}")
        raise typer.Exit(130) from None


def _line(tried: Tried, plan: Plan, best: list[float]) -> str:
    """A trial in a line."""
    from matinee.tuning.report import told

    settings = ", ".join(f"{name} {told(value)}" for name, value in tried.settings.items())
    if tried.value is None:
        return f"trial {tried.number}: {tried.why}; {settings}"
    return (
        f"trial {tried.number}: {plan.metric} {tried.value:.4f} (best {best[0]:.4f}), "
        f"{tried.seconds:.1f} s; {settings}"
    )


def _report(console: Console, found: Result) -> None:
    from matinee.tuning import page, save_best
    from matinee.tuning.best import RECIPE

    ready = save_best(found)
    report = found.folder / REPORT
    report.write_text(page(found), encoding="utf-8")
    console.answer({**found.as_dict(), "config": str(ready), "report": str(report)}, *_parts(found))
    console.note(f"The report is {report}; open it in a browser.")
    run = (
        f"matinee recipes run {ready}"
        if ready.name == RECIPE
        else (f"matinee train --config {ready} --out runs/{found.plan.spec.model}-tuned")
    )
    console.next(f"{run}   (judges it on the test part, once)")


def _parts(found: Result) -> list[Any]:
    from matinee.tuning.report import told

    best, usual = found.best, found.usual
    assert best is not None
    assert usual is not None
    metric = found.plan.metric
    value = "given up" if usual.value is None else f"{usual.value:.4f}"
    rows = [
        [
            name,
            escape(told(best.settings.get(name))),
            escape(told(usual.settings.get(name))),
            f"{100 * found.importance[name]:.0f} %" if name in found.importance else "",
        ]
        for name in dict.fromkeys([*found.importance, *found.plan.space])
    ]
    pruned = sum(trial.value is None for trial in found.trials)
    return [
        escape(f"{found.plan.spec.model} on {found.plan.spec.data or found.plan.spec.train}"),
        f"{metric} {best.value:.4f} on the validation part; the defaults {value}",
        table(("setting", "best", "defaults", "importance"), rows),
        f"{len(found.trials)} trials, {pruned} of them given up; {found.seconds:.0f} s",
    ]
