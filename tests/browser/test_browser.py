"""A person's way through the pages, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from support.cinema import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Open = Callable[..., Page]
Picture = Callable[[Page, str], None]

PASSPHRASE = "four quiet afternoon matinees"
EXPORT = (
    "Date,Name,Year,Letterboxd URI,Rating\n"
    "2020-01-01,Night of the South,,x,4.5\n"
    "2020-01-02,Nowhere to Be Found,1999,y,3\n"
)
PATHS = (
    "/welcome", "/", "/?genre=Comedy&from=1930", "/?from=abc", "/?from=1800&to=1801", "/films/f7",
    "/films/script", "/search?q=night", "/search?q=zzzzqqqq", "/ratings", "/ratings/erase",
    "/watchlist", "/about", "/sign-up", "/sign-in", "/offline", "/nowhere",
)  # fmt: skip


def rate(page: Page, item: str, stars: str) -> None:
    """Choose stars for a film to be rated, and wait until they are kept."""
    film = page.locator(f'[data-film="{item}"]')
    film.get_by_role("radio", name=stars, exact=True).check(force=True)
    expect(film.locator("[data-saved]")).to_contain_text("Saved")


def rate_three(page: Page) -> None:
    page.goto("/welcome")
    picks = page.locator(".pick")
    items = [picks.nth(i).get_attribute("data-film") or "" for i in range(3)]
    for item, stars in zip(items, ("5 stars", "4½ stars", "2 stars"), strict=True):
        rate(page, item, stars)
    expect(page.locator("#progress")).to_contain_text("3 rated")


def fits(page: Page) -> None:
    """Nothing makes the page scroll sideways, and no title leaves its tile."""
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, (page.url, wide)
    outside = page.evaluate(
        """[...document.querySelectorAll(".tile .name")]
        .filter(n => n.scrollWidth > n.clientWidth + 1).map(n => n.textContent)"""
    )
    assert outside == [], page.url


def faults(page: Page) -> list[dict[str, Any]]:
    """What axe finds wrong by WCAG 2.2 AA and its own best practices."""
    found = Axe().run(page).response["violations"]
    return [
        {"rule": fault["id"], "where": [node["target"] for node in fault["nodes"]][:3]}
        for fault in found
    ]


def test_from_the_first_visit_to_the_last(opened: Open, picture: Picture, tmp_path: Path) -> None:
    page = opened("/")
    suggests(page, picture)
    keeps(page, picture, tmp_path)


def suggests(page: Page, picture: Picture) -> None:
    """First visit, three ratings, programme, filter, film, why, undo."""
    expect(page.get_by_role("heading", level=1)).to_have_text("Which of these have you seen?")
    picture(page, "1-first-visit")

    rate_three(page)
    expect(page.get_by_role("heading", name="For you, by now")).to_be_visible()
    picture(page, "2-three-ratings")

    page.get_by_role("link", name="Your programme").click()
    expect(page.get_by_text("Tonight, for you")).to_be_visible()
    assert page.get_by_role("heading", name="Because you liked").count()
    picture(page, "3-programme")

    page.get_by_label("Genre").select_option("Sci-Fi")
    expect(page.locator("#results h1")).to_contain_text("For you: Sci-Fi")
    expect(page).to_have_url(re.compile("genre=Sci-Fi"))
    page.reload()  # the address alone brings it back
    expect(page.get_by_label("Genre")).to_have_value("Sci-Fi")
    picture(page, "4-filtered")

    page.locator(".film a.tile").first.click()
    expect(page.locator(".why")).to_contain_text("Because you liked")
    picture(page, "5-film-and-why")

    stars = page.get_by_role("group", name="Your rating")
    stars.get_by_role("radio", name="4 stars", exact=True).check(force=True)
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    expect(page.locator("#worth")).to_contain_text("You gave it 4 stars")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-saved]")).to_contain_text("Removed")
    expect(page.locator("#worth")).to_contain_text("Because you liked")
    expect(stars.get_by_role("radio", checked=True)).to_have_count(0)


def keeps(page: Page, picture: Picture, folder: Path) -> None:
    """Sign up, import, export, erase."""
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Name").fill("Grace")
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    picture(page, "6-sign-up")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_text("Welcome, Grace.")).to_be_visible()

    page.get_by_role("link", name="My ratings").click()
    expect(page.locator(".pick")).to_have_count(3)
    file = folder / "ratings.csv"
    file.write_text(EXPORT)
    page.get_by_label("An export of").set_input_files(file)
    page.get_by_role("button", name="Bring them along").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 rating found")
    expect(page.get_by_role("table")).to_contain_text("Nowhere to Be Found")
    picture(page, "7-brought-along")

    page.get_by_role("main").get_by_role("link", name="My ratings").click()
    picture(page, "8-my-ratings")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download my ratings").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 5

    page.get_by_role("link", name="Erase everything").click()
    picture(page, "9-erase")
    page.get_by_role("button", name="Erase everything").click()
    expect(page.get_by_text("Everything of yours is erased.")).to_be_visible()
    expect(page.locator("#progress")).to_contain_text("0 of 3 rated")


def test_without_scripts_everything_works_by_forms(opened: Open, picture: Picture) -> None:
    page = opened("/", java_script_enabled=False)
    for left in ("1 of 3 rated", "2 of 3 rated", "3 rated"):
        film = page.locator(".pick").first
        film.get_by_role("radio", name="5 stars", exact=True).check(force=True)
        film.get_by_role("button", name="Save").click()
        expect(page.locator("#progress")).to_contain_text(left)
    expect(page.locator(".note")).to_contain_text("Saved: 5 stars")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#progress")).to_contain_text("2 of 3 rated")
    page.get_by_role("link", name="Haven’t seen it").first.click()
    film = page.locator(".pick").first
    film.get_by_role("radio", name="5 stars", exact=True).check(force=True)
    film.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Your programme").click()
    picture(page, "programme")
    film = page.locator(".across .film").first
    title = film.locator(".name").inner_text()
    film.get_by_role("button", name="Watchlist").click()
    expect(page.locator(".note")).to_contain_text("on your watchlist")
    page.get_by_label("Genre").select_option("Sci-Fi")
    page.get_by_role("button", name="Show me films").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sci-Fi")
    page.get_by_role("link", name="Watchlist", exact=True).click()
    expect(page.locator(".film .name")).to_have_text(title)


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_pages_fit_every_width_hostile_titles_included(
    opened: Open, picture: Picture, width: int
) -> None:
    page = opened("/", viewport={"width": width, "height": 800})
    rate_three(page)
    for path in (*PATHS, *(f"/films/{i}" for i in ("quotes", "right-to-left", "endless", "wordy"))):
        page.goto(path)
        fits(page)
    page.goto("/?k=240")
    fits(page)
    picture(page, "all")


@pytest.mark.parametrize("item", ["script", "quotes", "right-to-left", "endless", "wordy"])
def test_hostile_titles_are_shown_literally(opened: Open, item: str) -> None:
    page = opened(f"/films/{item}")
    shown = page.get_by_role("heading", level=1).text_content() or ""
    assert shown.split() == HOSTILE[item].split()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(opened: Open, theme: str) -> None:
    page = opened("/", color_scheme=theme, reduced_motion="reduce")
    rate_three(page)
    assert faults(page) == []
    page.goto("/")
    page.locator('[data-mark="watchlist"]').first.click()
    expect(page.locator(".note")).to_contain_text("watchlist")
    assert faults(page) == []
    for path in PATHS:
        page.goto(path)
        assert faults(page) == [], path


def test_all_of_it_goes_by_keyboard(opened: Open) -> None:
    page = opened("/welcome")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the films")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    radio = page.locator(".pick input[type=radio]").first
    while not radio.evaluate("e => e === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    saved = page.locator(".pick [data-saved]").first
    expect(saved).to_contain_text("Saved")
    expect(saved).to_have_attribute("role", "status")
    expect(page.get_by_role("radio", name="3½ stars", checked=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # undo
    expect(saved).to_contain_text("Removed")
    expect(page.locator("#progress")).to_contain_text("0 of 3 rated")


def test_focus_can_be_seen_and_targets_are_large(opened: Open) -> None:
    page = opened("/welcome", viewport={"width": 320, "height": 800})
    rate_three(page)
    for path in ("/welcome", "/", "/films/f7"):
        page.goto(path)
        small = page.evaluate(
            """[...document.querySelectorAll("button, select, .scale label, .button, nav a")]
            .filter(e => e.checkVisibility() && !e.closest("[hidden]"))
            .map(e => [e.getBoundingClientRect(), e.outerHTML])
            .filter(([r]) => r.height < 43.5 || r.width < 30).map(([, h]) => h.slice(0, 90))"""
        )
        assert small == [], path
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_what_is_put_aside_can_be_brought_back(opened: Open) -> None:
    page = opened("/")
    rate_three(page)
    page.goto("/")
    film = page.locator(".across .film").first
    film.scroll_into_view_if_needed()
    box = film.bounding_box()
    film.get_by_role("button", name="Not for me").click()
    expect(film).to_contain_text("will not be suggested again")
    assert film.bounding_box() == box  # nothing jumps
    film.get_by_role("button", name="Undo").click()
    expect(film.locator(".tile")).to_be_visible()
    page.reload()
    expect(page.locator(".across .film").first).to_be_visible()


def test_rows_turn_by_arrows_that_show_only_where_there_is_more(opened: Open) -> None:
    page = opened("/", viewport={"width": 768, "height": 800}, reduced_motion="reduce")
    rate_three(page)
    page.goto("/")
    row = page.locator("[data-row]").first
    left, right = (row.locator(f'[data-turn="{turn}"]') for turn in ("-1", "1"))
    expect(right).to_be_visible()
    expect(left).to_be_disabled()
    while right.is_enabled():
        right.click()
        page.wait_for_function("() => new Promise(requestAnimationFrame)")
    expect(left).to_be_enabled()


def test_a_lost_connection_is_told_and_nothing_is_pretended(opened: Open) -> None:
    page = opened("/welcome")
    page.context.set_offline(True)
    expect(page.locator("[data-offline]")).to_contain_text("You are offline")
    film = page.locator(".pick").first
    film.get_by_role("radio", name="5 stars", exact=True).check(force=True)
    expect(page.locator(".note")).to_contain_text("no connection")
    expect(film.get_by_role("radio", checked=True)).to_have_count(0)
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(film.locator("[data-saved]")).to_contain_text("Saved")


def test_pages_that_cannot_be_fetched_are_answered(opened: Open) -> None:
    page = opened("/welcome", service_workers="allow")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    page.context.set_offline(True)
    page.goto("/about")
    expect(page.get_by_role("heading", level=1)).to_have_text("No connection")
