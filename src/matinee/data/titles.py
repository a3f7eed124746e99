"""Films by title, as people write them.

Titles are compared by keys: without case, accents, punctuation or a year in parentheses,
and with 'Matrix, The' written 'the matrix'. A second, looser key drops the article and the
spaces too and has Roman numerals as Arabic ones, so that 'Spiderman II' is 'Spider-Man 2'.
MovieLens gives other titles in parentheses, as in 'City of Lost Children, The (Cité des
enfants perdus, La)'; each of them has keys as well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from itertools import chain

from rapidfuzz import fuzz, process

from matinee.data.catalogue import Catalogue
from matinee.errors import AmbiguousTitle, UnknownName

Index = dict[str, list[int]]

LEADING = frozenset({"the", "a", "an", "le", "la", "les", "el", "los", "las", "il", "der", "das"})
"""Articles that may be left off in front; not 'die', for 'Die Hard' is no 'Hard'."""

ARTICLES = LEADING | {"l", "un", "une", "lo", "gli", "i", "die", "ein", "eine", "den", "det"}
"""What may stand after the comma, as in 'Matrix, The'."""

NUMERALS = ("ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii")
ROMAN = {roman: str(number) for number, roman in enumerate(NUMERALS, start=2)}
YEAR = re.compile(r"\s*\((\d{4})\)\s*$")
OTHERS = re.compile(r"(?<=\S)\s*((?:\([^()]*\)\s*)+)$")
ALSO_KNOWN_AS = re.compile(r"^a\.?k\.?a\.?\s+", re.IGNORECASE)
NOT_WORD = re.compile(r"[\W_]+")
SIGNS = str.maketrans({"&": " and ", "'": "", "’": "", "`": ""})


class TitleIndex:
    """Finds films by forgivingly matched titles.

    Args:
        catalogue: The films.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._years: list[int | None] = catalogue.frame["year"].to_list()
        self._main: Index = {}
        self._other: Index = {}
        for film, title in enumerate(catalogue.titles):
            main, *others = names(title)
            self._main.setdefault(key(main), []).append(film)
            for other in {key(name) for name in (*others, title)} if others else ():
                self._other.setdefault(other, []).append(film)

    def find(self, text: str) -> int:
        """The one film meant by a title or id.

        Args:
            text: A title, with or without a year in parentheses, or `id:` and a film's
                outside id.

        Returns:
            The film's integer.

        Raises:
            AmbiguousTitle: If several films match; their titles, years and ids are listed.
            UnknownName: If none does; the nearest are suggested.
        """
        outside = text[3:].strip() if text.casefold().startswith("id:") else ""
        by_id = self.catalogue.ids.find(outside)
        if by_id is not None:
            return by_id
        title, year = split_year(text)
        named = self._named(title)
        films = [f for f in named if year is None or self._years[f] == year]
        if len(films) > 1 and ")" in title:  # other titles were given: they must fit as well
            films = [f for f in films if key(self.catalogue.titles[f]) == key(title)] or films
        if len(films) > 1:
            raise self._ambiguous(text, films)
        if not films:
            raise self._unknown(text, named or self.search(title, 3))
        return films[0]

    def search(self, text: str, k: int = 10) -> list[int]:
        """Films a text may mean, best first: equal, then beginning so, with its words, alike.

        Args:
            text: Part of a title, as typed so far; a year in parentheses must be the film's.
            k: How many films at most.

        Returns:
            Film integers, `k` or fewer.
        """
        title, year = split_year(text)
        wanted = without_article(key(title))
        if not wanted or k < 1:
            return []
        ranks = (self._named(title), self._beginning(wanted), self._wording(wanted))
        found = dict.fromkeys(chain.from_iterable(ranks))
        if len(found) < k:
            found |= dict.fromkeys(self._alike(wanted, k))
        return [f for f in found if year is None or self._years[f] == year][:k]

    def label(self, film: int) -> str:
        """'Heat (1995)', or the title alone where the year is not known."""
        title, year = self.catalogue.titles[film], self._years[film]
        return title if year is None else f"{title} ({year})"

    def named(self, title: str) -> Iterator[tuple[int, list[int]]]:
        """The films of exactly this title, for each of its names by ever looser keys.

        Args:
            title: A title without a year; names in parentheses after it count too.

        Yields:
            How loose the key is - 0 a film's own title, 1 another title it has, 2 the
            looser key - and the films, at least one.
        """
        for name in names(title):
            strict = key(name)
            keyed = ((self._main, strict), (self._other, strict), (self._loose, loosen(strict)))
            for loose, (index, wanted) in enumerate(keyed):
                if wanted and wanted in index:
                    yield loose, index[wanted]

    def _named(self, title: str) -> list[int]:
        """The films of exactly this title, by the strictest key under which there are any."""
        return next((films for _, films in self.named(title)), [])

    @cached_property
    def _loose(self) -> Index:
        """Both indexes by looser keys."""
        loose: dict[str, dict[int, None]] = {}
        for strict, films in chain(self._main.items(), self._other.items()):
            loose.setdefault(loosen(strict), {}).update(dict.fromkeys(films))
        return {k: list(films) for k, films in loose.items() if k}

    @cached_property
    def _sorted(self) -> tuple[list[str], list[int]]:
        """Keys without their article, shortest first, and the film of each."""
        both = chain(self._main.items(), self._other.items())
        pairs = sorted((without_article(k), film) for k, films in both for film in films)
        pairs.sort(key=lambda pair: len(pair[0]))
        return [k for k, _ in pairs], [film for _, film in pairs]

    def _beginning(self, wanted: str) -> list[int]:
        return [film for k, film in zip(*self._sorted, strict=True) if k.startswith(wanted)]

    def _wording(self, wanted: str) -> list[int]:
        """Films whose title has all the words; the last one may be unfinished."""
        *whole, last = wanted.split()
        parts = [f" {word} " for word in whole] + [f" {last}"]
        return [
            film
            for k, film in zip(*self._sorted, strict=True)
            if last in k and all(part in f" {k} " for part in parts)
        ]

    def _alike(self, wanted: str, k: int) -> list[int]:
        keys, films = self._sorted
        near = process.extract(wanted, keys, scorer=fuzz.ratio, limit=2 * k, score_cutoff=55)
        return [films[position] for _, _, position in near]

    def _ambiguous(self, text: str, films: list[int]) -> AmbiguousTitle:
        ids = self.catalogue.ids
        apart = len({self._years[film] for film in films}) == len(films)
        hint = self.label(films[0]) if apart else f"id:{ids[films[0]]}"
        choices = [f"{self.label(film)} [id:{ids[film]}]" for film in films]
        return AmbiguousTitle(
            f"{text!r} fits {len(films)} films",
            expected="one of " + "; ".join(choices),
            remedy=f"Give the {'year' if apart else 'id'}, as in {hint!r}.",
        )

    def _unknown(self, text: str, near: list[int]) -> UnknownName:
        names = [repr(self.label(film)) for film in near]
        remedy = "Did you mean " + " or ".join(names) + "?" if names else None
        return UnknownName(f"there is no film called {text!r}", remedy=remedy)


