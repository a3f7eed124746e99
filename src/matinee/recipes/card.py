"""The report card of a recipe's run: Markdown, for people."""

from __future__ import annotations

import math
from collections.abc import Iterator

from matinee.evaluation import Estimate
from matinee.exhibits.words import markdown_table
from matinee.recipes.results import Outcome
from matinee.recommendation import Recommendations


def card(outcome: Outcome) -> str:
    """All that came out, as Markdown."""
    recipe = outcome.recipe
    return "\n\n".join(
        [
            f"# {recipe.name}: {recipe.title}",
            recipe.shows,
            f"Published figures: {recipe.source}",
            f"Data: `{outcome.data}`, split `{recipe.split.kind}`. {outcome.notice}".strip(),
            _main_table(outcome),
            f"Variant `{outcome.variant}`; {outcome.interval}; {outcome.protocol}. "
            f"The whole recipe took {outcome.seconds:.0f} s and "
            f"{outcome.peak_mb:,.0f} MB of memory at most.",
            *_notes(outcome),
            *_variants(outcome),
            *_second(outcome),
            *_lists(outcome),
            f"To run it again: `matinee recipes run {recipe.name}`",
            "",
        ]
    )


def number(value: float | None) -> str:
    """Four places, or nothing."""
    return "" if value is None else f"{value:.4f}"


def interval(figure: Estimate) -> str:
    """The ends, or nothing."""
    known = not math.isnan(figure.low)
    return f"{figure.low:.4f} to {figure.high:.4f}" if known else ""


def _main_table(outcome: Outcome) -> str:
    head = ("metric", "published", "to reach", "ours", "95 % interval", "verdict")
    rows = [
        (
            row.metric,
            number(row.goal.published),
            number(row.goal.aim),
            number(row.ours.value),
            interval(row.ours),
            row.verdict,
        )
        for row in outcome.rows
    ]
    return markdown_table(head, rows)


def _notes(outcome: Outcome) -> Iterator[str]:
    notes = [f"- {name}: {g.note}" for name, g in outcome.recipe.metrics.items() if g.note]
    if notes:
        yield "\n".join(notes)


def _variants(outcome: Outcome) -> Iterator[str]:
    if len(outcome.variants) > 1:
        yield "## Variants"
        yield markdown_table(*outcome.compared())


def _second(outcome: Outcome) -> Iterator[str]:
    if outcome.second:
        unseen = outcome.recipe.outputs.leave_one_out
        yield "## Leave-one-out test"
        yield f"Each person's last held-out film among {unseen} unseen ones drawn at random."
        rows = [(n, number(f.value), interval(f)) for n, f in outcome.second.items()]
        yield markdown_table(("metric", "ours", "95 % interval"), rows)


def _lists(outcome: Outcome) -> Iterator[str]:
    wanted = outcome.recipe.outputs
    if outcome.listed is not None:
        yield f"## Ten films for person {wanted.user}"
        yield _films(outcome.listed)
    for variant, found in outcome.similar.items():
        yield f"## Like {wanted.similar}, by {variant}"
        yield _films(found)


def _films(found: Recommendations) -> str:
    return "\n".join(
        f"{place}. {film.title} ({film.year})" for place, film in enumerate(found.items, 1)
    )
