"""What the figures mean for the choice of model, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matinee.exhibits.types import Column, Exhibit, Section, Table
from matinee.exhibits.words import NBSP, count, lasting, percent, plain

Figures = Mapping[str, Mapping[str, float]]
Told = tuple[str, str]
"""What it is about, and the sentence."""

GIGABYTE = 1e9


def meaning(sections: tuple[Section, ...]) -> Section:
    """Conclusions from the figures of all other sections."""
    figures = {section.name: section.figures for section in sections}
    rows = tuple(row for rule in RULES for row in rule(figures))
    table = Table((Column("about"), Column("what it means")), rows)
    said = f"{count(len(rows), 'thing', 'things')} to know before choosing a model"
    title = "What this means for the choice of model"
    return Section("meaning", title, (Exhibit("meaning", said, table),))


def _density(figures: Figures) -> Iterator[Told]:
    sizes = figures["sizes"]
    density, each = sizes["density"], sizes["median_of_person"]
    filled = f"{percent(density)} of the pairs are rated, and a person has {plain(each)} (median)"
    if each < 10:
        advice = "histories this short ask for few parameters: begin with `ease` or `itemknn`"
    elif density > 0.02:
        advice = "dense enough for neighbours and linear models, which are hard to beat here"
    else:
        advice = "sparse, so that factors (`ials`, `mf`) gain by sharing what is known among films"
    yield "density", f"{filled}: {advice}."


def _size(figures: Figures) -> Iterator[Told]:
    people, films = figures["sizes"]["people"], figures["sizes"]["films_listed"]
    memory = 8 * films**2 / GIGABYTE
    if memory > 8:
        advice = f"`ease` would need a matrix of {memory:,.0f}{NBSP}GB; take `ials` or a network"
    else:
        size = f"{memory:.1f}{NBSP}GB" if memory >= 0.1 else f"{max(1000 * memory, 1):.0f}{NBSP}MB"
        advice = f"`ease` solves one matrix of {size}"
    cheaper, other = ("films", "people") if films <= people else ("people", "films")
    number = "itemknn" if films <= people else "userknn"
    yield (
        "size",
        f"For {films:,.0f} films {advice}; there are fewer {cheaper} than {other}, "
        f"so neighbours are cheaper among {cheaper} (`{number}`).",
    )


def _unevenness(figures: Figures) -> Iterator[Told]:
    gini, top = figures["tail"]["gini_films"], figures["tail"]["top_tenth_of_films"]
    few = figures["tail"]["films_below_5"]
    strength = "a strong" if top > 0.5 else "a fair" if top > 0.3 else "a weak"
    yield (
        "long tail",
        f"A tenth of the films draws {percent(top)} of the ratings (Gini {gini:.2f}): `popularity` "
        f"is {strength} baseline, and coverage and novelty must be read beside accuracy.",
    )
    if few > 0.25:
        yield (
            "rare films",
            f"{percent(few)} of the rated films have fewer than five ratings: only what is known "
            "of a film (genres, year, tags) can place it.",
        )


def _stars(figures: Figures) -> Iterator[Told]:
    told = figures["ratings"]
    if "explained_by_both" not in told:
        yield (
            "ratings",
            "Without differing ratings only ranking can be learned: choose by `ndcg@10` or "
            "`recall@10`, not by `rmse`.",
        )
        return
    both, spread = told["explained_by_both"], told["spread"]
    left = spread * max(1 - both, 0) ** 0.5
    leading = "film" if told["explained_by_film"] > told["explained_by_person"] else "person"
    yield (
        "stars",
        f"Person and film alone explain {percent(both)} of the variance, the {leading} more of it: "
        f"a model of stars is worth its cost only where its RMSE is clearly below {left:.2f}.",
    )


def _order(figures: Figures) -> Iterator[Told]:
    time = figures["time"]
    if not time:
        yield (
            "order",
            "Nothing is known of order: sequence models and time-wise splits are out of reach, "
            "and figures from random splits are flattering.",
        )
        return
    span, tied = time["median_span"], time["tied"]
    within = f"Half of the people rated everything within {lasting(span)}"
    if span < 86_400:
        yield (
            "order",
            f"{within} and {percent(tied)} of ratings share a second with the one before: "
            "the order is that of a sitting more than of watching, so sequence models learn how "
            "films were listed as much as what comes next.",
        )
    else:
        yield (
            "order",
            f"{within}: histories long enough that models of order and recency can gain.",
        )


def _newcomers(figures: Figures) -> Iterator[Told]:
    cold = figures["cold_start"]
    if "global-time_people" not in cold:
        return
    people, films = cold["global-time_people"], cold["global-time_films"]
    if people > 0.2:
        advice = (
            "what matters is answering from a first few ratings, so prefer models that need no "
            "vector of the person (`ease`, `itemknn`), and judge them by a `strong` split"
        )
    else:
        advice = "most are known, so a vector for each person pays"
    yield "new people", f"In calendar order {percent(people)} of test people are new: {advice}."
    if films > 0.05:
        yield (
            "new films",
            f"{percent(films)} of the films tested in calendar order were never rated before: "
            "models of ratings alone cannot show them; content has to.",
        )


def _content(figures: Figures) -> Iterator[Told]:
    genres, tags = figures["genres"], figures["tags"]
    if not genres:
        yield "content", "No genres: content-based models have titles at most to go by."
        return
    tagged = tags.get("ratings_tagged", 0.0)
    helped = (
        f"tags reach {percent(tagged)} of the ratings"
        if tagged
        else "there are no tags to make them finer"
    )
    yield (
        "content",
        f"{count(genres['genres'], 'genre describes', 'genres describe')} "
        f"{percent(genres['films_with_genre'])} of the films, and {helped}: "
        + (
            "enough for a content model of its own."
            if tagged > 0.5
            else "as features beside ratings, hardly enough on their own."
        ),
    )


def _features(figures: Figures) -> Iterator[Told]:
    together = figures["together"]
    if "high_vif_films" not in together:
        return
    high = together["high_vif_films"]
    if high:
        advice = (
            f"{count(high, 'feature', 'features')} of films are told by the others: regularise, "
            "and do not read single weights of a linear model"
        )
    else:
        worst = together["largest_vif_films"]
        advice = f"no feature of films repeats the others (VIF {worst:.1f} at most): use them all"
    yield "features", f"{advice[0].upper()}{advice[1:]}."


def _tastes(figures: Figures) -> Iterator[Told]:
    told = figures["segments"]
    if not told:
        return
    explained = told["explained"]
    advice = (
        "tastes fall into groups, which few factors can hold"
        if explained > 0.4
        else "tastes shade into each other, so a list for a segment is no substitute for one "
        "for a person"
    )
    number = count(told["segments"], "segment explains", "segments explain")
    yield "tastes", f"{number} {percent(explained)} of how genre profiles differ: {advice}."


RULES = (
    _density,
    _size,
    _unevenness,
    _stars,
    _order,
    _newcomers,
    _content,
    _features,
    _tastes,
)
