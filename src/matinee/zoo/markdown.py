"""The zoo as a page of the reference, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from matinee.comparison import Compared, Judged
from matinee.comparison.sections import CERTAIN, interval
from matinee.evaluation import direction
from matinee.exhibits.words import markdown_table, significant
from matinee.zoo.bars import Reached

HEAD = "<!-- Written by `matinee bench page`; do not edit. -->"

SIMPLE = ("popularity", "itemknn", "ease")
"""The simple baselines that every model should beat."""

TOGETHER = """Processes trained several models, one after the other: the memory told of a model is \
the most that it or any before it in its process needed."""
"""Said of the variants of a recipe."""

SHOWN = ("ndcg", "recall", "hit_rate", "map", "rmse", "mae", "coverage", "diversity", "novelty")
"""The metrics of the table, as far as the runs have them."""


def markdown(
    compared: Compared,
    failures: Mapping[str, str],
    bars: Sequence[Reached],
    *,
    command: str,
    picture: str | None = None,
    together: bool = False,
) -> str:
    """The page.

    Args:
        compared: The runs of the zoo, judged.
        failures: Models that could not be trained, and why.
        bars: The bars and what was reached.
        command: What trained the runs.
        picture: Address of the picture of learning, if there is one.
        together: Whether one process trained all models.
    """
    parts = [
        HEAD,
        "# The model zoo",
        *_bars(bars),
        *_protocol(compared, command),
        _models(compared),
        *([TOGETHER] if together else []),
        *_losers(compared),
        *_failures(failures),
        *_curves(compared, picture),
        *_settings(compared),
    ]
    return "\n\n".join(parts) + "\n"


def _bars(bars: Sequence[Reached]) -> Iterator[str]:
    if not bars:
        return
    yield "## Bars"
    yield "Figures of the test part, with 95 % intervals where the run tells them."
    head = ("task", "metric", "bar", "best of others", "reached", "verdict", "seconds", "on")
    rows = [_bar(one) for one in bars]
    yield markdown_table((*head, "command"), rows)


def _bar(one: Reached) -> tuple[str, ...]:
    bar, verdict = one.bar, one.verdict
    sign = "≥" if direction(bar.metric) >= 0 else "≤"
    ends = "" if one.low is None or one.high is None else f" [{one.low:.4f}, {one.high:.4f}]"
    return (
        bar.task,
        bar.metric,
        f"{sign} {bar.aim:g}",
        bar.others,
        "" if one.value is None else f"{one.value:.4f}{ends}",
        verdict if verdict == "reached" else f"**{verdict}**",
        "" if one.seconds is None else f"{one.seconds:,.0f}",
        one.machine,
        f"`{bar.command}`",
    )


def _protocol(compared: Compared, command: str) -> Iterator[str]:
    facts = compared.runs[0].facts
    yield "## All models under one protocol"
    yield (
        f"`{facts.data.name}`: {facts.data.ratings:,} ratings by {facts.data.users:,} people of "
        f"{facts.data.items:,} films; split `{facts.split.kind}`, seed {facts.seed}; "
        f"{compared.runs[0].report.protocol}. In brackets: 95 % confidence intervals over people."
    )
    yield f"```text\n{command}\n```"


def _models(compared: Compared) -> str:
    names = [name for name in compared.metrics if name.partition("@")[0] in SHOWN]
    names.sort(key=lambda name: name != compared.primary)
    head = ("model", *names, "seconds", "memory, MB", "numbers learned", "on")
    rows = [_model(run, names, compared.primary) for run in compared.in_order]
    return markdown_table(head, rows)


def _model(run: Judged, names: Sequence[str], primary: str) -> tuple[str, ...]:
    figures = [run.report.metrics.get(name) for name in names]
    cells = [
        "" if one is None else interval(one) if name == primary else f"{one.value:.4f}"
        for one, name in zip(figures, names, strict=True)
    ]
    facts = run.facts
    cost = (f"{facts.seconds:,.1f}", f"{facts.peak_mb:,.0f}", f"{run.weights:,}", facts.machine)
    return (f"`{run.label}`", *cells, *cost)


def _losers(compared: Compared) -> Iterator[str]:
    """Which models do worse than a simple baseline, surely or perhaps."""
    yield "## Where a model loses to a simple baseline"
    by_name = {run.label: run for run in compared.ranked}
    rows = [
        row
        for run in compared.ranked
        for simple in SIMPLE
        if simple in by_name and run.label not in SIMPLE
        if (row := _loss(compared, run, by_name[simple])) is not None
    ]
    if not rows:
        yield f"None does worse than {', '.join(f'`{name}`' for name in SIMPLE)}."
        return
    yield (
        f"By {compared.primary}; `surely` where the paired t test's p-value, corrected after Holm "
        f"for all comparisons, is below {CERTAIN:g}."
    )
    yield markdown_table(("model", "baseline", "difference", "surely"), rows)


def _loss(compared: Compared, run: Judged, simple: Judged) -> tuple[str, ...] | None:
    metric = compared.primary
    sign = direction(metric) or 1
    difference = run.report.metrics[metric].value - simple.report.metrics[metric].value
    if sign * difference >= 0:
        return None
    tests = compared.tests.filter(compared.tests["metric"] == metric).to_dicts()
    pair = {run.label, simple.label}
    p = next((test["p_holm"] for test in tests if {test["a"], test["b"]} == pair), 1.0)
    sure = "surely" if p < CERTAIN else "perhaps"
    return f"`{run.label}`", f"`{simple.label}`", f"{difference:+.4f}", sure


def _failures(failures: Mapping[str, str]) -> Iterator[str]:
    if failures:
        yield "## Not trained"
        yield "\n".join(f"- `{name}`: {why}" for name, why in failures.items())


def _curves(compared: Compared, picture: str | None) -> Iterator[str]:
    if picture is not None:
        solved = any(len(curve) == 1 for curve in compared.curves.values())
        point = "; a point is a model that is solved in one go" if solved else ""
        yield "## Quality against seconds of training"
        yield f"{compared.watched} on the validation part, from the histories of the runs{point}."
        yield f"![{compared.watched} against seconds of training]({picture})"


def _settings(compared: Compared) -> Iterator[str]:
    """What was set; defaults are those of the reference."""
    rows = [(f"`{run.label}`", _given(run.settings)) for run in compared.in_order if run.settings]
    yield "## Settings"
    if not rows:
        yield "All models have their [defaults](settings.md)."
        return
    yield "Those that are not named have their [defaults](settings.md)."
    yield markdown_table(("model", "settings"), rows)


def _given(settings: Mapping[str, object]) -> str:
    told = {
        name: significant(value) if isinstance(value, float) else value
        for name, value in settings.items()
    }
    return ", ".join(f"`{name} = {value}`" for name, value in told.items())
