"""Compared runs as tables and charts, one side of the comparison after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matinee.comparison.judging import Compared, Judged
from matinee.evaluation import Estimate, direction
from matinee.exhibits.types import (
    Cell,
    Column,
    Curves,
    Dots,
    Exhibit,
    Points,
    Section,
    Squares,
    Table,
)
from matinee.exhibits.words import NBSP, count, lasting, listed, percent

BEYOND = ("diversity", "coverage", "novelty", "popularity_bias")
"""What is set against accuracy: the metrics of scatter plots."""

MEANING = {
    "diversity": "how unlike the films of a list are, by genre",
    "coverage": "the share of films that anyone is shown",
    "novelty": "how unknown the films of a list are",
    "popularity_bias": "how much more popular what is shown is than what people had rated",
}

CERTAIN = 0.05
"""A difference counts whose corrected p-value is below this."""


def sections(compared: Compared) -> list[Section]:
    """All sides; those of which nothing is known are left out."""
    found = [
        figures(compared),
        differences(compared),
        beyond(compared),
        by_segment(compared),
        cost(compared),
        learning(compared),
    ]
    return [section for section in found if section.exhibits or section.missing]


def figures(compared: Compared) -> Section:
    """The primary metric with its interval, and all metrics of all runs."""
    metric, ranked = compared.primary, compared.ranked
    best = ranked[0]
    rows = tuple((run.label, *_ends(run.report.metrics[metric])) for run in ranked)
    columns = (Column("run"), *(Column(name, "figure") for name in (metric, "low", "high")))
    says = f"{best.label} has the best {metric}: {best.report.metrics[metric].value:.4f}"
    note = "Lines are 95 % confidence intervals over people."
    chart = Dots((1,), metric, interval=(2, 3))
    drawn = Exhibit("primary", says, Table(columns, rows), chart, note)
    names = compared.metrics
    cells = tuple((run.label, *(_told(run, name) for name in names)) for run in compared.in_order)
    head = (Column("run"), *(Column(name) for name in names))
    firsts = [_best(compared, name) for name in names if direction(name)]
    most = max(firsts, key=firsts.count)
    says = f"{most} is the best in {firsts.count(most)} of {len(firsts)} metrics of accuracy"
    all_of_them = Exhibit(
        "metrics", says, Table(head, cells), note="In brackets: 95 % confidence intervals."
    )
    return Section("figures", "Every figure", (drawn, all_of_them))


def _best(compared: Compared, metric: str) -> str:
    told = [run for run in compared.runs if metric in run.report.metrics]
    sign = direction(metric)
    return max(told, key=lambda run: sign * run.report.metrics[metric].value).label


def _ends(figure: Estimate) -> tuple[float | None, ...]:
    ends = (figure.value, figure.low, figure.high)
    return tuple(None if math.isnan(end) else end for end in ends)


def _told(run: Judged, metric: str) -> str:
    figure = run.report.metrics.get(metric)
    return "–" if figure is None else interval(figure).replace(", ", f",{NBSP}")


def interval(figure: Estimate) -> str:
    """'0.4312 [0.4200, 0.4424]'."""
    known = not math.isnan(figure.low)
    return f"{figure.value:.4f}" + (f" [{figure.low:.4f}, {figure.high:.4f}]" if known else "")


def differences(compared: Compared) -> Section:
    """The best run against each other one, and which of all pairs differ."""
    title, metric, ranked = "Do they differ?", compared.primary, compared.ranked
    pairs = _pairs(compared, metric)
    if not pairs:
        return Section("differences", title)
    best = ranked[0]
    others = [run for run in ranked if (run.label, best.label) in pairs]
    rows: list[tuple[Cell, ...]] = []
    for run in others:
        *ends, p, corrected = pairs[run.label, best.label]
        rows.append((run.label, *ends, _p(p), _p(corrected)))
    surely = sum(pairs[run.label, best.label][4] < CERTAIN for run in others)
    columns = (
        Column("run"),
        *(Column(name, "figure") for name in ("difference", "low", "high")),
        Column("p"),
        Column("corrected"),
    )
    says = f"{best.label} surely differs from {surely} of {count(len(others), 'other', 'others')}"
    note = (
        "Paired t test over people; intervals are of 95 %, p-values corrected after Holm for all "
        "pairs of runs and all metrics compared."
    )
    chart = Dots((1,), f"{metric}, minus that of {best.label}", 0.0, best.label, (2, 3))
    against = Exhibit("against_best", says, Table(columns, tuple(rows)), chart, note)
    return Section("differences", title, (against, *_matrix(compared, pairs)))


def _matrix(compared: Compared, pairs: dict[tuple[str, str], Sequence[float]]) -> list[Exhibit]:
    """Which pairs differ surely, if there are more than those with the best."""
    ranked = compared.ranked
    if len(ranked) < 3:
        return []
    sign, rows, alike = direction(compared.primary) or 1, [], 0
    for run in ranked:
        row: list[Cell] = [run.label]
        for other in ranked:
            found = pairs.get((run.label, other.label))
            sure = found is not None and found[4] < CERTAIN
            alike += found is not None and not sure
            row.append(sign * found[0] if found is not None and sure else None)
        rows.append(tuple(row))
    columns = (Column("better"), *(Column(run.label, "figure") for run in ranked))
    of = len(ranked) * (len(ranked) - 1) // 2
    says = f"{count(alike // 2, 'pair', 'pairs')} of {of} cannot be told apart"
    note = (
        "A filled square: the run of the row is surely better than that of the column, the more "
        "the larger; a hollow one: surely worse; none: it cannot be told."
    )
    return [Exhibit("pairs", says, Table(columns, tuple(rows)), Squares(), note)]


def _pairs(compared: Compared, metric: str) -> dict[tuple[str, str], Sequence[float]]:
    """Difference, ends, p and corrected p of each pair of runs, both ways."""
    found: dict[tuple[str, str], Sequence[float]] = {}
    for row in compared.tests.filter(compared.tests["metric"] == metric).to_dicts():
        difference, low, high, p, holm = (
            row[key] for key in ("difference", "low", "high", "p", "p_holm")
        )
        found[row["a"], row["b"]] = (difference, low, high, p, holm)
        found[row["b"], row["a"]] = (-difference, -high, -low, p, holm)
    return found


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}"


def beyond(compared: Compared) -> Section:
    """Accuracy against what lies beyond it, a plot each."""
    metric = compared.primary
    names = [name for name in compared.metrics if name.partition("@")[0] in BEYOND]
    exhibits = [_against(compared, metric, name) for name in names]
    return Section("beyond", "Accuracy against the rest", tuple(exhibits))


def _against(compared: Compared, metric: str, name: str) -> Exhibit:
    told = [run for run in compared.ranked if name in run.report.metrics]
    rows = tuple(
        (run.label, run.report.metrics[name].value, run.report.metrics[metric].value)
        for run in told
    )
    most = max(told, key=lambda run: run.report.metrics[name].value)
    columns = (Column("run"), Column(name, "figure"), Column(metric, "figure"))
    says = f"{name} is highest with {most.label}: {most.report.metrics[name].value:.3g}"
    chart = Points(1, 2, name, metric, named=True, marked=_front(rows))
    note = f"{name}: {MEANING[name.partition('@')[0]]}."
    return Exhibit(f"against_{name.partition('@')[0]}", says, Table(columns, rows), chart, note)


def _front(rows: Sequence[tuple[Cell, ...]]) -> tuple[int, ...]:
    """The best in accuracy, which is the first row; it stands out in every plot."""
    return (0,) if rows else ()


def by_segment(compared: Compared) -> Section:
    """How each run does for light and heavy users, and for popular, rare and new films."""
    exhibits = [
        _segmented(compared, of, metric)
        for metric in _segment_metrics(compared)
        for of in ("users", "films")
        if any(part.of == of for part in compared.parts)
    ]
    return Section("segments", "For whom, and of what", tuple(exhibits))


def _segment_metrics(compared: Compared) -> list[str]:
    told = {m for run in compared.runs for figures in run.segments.values() for m in figures}
    recall = compared.primary.replace("ndcg", "recall")
    return [name for name in dict.fromkeys((compared.primary, recall)) if name in told]


def _segmented(compared: Compared, of: str, metric: str) -> Exhibit:
    parts = [part for part in compared.parts if part.of == of]
    rows = tuple(
        (run.label, *(_of(run, part.name, metric) for part in parts)) for run in compared.ranked
    )
    columns = (Column("run"), *(Column(part.name, "figure") for part in parts))
    held = ", ".join(f"{part.name} {percent(float(part.kept.mean()))}" for part in parts)
    note = (
        "; ".join(f"{part.name}: {part.about}" for part in parts)
        + f". Of the held-out ratings: {held}. What is held out of the others is not asked for."
    )
    says = f"{metric}: " + "; ".join(
        f"{_best_of(compared, part.name, metric)} is best for {part.name}" for part in parts
    )
    chart = Dots(tuple(range(1, len(parts) + 1)), metric)
    return Exhibit(f"{metric.partition('@')[0]}_{of}", says, Table(columns, rows), chart, note)


def _of(run: Judged, part: str, metric: str) -> float | None:
    figure = run.segments.get(part, {}).get(metric)
    return None if figure is None else figure.value


def _best_of(compared: Compared, part: str, metric: str) -> str:
    sign = direction(metric) or 1
    told = [(run, _of(run, part, metric)) for run in compared.ranked]
    known = [(run.label, value) for run, value in told if value is not None]
    return max(known, key=lambda pair: sign * pair[1])[0] if known else "none"


def cost(compared: Compared) -> Section:
    """Time and memory of training."""
    metric, ranked = compared.primary, compared.ranked
    rows = tuple(
        (
            run.label,
            run.facts.seconds,
            run.facts.peak_mb,
            run.weights,
            run.report.metrics[metric].value,
            run.facts.machine or "–",
        )
        for run in ranked
    )
    columns = (
        Column("run"),
        Column("seconds", "number"),
        Column("memory, MB", "count"),
        Column("numbers learned", "count"),
        Column(metric, "figure"),
        Column("trained on"),
    )
    table = Table(columns, rows)
    quick = min(ranked, key=lambda run: run.facts.seconds)
    small = min(ranked, key=lambda run: run.facts.peak_mb)
    time = Points(1, 4, "seconds of training", metric, log=True, named=True, marked=(0,))
    space = Points(2, 4, "memory at most, MB", metric, log=True, named=True, marked=(0,))
    said = f"{quick.label} trains fastest, in {lasting(max(quick.facts.seconds, 1))}"
    least = f"{small.label} needs the least memory, {small.facts.peak_mb:,.0f} MB"
    note = "Of the whole process that trained and judged it, Python and PyTorch included."
    return Section(
        "cost",
        "What training costs",
        (Exhibit("time", said, table, time), Exhibit("memory", least, table, space, note)),
    )


def learning(compared: Compared) -> Section:
    """Quality against seconds of training, of the best runs that tell it."""
    title, curves, metric = "How quality grows", compared.curves, compared.watched
    if not curves:
        return Section("learning", title)
    rows = tuple((label, *point) for label, curve in curves.items() for point in curve)
    columns = (Column("run"), Column("seconds", "number"), Column(metric, "figure"))
    sign = direction(metric) or 1
    first = max(curves, key=lambda label: sign * curves[label][-1][1])
    says = f"{first} ends best on the validation part, after {lasting(curves[first][-1][0])}"
    solved = listed([label for label, curve in curves.items() if len(curve) == 1])
    note = "Seconds of training alone; validation is not counted." + (
        f" Solved in one go, a point: {solved}." if solved else ""
    )
    chart = Curves("seconds of training", metric, log=True)
    exhibit = Exhibit("curves", says, Table(columns, rows), chart, note)
    return Section("learning", title, (exhibit,))
