"""Tiles: colours that can be read, figures that tell films apart, titles that fit."""

from __future__ import annotations

import pytest

from matinee.data.interactions import Scale
from matinee.service.pages.colour import contrast, oklch
from matinee.service.pages.stars import given, levels
from matinee.service.pages.tiles import (
    FIRST_DECADE,
    GREY,
    HYPHEN,
    LAST_DECADE,
    SIZES,
    STEPS,
    colours,
    figure,
    hue,
    setting,
    stylesheet,
    tile,
)

NAMES = [GREY, *map(str, STEPS)]
DECADES = range(FIRST_DECADE, LAST_DECADE + 1, 10)


@pytest.mark.parametrize("theme", ["day", "night"])
def test_type_can_be_read_on_every_ground_and_every_figure(theme: str) -> None:
    for ten in DECADES:
        figures = [colours(name, ten, theme).figure for name in NAMES]
        for name in NAMES:
            made = colours(name, ten, theme)
            for under in (made.ground, *figures):
                assert contrast(made.type, under) >= 4.5, (theme, name, ten, under)


def test_colours_and_contrast_are_the_known_ones() -> None:
    assert oklch(0.627955, 0.257683, 29.2339) == "#ff0000"  # sRGB red, by Ottosson's tables
    assert oklch(1, 0, 0) == "#ffffff"
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)  # WCAG's example
    assert oklch(0.9, 0.4, 140).startswith("#")  # out of gamut: toned down, not wrapped


def test_the_same_film_looks_the_same_and_others_differ() -> None:
    assert figure("7") == figure("7")
    assert len({figure(str(film)) for film in range(500)}) > 480


def test_every_tile_has_its_colours_in_the_style_sheet() -> None:
    sheet = stylesheet()
    for genres in ((), ("Comedy",), ("Heist", "Spätwestern"), ("Film-Noir", "Drama")):
        for year in (None, 1, 1895, 1999, 2024, 9999):
            h, f, d, s = tile("x", "Title", year, genres).classes.split()
            assert f".{h}.{d} {{" in sheet
            assert f".{f}.{d} {{" in sheet
            assert f".{s} {{" in sheet


def test_hues_go_by_the_first_genre_whatever_it_is() -> None:
    assert hue(["Comedy", "Crime"]) == hue(["comedy"]) != hue(["Drama"])
    assert hue(["A genre of tomorrow"]) in NAMES
    assert hue([]) == GREY


@pytest.mark.parametrize(
    "title", ["Heat", "The Shawshank Redemption", "", "x" * 10_000, "ab " * 900]
)
def test_titles_are_set_as_large_as_they_fit(title: str) -> None:
    shown, size = setting(title)
    assert len(shown.replace(HYPHEN, "")) <= 120
    assert 0 <= size < len(SIZES)
    assert setting("Heat")[1] == 0
    assert setting("x" * 10_000)[1] == len(SIZES) - 1


def test_words_that_fit_at_no_size_get_hyphens() -> None:
    assert HYPHEN in setting("Donaudampfschifffahrtsgesellschaft")[0]
    assert HYPHEN not in setting("Extraordinary")[0]


@pytest.mark.parametrize(
    ("scale", "shown"),
    [
        (Scale(0.5, 5, 0.5), "½ 1 1½ 2 2½ 3 3½ 4 4½ 5"),
        (Scale(1, 5, 1), "1 2 3 4 5"),
        (Scale(1, 10, 1), "1 2 3 4 5 6 7 8 9 10"),
        (Scale(1, 1, 1), "♥"),
    ],
)
def test_stars_are_those_of_the_data(scale: Scale, shown: str) -> None:
    assert " ".join(level.shown for level in levels(scale)) == shown


def test_a_fine_scale_is_offered_in_ten_ratings() -> None:
    offered = levels(Scale(0, 100, 1))
    assert len(offered) == 10
    assert (offered[0].value, offered[-1].value) == ("0", "100")
    assert given("100", offered) == 100
    assert given("57", offered) is None
    assert given("nan", offered) is None
