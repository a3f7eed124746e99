"""Service calls over large catalogues: ten films for a stranger with fifty ratings.

What is called is what the service calls, `recommend_batch` of `ials` with vectors of 64, with
everyone who waits, up to 32 at a time, on as many threads as the service has by default. The films'
vectors are those that iALS finds on
MovieLens-1M, drawn at random and each moved by half the standard deviation of all, so that near
and far are as in life; the people are those of MovieLens-1M, each film a random one of its like.

Saturation is the rate at which people who all wait at once are answered. The open loop then
lets people come at half that rate, at random times, whether or not others have been answered;
a latency counts from the moment of coming. Exact and approximate calls take turns. Recall is the
share of the exact ten that the index finds.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import torch

from benchmarks.goals import Bar
from benchmarks.measure import alone
from benchmarks.own.measurement import Figure, Floor, Measurement
from benchmarks.roofline import Work
from matinee import kernels
from matinee.artefact import Artefact, DataFacts, Facts, SplitFacts
from matinee.data import load
from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.engine import fit
from matinee.models import Sizes, build
from matinee.models.ials import IALS
from matinee.recommendation import Ask, Recommendations, recommend_batch
from matinee.recommendation.index import LONGEST as LONG
from matinee.recommendation.index import LOOKED_AT, FilmIndex
from matinee.service.settings import ServeSettings

PEOPLE, LONGEST, BATCH, DIM = 512, 50, 32, 64
SECONDS, SPREAD = 4.0, 0.5
THREADS: int = ServeSettings.model_fields["threads"].default


def world(count: int) -> tuple[Artefact, list[Ask]]:
    """A run over so many films, and people who ask."""
    data, random = load("ml-1m"), np.random.default_rng(0)
    small = build("ials", {"epochs": 8}, Sizes.of(data))
    fit(small, data)
    like = random.integers(data.n_items, size=count)
    like[: data.n_items] = np.arange(data.n_items)
    assert isinstance(small, IALS)
    vectors = small.factors.numpy()
    noise = SPREAD * vectors.std(0) * random.standard_normal((count, vectors.shape[1]))
    # People are solved for against the films of MovieLens-1M: with their products and penalty.
    l2 = small.config.l2 * data.n_items / count
    large = build("ials", {"l2": l2}, Sizes(users=1, items=count, ratings=1))
    assert isinstance(large, IALS)
    large.factors.copy_(torch.from_numpy((vectors[like] + noise).astype(np.float32)))
    large.gram.copy_(small.gram)
    catalogue = Catalogue.from_frame(pl.DataFrame({"id": [str(film) for film in range(count)]}))
    history = Interactions.build([0], [0], catalogue=catalogue)
    split = SplitFacts(kind="random", digest="0" * 64, arguments={})
    facts = Facts(data=DataFacts.of("simulated", history), split=split)
    return Artefact.of(large.eval(), history, history, facts), asks(data, like)


def asks(data: Interactions, like: np.ndarray) -> list[Ask]:
    """People with their latest ratings, as the service looks them up."""
    random, made = np.random.default_rng(1), list[Ask]()
    order = np.argsort(like, kind="stable")
    starts = np.searchsorted(like[order], np.arange(data.n_items + 1))
    for person in random.choice(data.n_users, PEOPLE, replace=False):
        films = data.items[data.offsets[person] : data.offsets[person + 1]][-LONGEST:]
        alike = order[random.integers(starts[films], starts[films + 1])]
        made.append(Ask(history=[(str(film), 1.0, 0) for film in dict.fromkeys(alike.tolist())]))
    return made


def saturation(artefact: Artefact, people: Sequence[Ask], index: FilmIndex | None) -> float:
    """People a second, full batches one after the other."""
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS / 2:
        recommend_batch(artefact, [people[(done + i) % PEOPLE] for i in range(BATCH)], index)
        done += BATCH
    return done / (time.perf_counter() - start)


def latencies(
    artefact: Artefact, people: Sequence[Ask], index: FilmIndex | None, rate: float, seed: int
) -> np.ndarray:
    """Milliseconds from coming to being answered, of everyone who comes in some seconds."""
    gaps = np.random.default_rng(seed).exponential(1 / rate, size=int(rate * SECONDS) + 1)
    coming, first, taken = np.cumsum(gaps), 0, list[float]()
    start = time.perf_counter()
    while first < len(coming):
        now = time.perf_counter() - start
        last = min(int(np.searchsorted(coming, now)), first + BATCH)
        if last == first:
            time.sleep(max(coming[first] - now, 0))
            continue
        recommend_batch(artefact, [people[i % PEOPLE] for i in range(first, last)], index)
        now = time.perf_counter() - start
        taken += [1000 * (now - at) for at in coming[first:last]]
        first = last
    return np.array(taken)


def recall(artefact: Artefact, people: Sequence[Ask], index: FilmIndex) -> float:
    """Mean share of the exact ten that the index finds."""
    shares = [
        len({film.id for film in a.items} & {film.id for film in b.items}) / len(a.items)
        for a, b in zip(
            recommend_batch(artefact, people), recommend_batch(artefact, people, index), strict=True
        )
        if isinstance(a, Recommendations) and isinstance(b, Recommendations)
    ]
    return float(np.mean(shares))


def measured(films: str, indexed: str, rounds: str) -> dict[str, Any]:
    """The figures of so many turns over so many films, with the index or without."""
    torch.set_num_threads(THREADS)
    artefact, people = world(int(films))
    kernels.load()  # as the service does
    recommend_batch(artefact, people[:BATCH])
    recommend_batch(artefact, people[:1])
    # As the service does: a catalogue is a million objects that the collector need not visit.
    gc.collect()
    gc.freeze()
    index, once = None, dict[str, float]()
    if indexed:
        start = time.process_time()
        index = FilmIndex(artefact.model, artefact.rank)
        once["build"] = time.process_time() - start
        once["recall"] = recall(artefact, people, index)
    return {"turns": [once | turn(artefact, people, index, at) for at in range(int(rounds))]}


def turn(
    artefact: Artefact, people: Sequence[Ask], index: FilmIndex | None, seed: int
) -> dict[str, float]:
    """Saturation and latency of exact calls, and of approximate ones after them."""
    told = dict[str, float]()
    for way, found in {"exact": None, "index": index}.items():
        if way == "exact" or found is not None:
            told[f"{way}_rate"] = rate = saturation(artefact, people, found)
            taken = latencies(artefact, people, found, rate / 2, seed)
            told[f"{way}_p99"] = float(np.quantile(taken, 0.99))
    if index is not None:
        told["times"] = told["index_rate"] / told["exact_rate"]
    return told


def turns(films: int, indexed: bool, rounds: int) -> list[dict[str, float]]:
    """Turns in a process of their own."""
    return alone(measured, str(films), "index" if indexed else "", str(rounds))["turns"]


def scan(films: int, people: int) -> Work:
    """A person's share of a call that scores all films for so many people."""
    return Work(operations=2.0 * DIM * films, bytes=4.0 * DIM * films / people)


