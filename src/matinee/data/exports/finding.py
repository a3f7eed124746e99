"""Finding films as a site writes them in a catalogue: a wrong film is worse than none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from matinee.data.exports.types import Entry
from matinee.data.titles import ROMAN, TitleIndex, key, names, without_article
from matinee.data.vocabulary import LongArray

NOT_HERE = "no such film here"
OTHER_YEAR = "of another year here"
SEVERAL = "several films fit"

ALIKE = 94
"""How alike two titles of one year must be, 0 to 100, to be one, misspelt. At 90 'Hunted' is
taken for 'Haunted', and 'Age of Tomorrow' for 'Edge of Tomorrow'."""

APART = 10
"""How much less alike the next film must be."""

NEAR = 70
"""How alike a title must be to be told as the nearest."""

SUGGESTED = 20
"""For how many entries the nearest film is looked for in other years too."""

_OR = re.compile(r"\s+or:?(?:\s|$)", re.IGNORECASE)
_BREAK = re.compile(r":\s|\s[-–—]\s|\s+or:?(?=\s|$)", re.IGNORECASE)
_OWNED = re.compile(r"^(?:\S+\s+)+\S+['’]s\s+(\S+\s+\S.*)$")
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = ROMAN | {"i": "1"} | {word: str(n) for n, word in enumerate(_WORDS, start=1)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A film, or why there is none.

    Attributes:
        film: The film's integer, or None.
        reason: Why there is none.
        nearest: The film that comes nearest where there is none, or None.
    """

    film: int | None
    reason: str = ""
    nearest: int | None = None


