"""The tile that stands for a film: flat ground, one figure, the title set large.

The ground's hue comes from the first genre and its lightness from the decade, the figure
from the film's id and, for its hue, the second genre; so the same film always looks the
same. Colours are classes of one style sheet, `stylesheet()`; the SVG has none of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from matinee.service.pages.colour import oklch

HUES = {
    "action": 30,
    "adventure": 150,
    "animation": 180,
    "children": 120,
    "children's": 120,
    "comedy": 90,
    "crime": 270,
    "documentary": 210,
    "drama": 240,
    "fantasy": 300,
    "horror": 0,
    "musical": 330,
    "mystery": 300,
    "romance": 0,
    "sci-fi": 210,
    "thriller": 270,
    "war": 120,
    "western": 60,
}
"""Degrees by genre; a genre that is not named here gets one of these hues by its name."""

STEPS = range(0, 360, 30)
FIRST_DECADE, LAST_DECADE = 1920, 2020
GREY = "grey"
"""The hue of films without a genre, and of film noir."""

PAPER = {"day": "#faf7f2", "night": "#f4efe6"}
INK = {"day": "#1d1a16", "night": "#14120f"}
LIGHTNESS = {
    "day": (0.27, 0.30, 0.33, 0.36, 0.39, 0.43, 0.47, 0.76, 0.81, 0.86, 0.91),
    "night": (0.25, 0.27, 0.29, 0.31, 0.34, 0.37, 0.41, 0.66, 0.70, 0.74, 0.78),
}
"""By decade: old films are dark with light type, new ones light with dark type."""

CHROMA, QUIET = 0.075, 0.05
"""Of grounds and of figures."""

APART = 0.055
"""How much lighter or darker than the ground the figure is."""

SIZES = (17.0, 15.5, 14.0, 12.5, 11.0, 9.5, 8.0)
"""Sizes of the title in hundredths of the tile's width, by class `s0`, `s1`, ..."""

WIDE, ROOM, LEADING = 84.0, 96.0, 1.1
"""Width and height left for the title, in the same unit, and its line height."""

LONGEST = 120
"""Characters of a title that a tile shows."""

HYPHEN = "\N{SOFT HYPHEN}"


@dataclass(frozen=True, slots=True)
class Tile:
    """How a film is shown.

    Attributes:
        classes: CSS classes of colour and size.
        title: The title, not too long, with soft hyphens where a word would not fit.
        figure: An `<svg>` element.
    """

    classes: str
    title: str
    figure: Markup


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of a tile, as '#rrggbb'."""

    ground: str
    type: str
    figure: str


def tile(film: str, title: str, year: int | None, genres: Sequence[str]) -> Tile:
    """The tile of a film.

    Args:
        film: Outside id.
        title: Title, of any length.
        year: Year, or None.
        genres: Genres, the first of which gives the hue.
    """
    shown, size = setting(title)
    colours = f"h-{hue(genres)} f-{hue(genres[1:] or genres)} d-{decade(year)}"
    return Tile(f"{colours} s{size}", shown, figure(film))


def hue(genres: Sequence[str]) -> str:
    """The class of the first genre: degrees, or grey."""
    name = genres[0].casefold() if genres else GREY
    if name in (GREY, "film-noir", "unknown", "(no genres listed)"):
        return GREY
    by_name = hashlib.sha256(name.encode()).digest()[0] % len(STEPS)
    return str(HUES.get(name, STEPS[by_name]))


def decade(year: int | None) -> int:
    """The decade of a year, within those that have colours; the nineties if unknown."""
    return min(max((year or 1990) // 10 * 10, FIRST_DECADE), LAST_DECADE)


@lru_cache(maxsize=4096)
def figure(film: str) -> Markup:
    """One circle, arc or set of bars, of the film's own, in a box of 100 by 150."""
    kind, *dice = hashlib.sha256(film.encode()).digest()
    draw = (_circle, _arc, _bars)[kind % 3]
    return Markup(  # noqa: S704 - numbers only
        '<svg class="figure" viewBox="0 0 100 150" aria-hidden="true" focusable="false">'
        f"{draw(dice)}</svg>"
    )


