"""Service calls over large catalogues: ten films for a stranger with fifty ratings.

python -m benchmarks.recommending [exact] [FILMS ...]

measures 27,278 and 1,000,000 films by default; `exact` leaves the index out, whose making takes
minutes for a million.

What is called is what the service calls, `recommend_batch` of `ials` with vectors of 64, with
everyone who waits, up to 32 at a time. The films' vectors are those that iALS finds on
MovieLens-1M, drawn at random and each moved by half the standard deviation of all, so that near
and far are as in life; the people are those of MovieLens-1M, each film a random one of its like.

Saturation is the rate at which people who all wait at once are answered. The open loop then
lets people come at half that rate, at random times, whether or not others have been answered;
a latency counts from the moment of coming. Exact and approximate calls take turns. Recall is the
share of the exact ten that the index finds.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np
import polars as pl
import torch

from matinee import kernels
from matinee.artefact import Artefact, DataFacts, Facts, SplitFacts
from matinee.data import load
from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.engine import fit
from matinee.models import Sizes, build
from matinee.models.ials import IALS
from matinee.recommendation import Ask, Recommendations, recommend_batch
from matinee.recommendation.index import FilmIndex

FILMS, PEOPLE, LONGEST, BATCH = (27_278, 1_000_000), 512, 50, 32
SECONDS, TURNS, SPREAD = 4.0, 5, 0.5


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


def ranged(values: Sequence[float]) -> dict[str, float]:
    """Median and range over the turns."""
    return {"median": median(values), "low": min(values), "high": max(values)}


def measured(count: int, *, indexed: bool) -> dict[str, Any]:
    """The ways of one size of catalogue, in turns."""
    artefact, people = world(count)
    kernels.load()  # as the service does
    recommend_batch(artefact, people[:BATCH])
    recommend_batch(artefact, people[:1])
    ways: dict[str, FilmIndex | None] = {"exact": None}
    # As the service does: a catalogue is a million objects that the collector need not visit.
    gc.collect()
    gc.freeze()
    told: dict[str, Any] = {"films": count, "threads": torch.get_num_threads()}
    if indexed:
        start = time.process_time()
        ways["index"] = index = FilmIndex(artefact.model, artefact.rank)
        told["processor_seconds_to_build"] = time.process_time() - start
        told["recall"] = recall(artefact, people, index)
    rates: dict[str, list[float]] = {way: [] for way in ways}
    tails: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(TURNS):
        for way, index in ways.items():
            rates[way].append(saturation(artefact, people, index))
            taken = latencies(artefact, people, index, rates[way][-1] / 2, turn)
            tails[way].append(float(np.quantile(taken, 0.99)))
    told["people_per_second"] = {way: ranged(values) for way, values in rates.items()}
    told["p99_ms_at_half"] = {way: ranged(values) for way, values in tails.items()}
    if indexed:
        pairs = zip(rates["index"], rates["exact"], strict=True)
        told["index_times_exact"] = ranged([near / exact for near, exact in pairs])
    return told


if __name__ == "__main__":
    sizes = [int(text) for text in sys.argv[1:] if text != "exact"]
    for size in sizes or FILMS:
        print(json.dumps(measured(size, indexed="exact" not in sys.argv)), flush=True)
