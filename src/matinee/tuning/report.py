"""A study as one page: the best settings, which of them matter, and every trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matinee.exhibits.page import Head
from matinee.exhibits.page import page as page_of
from matinee.exhibits.types import Bars, Cell, Column, Exhibit, Points, Section, Table
from matinee.exhibits.words import count, listed, percent, significant
from matinee.tuning.results import ENOUGH, Result, Tried
from matinee.tuning.study import AT_RANDOM

SLICES = 4
"""Settings whose values are drawn against the metric."""
SHOWN = 30
"""Trials listed; the store has all of them."""


def page(found: Result) -> str:
    """The page as HTML; see `matinee.exhibits.page`."""
    plan, best = found.plan, found.best
    assert best is not None
    on = f" on {plan.spec.data}" if plan.spec.data else ""
    head = Head(
        over="Matinee · tuning",
        name=f"{plan.spec.model}{on}",
        title=f"{plan.spec.model}{on}: tuning",
        lead=f"The best of {count(len(found.trials), 'trial', 'trials')} reaches {plan.metric} "
        f"{best.value:.4f} on the validation part{_gain(found)}",
        foot="Everything here was measured on the validation part, by which settings are chosen: "
        "the best figure is a little too good for that. The test part was not looked at.",
    )
    return page_of(head, [_best(found), _importance(found), _course(found), _trials(found)])


def _gain(found: Result) -> str:
    """Against the defaults, where these were trained to their end."""
    usual, best = found.usual, found.best
    if usual is None or best is None or usual.value is None or best.value is None:
        return ""
    gain = found.plan.sign * (best.value - usual.value)
    if not gain:
        return "; no other settings do better than the defaults"
    return f", {gain:.4f} better than the defaults"


def _best(found: Result) -> Section:
    best, usual = found.best, found.usual
    assert best is not None
    defaults = {} if usual is None else usual.settings
    rows = [
        (name, told(best.settings.get(name)), told(defaults.get(name))) for name in _names(found)
    ]
    columns = (Column("setting"), Column("best"), Column("first trial: the defaults"))
    at = f" after epoch {best.epoch}" if best.epoch else ""
    says = f"Trial {best.number} was the best{at}, in {best.seconds:.1f} seconds"
    fixed = {k: told(v) for k, v in found.plan.spec.settings.items()}
    note = "Fixed: " + ", ".join(f"{k} = {v}" for k, v in fixed.items()) if fixed else ""
    table = Table(columns, tuple(rows))
    return Section("best", "The best settings", (Exhibit("best", says, table, note=note),))


def _importance(found: Result) -> Section:
    title = "Which settings matter"
    if not found.importance:
        few = f"Fewer than {ENOUGH} finished trials are too few to tell which settings matter."
        return Section("importance", title, missing=(few,))
    first, *_ = found.importance
    says = f"{first} matters most: {percent(found.importance[first])} of what sets the best apart"
    rows = tuple((name, share) for name, share in found.importance.items())
    table = Table((Column("setting"), Column("importance, %", "share")), rows)
    note = (
        "PED-ANOVA: how much less spread each setting's values have among the best tenth of the "
        "finished trials than among all, as shares of one."
    )
    shown = [name for name in found.importance if name in found.plan.space][:SLICES]
    slices = [_slice(found, name) for name in shown]
    bars = Exhibit("importance", says, table, Bars(1), note)
    return Section("importance", title, (bars, *slices) if len(rows) > 1 else tuple(slices))


def _slice(found: Result, name: str) -> Exhibit:
    """The metric against one setting."""
    values, best = found.plan.space[name], found.best
    assert best is not None
    kind = "text" if values.choices else "setting"
    trials = [t for t in found.finished if name in t.settings]
    rows = tuple(
        (f"{t.number}", told(t.settings[name]) if values.choices else t.settings[name], t.value)
        for t in trials
    )
    table = Table((Column("trial"), Column(name, kind), Column(found.plan.metric, "figure")), rows)
    chart = Points(1, 2, name, found.plan.metric, log=values.log, marked=(0,))
    ten = [t.settings[name] for t in trials[: max(len(trials) // 10, 3)]]
    says = f"{name}: the best trials have {_span(ten)}"
    return Exhibit(f"slice_{name}", says, table, chart)


def _span(values: list[Any]) -> str:
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        low, high = told(min(values)), told(max(values))
        return low if low == high else f"{low} to {high}"
    return listed(list(dict.fromkeys(map(told, values))))


def _course(found: Result) -> Section:
    finished = sorted(found.finished, key=lambda trial: trial.number)
    best, pruned = found.best, len(found.trials) - len(finished)
    assert best is not None
    rows = tuple((f"{t.number}", t.number, t.value, t.seconds) for t in finished)
    columns = (
        Column("trial"),
        Column("number", "count"),
        Column(found.plan.metric, "figure"),
        Column("seconds", "number"),
    )
    says = f"The best came as trial {best.number}"
    if pruned:
        says += f"; {count(pruned, 'trial was', 'trials were')} given up early"
    marked = tuple(place for place, trial in enumerate(finished) if trial is best)
    chart = Points(1, 2, "trial", found.plan.metric, marked=marked)
    note = f"The first is the defaults; up to trial {AT_RANDOM} settings are drawn at random."
    return Section(
        "course",
        "How the search went",
        (Exhibit("course", says, Table(columns, rows), chart, note),),
    )


def _trials(found: Result) -> Section:
    names = _names(found)
    given_up = [trial for trial in found.trials if trial.value is None]
    listing = [*found.finished, *given_up][:SHOWN]
    columns = (
        Column("trial"),
        Column(found.plan.metric, "figure"),
        *(Column(name) for name in names),
        Column("seconds", "number"),
        Column("best epoch, or why it was given up"),
    )
    rows = tuple(_row(trial, names) for trial in listing)
    of = f" of {len(found.trials)}" if len(found.trials) > SHOWN else ""
    says = f"{count(len(listing), 'trial', 'trials')}{of}, the best first"
    return Section("trials", "The trials", (Exhibit("trials", says, Table(columns, rows)),))


def _row(trial: Tried, names: list[str]) -> tuple[Cell, ...]:
    settings = [told(trial.settings.get(name)) for name in names]
    end = trial.why or (f"{trial.epoch}" if trial.epoch else "–")
    return (f"{trial.number}", trial.value, *settings, trial.seconds, end)


def _names(found: Result) -> list[str]:
    """The settings tried, the most important first."""
    return list(dict.fromkeys([*found.importance, *found.plan.space]))


def told(value: Any) -> str:
    """A setting as people read it."""
    if isinstance(value, float):
        return significant(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {told(one)}" for key, one in value.items())
    return "–" if value is None else str(value)