def exact_figures(films: int) -> dict[str, Figure]:
    """Of calls that score all films."""
    full = Floor(
        f"all products; the vectors read once for {BATCH} people", partial(scan, films, BATCH)
    )
    lone = Floor("all products of one person, the vectors read once", partial(scan, films, 1))
    return {
        "exact_rate": Figure("exact, people at saturation", "a second", full),
        "exact_p99": Figure("exact, 99 % answered within, at half of that", "ms", lone),
    }


def exact(films: int, limit: float) -> Measurement:
    """Calls that score all films."""
    return Measurement(
        title=f"Ten films by the service, of {films:,}",
        figures=exact_figures(films),
        bars=[Bar("99 % at half the saturation rate", "exact_p99", limit, "ms")],
        turns=partial(turns, films, False),
        note=NOTE,
    )


def approximate(films: int) -> Measurement:
    """Exact calls and those by the index, in turns."""
    visited = Floor(
        f"products with the {LOOKED_AT:,} films looked at and the {LONG:,} longest; their vectors "
        f"read, the latter once for {BATCH} people",
        lambda: Work(2.0 * DIM * (LOOKED_AT + LONG), 4.0 * DIM * (LOOKED_AT + LONG / BATCH)),
    )
    return Measurement(
        title=f"Ten films by an approximate index of {films:,}",
        figures={
            **exact_figures(films),
            "index_rate": Figure("index, people at saturation", "a second", visited),
            "index_p99": Figure("index, 99 % answered within, at half of that", "ms", visited),
            "times": Figure("index beside exact, people at saturation", "times"),
            "recall": Figure("share of the exact ten that the index finds", ""),
            "build": Figure("making the index, of the processor", "s"),
        },
        bars=[
            Bar("people at saturation", "times", 5, "x exact", least=True),
            Bar("recall@10", "recall", 0.98, "", least=True),
        ],
        turns=partial(turns, films, True),
        note=NOTE,
    )


NOTE = (
    f"Strangers with fifty ratings, `ials` with vectors of {DIM}, up to {BATCH} people a call, "
    f"{THREADS} thread as the service has by default. People come at random times; a latency "
    "counts from the moment of coming."
)
