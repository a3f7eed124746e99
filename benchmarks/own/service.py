"""Service calls over large catalogues: ten films for a stranger with fifty ratings.

What is called is what the service calls, `recommend_batch` of `ials` with vectors of 64, with
everyone who waits, up to 32 at a time, on as many threads as the service has by default. The films'
vectors are those that iALS finds on
MovieLens-1M, drawn at random and each moved by half the standard deviation of all, so that near
and far are as in life; the people are those of MovieLens-1M, each film a random one of its like.

Saturation is the rate at which people who all wait at once are answered. The open loop then
lets people come at half that rate, at random times, whether or not others have been answered;
a latency counts from the moment of coming. It lasts long enough for a single pause of the
machine, some 40 ms, to be less than the 1 % who may wait longer. Calls that score all films, that
look at those which may matter, and at fewer, take turns. Recall is the share of the exact ten
that the last ones find.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from matinee.recommendation.reach import reach
from matinee.service.settings import ServeSettings

KNOWN, PEOPLE, LONGEST, BATCH, DIM = 256, 512, 50, 32, 64
SECONDS, SPREAD = 10.0, 0.5
THREADS: int = ServeSettings.model_fields["threads"].default


def world(count: int) -> tuple[Artefact, list[Ask]]:
    """A run over so many films that knows some people, and others who ask."""
    data, random = load("ml-1m"), np.random.default_rng(0)
    small = build("ials", {"epochs": 8}, Sizes.of(data))
    fit(small, data)
    like = random.integers(data.n_items, size=count)
    like[: data.n_items] = np.arange(data.n_items)
    assert isinstance(small, IALS)
    vectors = small.factors.numpy()
    noise = SPREAD * vectors.std(0) * random.standard_normal((count, vectors.shape[1]))
    found = histories(data, like)
    known, others = found[:KNOWN], found[KNOWN:]
    catalogue = Catalogue.from_frame(pl.DataFrame({"id": [str(film) for film in range(count)]}))
    users = np.repeat(np.arange(KNOWN), [len(films) for films in known])
    history = Interactions.build(users, np.concatenate(known), catalogue=catalogue)
    # People are solved for against the films of MovieLens-1M: with their products and penalty.
    l2 = small.config.l2 * data.n_items / count
    large = build("ials", {"l2": l2}, Sizes.of(history))
    assert isinstance(large, IALS)
    large.factors.copy_(torch.from_numpy((vectors[like] + noise).astype(np.float32)))
    large.gram.copy_(small.gram)
    split = SplitFacts(kind="random", digest="0" * 64, arguments={})
    facts = Facts(data=DataFacts.of("simulated", history), split=split)
    asks = [Ask(history=[(str(film), 1.0, 0) for film in films]) for films in others]
    return Artefact.of(large.eval(), history, history, facts), asks


def histories(data: Interactions, like: np.ndarray) -> list[np.ndarray]:
    """The latest ratings of people drawn at random, each of a film that is like the one rated."""
    random, found = np.random.default_rng(1), list[np.ndarray]()
    order = np.argsort(like, kind="stable")
    starts = np.searchsorted(like[order], np.arange(data.n_items + 1))
    for person in random.choice(data.n_users, KNOWN + PEOPLE, replace=False):
        films = data.items[data.offsets[person] : data.offsets[person + 1]][-LONGEST:]
        alike = order[random.integers(starts[films], starts[films + 1])]
        found.append(np.array(list(dict.fromkeys(alike.tolist()))))
    return found


@dataclass(frozen=True)
class Way:
    """How people are answered: by which run, and how near films are reckoned to be."""

    artefact: Artefact
    reach: float = 1.0

    def answer(self, people: Sequence[Ask]) -> list[Recommendations]:
        """Everyone's films."""
        answers = recommend_batch(self.artefact, people, self.reach)
        assert all(isinstance(answer, Recommendations) for answer in answers)
        return [answer for answer in answers if isinstance(answer, Recommendations)]


def saturation(way: Way, people: Sequence[Ask]) -> float:
    """People a second, full batches one after the other."""
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS / 2:
        way.answer([people[(done + i) % PEOPLE] for i in range(BATCH)])
        done += BATCH
    return done / (time.perf_counter() - start)


def latencies(way: Way, people: Sequence[Ask], rate: float, seed: int) -> np.ndarray:
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
        way.answer([people[i % PEOPLE] for i in range(first, last)])
        now = time.perf_counter() - start
        taken += [1000 * (now - at) for at in coming[first:last]]
        first = last
    return np.array(taken)