class Finder:
    """Finds films by what an export says of them.

    A film is taken, in this order,

    1. by IMDb's number, where the catalogue has those;
    2. by an id of the catalogue, if the title agrees;
    3. by its title or another title it has: of the same year, or of any year where the
       export has none; else by its own title of one year off (festivals and cinemas differ);
    4. by a part of two words or more of its title, as 'Star Wars' is of 'Star Wars: Episode
       IV - A New Hope', or by what is before 'or' in the export's title, if the year is the
       same and no other film of the year fits;
    5. by a title that is nearly the same, if the year and all numbers in it are the same and
       no other film of the year comes near.

    A film of another number at IMDb is never taken, nor is one of several that fit equally.

    Args:
        titles: The catalogue's films.
    """

    def __init__(self, titles: TitleIndex) -> None:
        self._titles = titles
        frame = titles.catalogue.frame
        self._years: list[int | None] = frame["year"].to_list()
        numbers = frame["imdb_id"].to_list() if "imdb_id" in frame.columns else []
        self._numbers: list[str] = [n or "" for n in numbers] or [""] * len(self._years)
        self._by_number = {number: film for film, number in enumerate(self._numbers) if number}

    def find(self, entries: Sequence[Entry]) -> list[Verdict]:
        """A verdict for each entry."""
        verdicts = [self._exactly(entry) for entry in entries]
        open_years: dict[int, list[int]] = {}
        for place, (entry, verdict) in enumerate(zip(entries, verdicts, strict=True)):
            lost = verdict.reason in (NOT_HERE, OTHER_YEAR)
            if lost and entry.year is not None and entry.year in self._of_year:
                open_years.setdefault(entry.year, []).append(place)
        for year, places in open_years.items():
            found = self._nearly([entries[place] for place in places], *self._of_year[year])
            for place, verdict in zip(places, found, strict=True):
                if verdict.film is not None or verdicts[place].nearest is None:
                    verdicts[place] = verdict
        self._suggest(entries, verdicts)
        return verdicts

    def _suggest(self, entries: Sequence[Entry], verdicts: list[Verdict]) -> None:
        """Look in all years for the nearest films of the first that have none."""
        bare = [i for i, v in enumerate(verdicts) if v.film is None and v.nearest is None]
        films = [film for owners, _ in self._of_year.values() for film in owners] if bare else []
        keys = [one for _, keys in self._of_year.values() for one in keys] if bare else []
        for place in bare[:SUGGESTED]:
            wanted = without_article(key(entries[place].title))
            near = process.extractOne(wanted, keys, scorer=fuzz.ratio, score_cutoff=NEAR)
            if near is not None:
                verdicts[place] = replace(verdicts[place], nearest=films[near[2]])

    def _exactly(self, entry: Entry) -> Verdict:
        film = self._by_number.get(entry.imdb_id)
        film = self._by_id(entry) if film is None else film
        if film is not None:
            return Verdict(film)
        ranks: dict[int, tuple[int, int]] = {}
        for loose, found in self._named(entry):
            rank = self._years_apart(found, entry), loose
            ranks[found] = min(rank, ranks.get(found, rank))
        if not ranks:
            return Verdict(None, NOT_HERE)
        best = min(ranks.values())
        films = [found for found, rank in ranks.items() if rank == best]
        apart, loose = best
        if apart > 1 or (apart == 1 and loose > 0):
            return Verdict(None, OTHER_YEAR, films[0])
        return Verdict(films[0]) if len(films) == 1 else Verdict(None, SEVERAL, films[0])

    def _by_id(self, entry: Entry) -> int | None:
        if entry.title[:3].casefold() == "id:":
            return self._titles.catalogue.ids.find(entry.title[3:].strip())
        film = self._titles.catalogue.ids.find(entry.item_id)
        agrees = entry.title == entry.item_id or film in {f for _, f in self._named(entry)}
        return film if agrees else None

    def _named(self, entry: Entry) -> Iterator[tuple[int, int]]:
        """Films with one of the entry's titles, each with how loose the key was."""
        for title in filter(str.strip, (entry.title, entry.original)):
            for loose, films in self._titles.named(title):
                yield from ((loose, film) for film in films if self._may_be(film, entry))

    def _may_be(self, film: int, entry: Entry) -> bool:
        known = self._numbers[film]
        return not known or not entry.imdb_id or known == entry.imdb_id

    def _years_apart(self, film: int, entry: Entry) -> int:
        """Between film and entry; 0 where the entry has no year, 1 where the film has none."""
        year = self._years[film]
        if entry.year is None:
            return 0
        return 1 if year is None else abs(year - entry.year)

    @cached_property
    def _of_year(self) -> dict[int | None, tuple[list[int], list[str]]]:
        """The films of each year, and their keys: a film comes once for each title it has."""
        years: dict[int | None, tuple[list[int], list[str]]] = {}
        for film, title in enumerate(self._titles.catalogue.titles):
            films, keys = years.setdefault(self._years[film], ([], []))
            for name in names(title):
                films.append(film)
                keys.append(without_article(key(name)))
        return years

    def _nearly(self, entries: list[Entry], films: list[int], keys: list[str]) -> list[Verdict]:
        """Verdicts for entries of one year by parts of titles, then by likeness."""
        wholes, parts = _grouped(zip(keys, films, strict=True)), self._parts(set(films))
        wanted = [without_article(key(entry.title)) for entry in entries]
        likeness = process.cdist(wanted, keys, scorer=fuzz.ratio, score_cutoff=NEAR, dtype=np.uint8)
        owners = np.asarray(films)
        verdicts: list[Verdict] = []
        for entry, title, row in zip(entries, wanted, likeness, strict=True):
            begun = (wholes.get(begun, set[int]()) for begun in _before_or(entry.title))
            fitting = parts.get(title, set[int]()).union(*begun)
            fitting = [film for film in fitting if self._may_be(film, entry)]
            if len(fitting) == 1:
                verdicts.append(Verdict(fitting[0]))
                continue
            near, sure = _likeliest(title, keys, owners, row)
            sure = sure and near is not None and self._may_be(near, entry)
            verdicts.append(Verdict(near) if sure else Verdict(None, NOT_HERE, near))
        return verdicts

    def _parts(self, films: set[int]) -> dict[str, set[int]]:
        """Films by the parts of their titles: around breaks, and after an owner's name."""
        pairs: list[tuple[str, int]] = []
        for film in films:
            for name in names(self._titles.catalogue.titles[film]):
                owned = _OWNED.match(name)
                pieces = [*_BREAK.split(name), *([owned[1]] if owned else ())]
                pairs += [(without_article(key(piece)), film) for piece in pieces]
        return _grouped((part, film) for part, film in pairs if " " in part)


def _likeliest(
    title: str, keys: list[str], owners: LongArray, likeness: NDArray[np.uint8]
) -> tuple[int | None, bool]:
    """The film that is most like a title, if any is, and whether it is sure to be the one."""
    best = int(likeness.argmax())
    if not likeness[best]:
        return None, False
    film, alike = int(owners[best]), int(likeness[best])
    second = int(likeness[owners != film].max(initial=0))
    sure = alike >= ALIKE and alike - second >= APART and _numbers(title) == _numbers(keys[best])
    return film, sure


def _grouped(pairs: Iterable[tuple[str, int]]) -> dict[str, set[int]]:
    groups: dict[str, set[int]] = {}
    for name, film in pairs:
        groups.setdefault(name, set()).add(film)
    return groups


def _before_or(title: str) -> list[str]:
    """The key of 'Birdman' for 'Birdman or (The Unexpected Virtue of Ignorance)'."""
    before, *after = _OR.split(names(title)[0], maxsplit=1)
    return [without_article(key(before))] if after else []


def _numbers(title: str) -> list[str]:
    """The numbers in a title, in figures."""
    words = (_NUMBERS.get(word, word) for word in title.split())
    return [word for word in words if any(c.isdigit() for c in word)]