def setting(title: str) -> tuple[str, int]:
    """The title as it is set, and the largest size at which it fits the tile."""
    title = " ".join(title.split())
    if len(title) > LONGEST:
        title = title[: LONGEST - 1].rstrip() + "…"
    for place, size in enumerate(SIZES):
        widths = [_width(word) * size for word in re.split(r"[\s-]", title)]
        if max(widths, default=0) <= WIDE and _lines(widths, size) * size * LEADING <= ROOM:
            return title, place
    limit = WIDE / SIZES[-1]
    return " ".join(_hyphenated(word, limit) for word in title.split(" ")), len(SIZES) - 1


def colours(hue: str, decade: int, theme: str) -> Colours:
    """The colours of a hue and decade, by 'day' or 'night'."""
    lightness = LIGHTNESS[theme][(decade - FIRST_DECADE) // 10]
    chroma, degrees = (0.012, 70) if hue == GREY else (CHROMA, float(hue))
    dark = lightness < 0.55
    return Colours(
        ground=oklch(lightness, chroma, degrees),
        type=(PAPER if dark else INK)[theme],
        figure=oklch(lightness + (APART if dark else -APART), min(chroma, QUIET), degrees),
    )


@lru_cache(maxsize=1)
def stylesheet() -> str:
    """The colours of all tiles by day and night, and the sizes of their titles."""
    sizes = "\n".join(f".s{i} {{ --size: {size}cqi; }}" for i, size in enumerate(SIZES))
    night = "@media (prefers-color-scheme: dark) {\n" + _rules("night") + "\n}"
    return "\n".join((sizes, _rules("day"), night, ""))


def _rules(theme: str) -> str:
    names = [GREY, *map(str, STEPS)]
    decades = range(FIRST_DECADE, LAST_DECADE + 1, 10)
    pairs = ((name, ten, colours(name, ten, theme)) for name in names for ten in decades)
    return "\n".join(
        f".h-{name}.d-{ten} {{ --ground: {c.ground}; --type: {c.type}; }}\n"
        f".f-{name}.d-{ten} {{ --figure: {c.figure}; }}"
        for name, ten, c in pairs
    )


def _circle(dice: Sequence[int]) -> str:
    radius = 24 + dice[0] % 34
    return f'<circle cx="{dice[1] % 101}" cy="{60 + dice[2] % 80}" r="{radius}"/>'


def _arc(dice: Sequence[int]) -> str:
    """A half or three-quarter ring."""
    radius, width = 26 + dice[0] % 30, 7 + dice[1] % 14
    length = 6.2832 * radius
    drawn = length * (0.5, 0.75)[dice[2] % 2]
    x, y, turn = 20 + dice[3] % 61, 65 + dice[4] % 66, dice[5] % 8 * 45
    return (
        f'<circle class="line" cx="{x}" cy="{y}" r="{radius}" stroke-width="{width}" '
        f'stroke-dasharray="{drawn:.1f} {length:.1f}" transform="rotate({turn} {x} {y})"/>'
    )


def _bars(dice: Sequence[int]) -> str:
    count, width = 2 + dice[0] % 4, 5 + dice[1] % 9
    turn = (0, 30, 45, 90, 135, 150)[dice[2] % 6]
    x, y, step = dice[3] % 70, 50 + dice[4] % 60, 2 * width
    path = "".join(f"M{x + i * step} {y - 90}h{width}v180h-{width}z" for i in range(count))
    return f'<path d="{path}" transform="rotate({turn} {x + count * width} {y})"/>'


def _lines(widths: Sequence[float], size: float) -> int:
    """How many lines words of these widths take."""
    lines, used, space = 1, 0.0, 0.28 * size
    for width in widths:
        if used and used + space + width > WIDE:
            lines, used = lines + 1, width
        else:
            used += width + (space if used else 0)
    return lines


def _width(word: str) -> float:
    """About how many ems a word is wide in a serif, rather more than less."""
    return sum(_em(character) for character in word)


def _em(character: str) -> float:
    if character in "iljftrI.,:;'’!|()-":
        return 0.4
    if character in "mwMW@%—…" or ord(character) > 0x2E80:
        return 1.0
    return 0.75 if character.isupper() else 0.56


def _hyphenated(word: str, limit: float) -> str:
    """A word with soft hyphens wherever the part before would fill the line."""
    parts, used = [""], 0.0
    for character in word:
        if used + _em(character) > limit - 0.4:
            parts, used = [*parts, ""], 0.0
        parts[-1] += character
        used += _em(character)
    return HYPHEN.join(parts)