def recall(exact: Way, near: Way, people: Sequence[Ask]) -> float:
    """Mean share of the exact ten that are found."""
    shares = [
        len({film.id for film in a.items} & {film.id for film in b.items}) / len(a.items)
        for a, b in zip(exact.answer(people), near.answer(people), strict=True)
    ]
    return float(np.mean(shares))


def measured(films: str, nearly: str, rounds: str) -> dict[str, Any]:
    """The figures of so many turns over so many films, by exact calls alone or by all ways."""
    torch.set_num_threads(THREADS)
    artefact, people = world(int(films))
    kernels.load()  # as the service does
    ways, once = {"exact": Way(artefact)}, dict[str, float]()
    if nearly:
        start = time.process_time()
        near = Way(artefact, reach(artefact))
        once = {"build": time.process_time() - start, "reach": near.reach}
        once["recall"] = recall(ways["exact"], near, people)
        ways |= {"all": Way(unbounded(artefact)), "near": near}
    for way in ways.values():
        way.answer(people[:BATCH])
        way.answer(people[:1])
    # As the service does: a catalogue is a million objects that the collector need not visit.
    gc.collect()
    gc.freeze()
    return {"turns": [once | turn(ways, people, at) for at in range(int(rounds))]}


def unbounded(artefact: Artefact) -> Artefact:
    """The same run, which knows nothing of lengths and directions: any film may matter."""
    same, films = replace(artefact), artefact.film_blocks
    assert films is not None
    none = np.full_like(films.most, np.inf)
    same.__dict__["film_blocks"] = replace(films, most=none, radii=none)  # where it is kept
    return same


def turn(ways: Mapping[str, Way], people: Sequence[Ask], seed: int) -> dict[str, float]:
    """Saturation and latency of each way."""
    told = dict[str, float]()
    for name, way in ways.items():
        told[f"{name}_rate"] = rate = saturation(way, people)
        taken = latencies(way, people, rate / 2, seed)
        told[f"{name}_p99"] = float(np.quantile(taken, 0.99))
    if "near" in ways:
        told["times"] = told["near_rate"] / told["all_rate"]
        told["times_exact"] = told["near_rate"] / told["exact_rate"]
    return told


def turns(films: int, nearly: bool, rounds: int) -> list[dict[str, float]]:
    """Turns in a process of their own."""
    return alone(measured, str(films), "nearly" if nearly else "", str(rounds))["turns"]


def scan(films: int, people: int) -> Work:
    """A person's share of a call that scores all films for so many people."""
    return Work(operations=2.0 * DIM * films, bytes=4.0 * DIM * films / people)


def figures(films: int, way: str, told: str) -> dict[str, Figure]:
    """Of calls of one way, beside what scoring all films takes at least."""
    full = Floor(
        f"all products; the vectors read once for {BATCH} people", partial(scan, films, BATCH)
    )
    lone = Floor("all products of one person, the vectors read once", partial(scan, films, 1))
    return {
        f"{way}_rate": Figure(f"{told}, people at saturation", "a second", full),
        f"{way}_p99": Figure(f"{told}, 99 % answered within, at half of that", "ms", lone),
    }


def exact(films: int, limit: float) -> Measurement:
    """Calls that look at all films that may matter."""
    return Measurement(
        title=f"Ten films by the service, of {films:,}",
        figures=figures(films, "exact", "exact"),
        bars=[Bar("99 % at half the saturation rate", "exact_p99", limit, "ms")],
        turns=partial(turns, films, False),
        note=NOTE,
    )


def approximate(films: int) -> Measurement:
    """Calls that score all films, that look at those which may matter, and at fewer, in turns."""
    return Measurement(
        title=f"Ten films, nearly the best, of {films:,}",
        figures={
            **figures(films, "all", "all films scored"),
            **figures(films, "exact", "exact"),
            **figures(films, "near", "nearly exact"),
            "times": Figure("nearly exact beside all films scored, at saturation", "times"),
            "times_exact": Figure("nearly exact beside exact, at saturation", "times"),
            "recall": Figure("share of the exact ten that are found", ""),
            "reach": Figure("share of a block's radius by which a film is nearer at most", ""),
            "build": Figure("finding it, of the processor", "s"),
        },
        bars=[
            Bar("people at saturation", "times", 5, "x all films scored", least=True),
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