def split_year(text: str) -> tuple[str, int | None]:
    """A title and the year in parentheses at its end, if there is one."""
    match = YEAR.search(text)
    return (text, None) if match is None else (text[: match.start()], int(match[1]))


def names(title: str) -> list[str]:
    """A film's title, then those in parentheses after it."""
    match = OTHERS.search(title) if ")" in title else None
    if match is None:
        return [title]
    others = re.findall(r"\(([^()]*)\)", match[1])
    return [title[: match.start()], *(ALSO_KNOWN_AS.sub("", other) for other in others)]


def key(title: str) -> str:
    """A title without case, accents and punctuation, its article in front."""
    head, comma, last = title.rpartition(", ")
    if comma and last.casefold().rstrip("'’") in ARTICLES:
        title = f"{last}{head}" if last.endswith(("'", "’")) else f"{last} {head}"
    title = title.casefold()
    if not title.isascii():
        title = unicodedata.normalize("NFKD", title)
        title = "".join(c for c in title if not unicodedata.combining(c))
    words = NOT_WORD.sub(" ", title.translate(SIGNS)).strip()
    return words or title.strip()  # there are films called '$' and '...'


def without_article(strict: str) -> str:
    """A key without an article in front."""
    first, _, rest = strict.partition(" ")
    return rest if rest and first in LEADING else strict


def loosen(strict: str) -> str:
    """A key without article and spaces, its Roman numerals Arabic but for the first word."""
    first, *rest = without_article(strict).split(" ")
    return first + "".join(ROMAN.get(word, word) for word in rest)
