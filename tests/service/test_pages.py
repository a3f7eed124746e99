"""The pages as a browser without scripts uses them: forms, redirects, cookies."""

from __future__ import annotations

import csv
import html
import io
import re
import stat
from collections.abc import Generator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from matinee.service.pages import accounts
from matinee.service.pages.sessions import COOKIE, local
from matinee.service.store import Store, examine, open_store
from support.cinema import HOSTILE, cinema
from support.serving import TestClient, saved, serving

PASSPHRASE = "four quiet afternoon matinees"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(cinema(), tmp_path_factory.mktemp("runs") / "cinema")


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/pages.db"


@pytest.fixture
def client(run: str, database: str) -> Generator[TestClient]:
    with serving(run=run, database=database, pages=True) as client:
        yield client


def token(client: TestClient, path: str = "/welcome") -> str:
    found = re.search(r'name="token" value="([^"]+)"', client.get(path).text)
    assert found is not None
    return found[1]


def send(client: TestClient, path: str, **fields: Any) -> Response:
    """Send a form as the page at hand would, without following where it leads."""
    fields = {"token": token(client), "back": "/welcome", **fields}
    return client.post(path, data=fields, follow_redirects=False)


def rate(client: TestClient, *items: str, stars: str = "5") -> None:
    for item in items:
        assert send(client, "/rate", item=item, rating=stars).status_code == 303


def said(reply: Response) -> str:
    """The words of a page."""
    assert reply.headers["content-type"].startswith("text/html")
    text = re.sub(r"<(script|svg)[^>]*>.*?</\1>", " ", reply.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def listed(reply: Response) -> set[str]:
    """The ids of the films of a page's rows and grids."""
    return {html.unescape(i) for i in re.findall(r'class="film" data-film="([^"]*)"', reply.text)}


def tags(page: str) -> list[tuple[str, dict[str, str]]]:
    """Every tag of a page with its attributes."""
    found: list[tuple[str, dict[str, str]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, {name: value or "" for name, value in attrs}))

    Reader().feed(page)
    return found


def ratings(client: TestClient) -> dict[str, str]:
    rows = csv.DictReader(io.StringIO(client.get("/ratings/export").text))
    return {row["id"]: row["rating"] for row in rows}


class TestFirstVisit:
    def test_someone_new_is_asked_for_films_and_told_how_far_they_are(
        self, client: TestClient
    ) -> None:
        reply = client.get("/")
        assert reply.url.path == "/welcome"
        assert "0 of 3 rated" in said(reply)
        assert reply.text.count('class="pick"') == 12

    def test_three_ratings_make_a_programme(self, client: TestClient) -> None:
        rate(client, "f1", "f3")
        assert "2 of 3 rated" in said(client.get("/"))
        rate(client, "f5")
        assert "For you, by now" in said(client.get("/welcome"))
        home = client.get("/")
        assert home.url.path == "/"
        assert "Because you liked" in said(home)
        assert "about" in said(home).lower()
        assert not {"f1", "f3", "f5"} & listed(home)

    def test_the_programme_reads_the_database_once_for_all_rows(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Once who it is, and once what they have rated and marked."""
        rate(client, "f1", "f3", "f5")
        reads: list[str] = []
        for name in ("_read", "histories"):
            read = getattr(Store, name)
            counted = lambda *given, name=name, read=read: reads.append(name) or read(*given)  # noqa: E731
            monkeypatch.setattr(Store, name, counted)
        assert client.get("/").text.count("<h2") >= 4
        assert reads == ["_read", "histories"]

    def test_films_passed_over_do_not_come_again(self, client: TestClient) -> None:
        first = client.get("/welcome")
        skip = html.unescape(re.findall(r'href="([^"]+)" data-skip', first.text)[0])
        gone = re.findall(r'class="pick" data-film="([^"]+)"', first.text)[0]
        assert f'class="pick" data-film="{gone}"' not in client.get(skip).text

    def test_films_are_found_by_title(self, client: TestClient) -> None:
        reply = client.get("/welcome", params={"q": "river of the nor"})
        assert 'class="pick" data-film="f1"' in reply.text
        assert "No film here is called that" in said(client.get("/welcome?q=zzzzqqqq"))

    def test_when_all_are_passed_over_it_says_so(self, client: TestClient) -> None:
        everything = [("skip", f"f{i}") for i in range(48)] + [("skip", i) for i in HOSTILE]
        assert "That was all of them" in said(client.get("/welcome", params=everything))


class TestGiving:
    def test_a_rating_is_kept_told_and_undone(self, client: TestClient) -> None:
        reply = send(client, "/rate", item="f2", rating="3.5", back="/films/f2")
        assert (reply.status_code, reply.headers["location"]) == (303, "/films/f2")
        page = client.get("/films/f2")
        assert "Saved: 3½ stars for Orchard of the North." in said(page)
        assert ratings(client) == {"f2": "3.5"}
        assert "Saved" not in said(client.get("/films/f2"))  # told once
        undo = re.search(r'action="/rate">.*?</form>', page.text, re.DOTALL)
        assert undo is not None
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', undo[0]))
        client.post("/rate", data=fields)
        assert ratings(client) == {}

    def test_scripts_are_answered_in_json(self, client: TestClient) -> None:
        rate(client, "f2", stars="2")
        fields = {"token": token(client), "item": "f2", "rating": "4"}
        reply = client.post("/rate", data=fields, headers={"Accept": "application/json"}).json()
        assert reply["text"] == "Changed from 2 stars: 4 stars for Orchard of the North."
        assert dict(reply["undo"]["fields"]) == {"item": "f2", "rating": "2"}

    @pytest.mark.parametrize(("item", "stars", "status"), [("f2", "9", 422), ("nope", "3", 404)])
    def test_what_cannot_be_rated_is_refused_as_a_page(
        self, client: TestClient, item: str, stars: str, status: int
    ) -> None:
        reply = send(client, "/rate", item=item, rating=stars)
        assert reply.status_code == status
        assert "<h1>" in reply.text
        assert ratings(client) == {}

    def test_what_is_not_wanted_or_seen_is_listed_no_more(self, client: TestClient) -> None:
        rate(client, "f1", "f3", "f5")
        first, second, *_ = sorted(listed(client.get("/")))
        send(client, "/mark", mark=f"not_interested:{first}")
        send(client, "/mark", mark=f"seen:{second}")
        assert not {first, second} & listed(client.get("/"))
        assert "2 films you have seen or do not want" in said(client.get("/watchlist"))
        send(client, "/mark", unmark=f"not_interested:{first}")
        assert first in listed(client.get("/?k=240"))

    def test_the_watchlist_holds_what_is_put_there(self, client: TestClient) -> None:
        assert "Nothing put by yet" in said(client.get("/watchlist"))
        send(client, "/mark", mark="watchlist:a/b c?d#e")
        assert listed(client.get("/watchlist")) == {"a/b c?d#e"}

    def test_an_unknown_mark_is_refused(self, client: TestClient) -> None:
        assert send(client, "/mark", mark="adored:f1").status_code == 422


class TestForgery:
    def test_a_form_without_the_token_changes_nothing(self, client: TestClient) -> None:
        token(client)
        for wrong in ("", "wrong", "é"):
            reply = client.post("/rate", data={"token": wrong, "item": "f1", "rating": "5"})
            assert reply.status_code == 403
            assert "nothing was changed" in said(reply)
        assert ratings(client) == {}

    def test_anothers_token_is_of_no_use(self, client: TestClient) -> None:
        foreign = token(client)
        client.cookies.clear()
        token(client)
        reply = client.post("/rate", data={"token": foreign, "item": "f1", "rating": "5"})
        assert reply.status_code == 403

    def test_another_sites_form_is_refused(self, client: TestClient) -> None:
        fields = {"token": token(client), "item": "f1", "rating": "5"}
        reply = client.post("/rate", data=fields, headers={"Origin": "https://evil.example"})
        assert reply.status_code == 403

    @pytest.mark.parametrize(
        "back", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "", "x"]
    )
    def test_nobody_is_sent_to_another_site(self, client: TestClient, back: str) -> None:
        reply = send(client, "/rate", item="f1", rating="5", back=back)
        assert reply.headers["location"] == "/"
        assert local(back) == "/"


class TestWishes:
    def test_they_stand_in_the_address_and_filter(self, client: TestClient) -> None:
        rate(client, "f1", "f3", "f5")
        reply = client.get("/?genre=Sci-Fi&from=1940&to=1990&variety=50")
        assert "For you: Sci-Fi, 1940 to 1990" in said(reply)
        assert listed(reply) <= {f"f{i}" for i in range(3, 48, 4)}
        assert len(listed(reply)) > 3

    def test_more_can_be_shown_until_the_end(self, client: TestClient) -> None:
        reply = client.get("/?k=24")
        assert len(listed(reply)) == 24
        more = html.unescape(re.findall(r'href="([^"]+)" data-more', reply.text)[0])
        reply = client.get(more)
        assert len(listed(reply)) == 48
        assert "That is all there is" in said(client.get("/?k=96"))

    @pytest.mark.parametrize("query", ["from=abc", "variety=101", "genre=Nonsense", "k=0"])
    def test_what_cannot_be_meant_is_said(self, client: TestClient, query: str) -> None:
        reply = client.get(f"/?{query}")
        assert reply.status_code == 400
        assert 'role="alert"' in reply.text

    def test_years_the_wrong_way_round_are_turned(self, client: TestClient) -> None:
        assert "1940 to 1990" in said(client.get("/?from=1990&to=1940"))

    def test_nothing_that_fits_is_said(self, client: TestClient) -> None:
        assert "No film fits" in said(client.get("/?from=1800&to=1801"))


class TestFilm:
    def test_it_shows_facts_reasons_and_a_radio_group(self, client: TestClient) -> None:
        rate(client, "f1", "f3", "f5")
        page = client.get("/films/f7")
        words = said(page)
        assert "Because you liked" in words
        assert "for you;" in words
        assert re.findall(r'type="radio" name="rating" value="([^"]+)"', page.text) == [
            f"{i / 2:g}" for i in range(1, 11)
        ]
        assert "Films like it" in words

    def test_ids_and_other_titles_survive_the_way(self, client: TestClient) -> None:
        page = client.get("/films/a/b%20c%3Fd%23e")
        assert "The Odd" in said(page)
        assert "L'étrange; Øther" in said(page)

    @pytest.mark.parametrize("item", ["script", "quotes", "right-to-left", "endless", "wordy"])
    def test_hostile_titles_are_shown_literally(self, client: TestClient, item: str) -> None:
        page = client.get(f"/films/{item}").text
        heading = re.findall(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)[0]
        assert html.unescape(heading).split() == HOSTILE[item].split()
        assert "<img src=x" not in page
        assert len(re.findall("<script", page)) == 1  # our own

    def test_search_finds_and_says_when_it_does_not(self, client: TestClient) -> None:
        assert "f1" in listed(client.get("/search?q=river"))
        assert "No film here is called that" in said(client.get("/search?q=zzzzqqqq"))
        assert "Any film you have in mind" in said(client.get("/search"))


class TestMine:
    CSV = "Date,Name,Year,Letterboxd URI,Rating\n2020-01-01,River of the North,1927,x,4.5\n"

    def bring(self, client: TestClient, text: str, name: str = "ratings.csv") -> Response:
        fields = {"token": token(client), "back": "/ratings"}
        return client.post("/ratings/import", data=fields, files={"file": (name, text.encode())})

    def test_an_export_is_taken_in_and_what_did_not_match_listed(self, client: TestClient) -> None:
        reply = self.bring(client, self.CSV + "2020-01-02,<b>Nowhere</b>,1999,y,3\n")
        assert reply.status_code == 200
        assert "1 rating found" in said(reply)
        assert "&lt;b&gt;Nowhere&lt;/b&gt;" in reply.text
        assert ratings(client) == {"f1": "4.5"}

    def test_a_file_that_will_not_do_is_refused_in_words(self, client: TestClient) -> None:
        for text, name in (("a,b\n1,2\n", "x.csv"), ("", "empty.csv"), ("PK\x03\x04", "x.zip")):
            reply = self.bring(client, text, name)
            assert reply.status_code == 400
            assert "Nothing was changed." in said(reply)

    def test_what_is_taken_away_can_be_brought_along_again(self, client: TestClient) -> None:
        rate(client, "f1", "f4", *HOSTILE, stars="2.5")
        exported = client.get("/ratings/export")
        assert "attachment" in exported.headers["content-disposition"]
        before = ratings(client)
        send(client, "/ratings/erase")
        assert ratings(client) == {}
        self.bring(client, exported.text)
        assert ratings(client) == before

    def test_a_spreadsheet_sees_no_formula(self, client: TestClient) -> None:
        rate(client, "=formula", "quotes")
        rows = list(csv.DictReader(io.StringIO(client.get("/ratings/export").text)))
        assert [(row["id"], row["title"]) for row in rows] == [
            ("'=formula", "'" + HOSTILE["=formula"]),
            ("quotes", HOSTILE["quotes"]),
        ]

    def test_ratings_are_sorted_as_asked(self, client: TestClient) -> None:
        rate(client, "f1", stars="2")
        rate(client, "f2", stars="4")
        order = r'class="pick" data-film="([^"]+)"'
        assert re.findall(order, client.get("/ratings?order=best").text) == ["f2", "f1"]
        assert re.findall(order, client.get("/ratings?order=worst").text) == ["f1", "f2"]
        assert re.findall(order, client.get("/ratings?order=nonsense").text) != []

    def test_everything_is_erased_only_when_confirmed(
        self, client: TestClient, database: str
    ) -> None:
        rate(client, "f1")
        send(client, "/mark", mark="watchlist:f2")
        old = client.cookies[COOKIE]
        assert "1 rating" in said(client.get("/ratings/erase"))
        assert ratings(client) == {"f1": "5"}
        send(client, "/ratings/erase")
        assert client.cookies[COOKIE] != old
        with open_store(database) as store:
            assert store.all_ratings().is_empty()

    def test_erasing_reaches_what_the_log_has_not_written_yet(
        self, run: str, database: str
    ) -> None:
        with serving(run=run, database=database, pages=True, log_seconds=600) as client:
            rate(client, "f1", "f3", "f5")
            client.get("/")
            send(client, "/ratings/erase")
        assert examine(database).rows["recommendation_log"] == 0

    def test_the_log_of_a_guest_moves_over_on_signing_in(self, run: str, database: str) -> None:
        with serving(run=run, database=database, pages=True, log_seconds=600) as client:
            sign_up = {"name": "Ada", "passphrase": PASSPHRASE}
            send(client, "/sign-up", **sign_up)
            send(client, "/sign-out")
            rate(client, "f1", "f3", "f5")
            client.get("/")
            send(client, "/sign-in", **sign_up)
            send(client, "/ratings/erase")
        assert examine(database).rows["recommendation_log"] == 0


class TestAccounts:
    def sign_up(self, client: TestClient, name: str = "Ada") -> Response:
        return send(client, "/sign-up", name=name, passphrase=PASSPHRASE)

    def test_a_guests_ratings_stay_when_they_sign_up(self, client: TestClient) -> None:
        rate(client, "f1")
        before, cookie = token(client), client.cookies[COOKIE]
        assert self.sign_up(client).status_code == 303
        assert token(client) != before
        assert "Welcome, Ada." in said(client.get("/")) or "Ada" in said(client.get("/ratings"))
        assert ratings(client) == {"f1": "5"}
        client.cookies.clear()
        client.cookies[COOKIE] = cookie  # the guest's cookie does not open the account
        assert ratings(client) == {}

    def test_signing_out_makes_every_copy_of_the_cookie_bad(self, client: TestClient) -> None:
        rate(client, "f1")
        self.sign_up(client)
        copied = client.cookies[COOKIE]
        send(client, "/sign-out")
        client.cookies.clear()
        client.cookies[COOKIE] = copied
        assert ratings(client) == {}
        send(client, "/sign-in", name="Ada", passphrase=PASSPHRASE)
        assert ratings(client) == {"f1": "5"}

    def test_what_a_guest_rated_moves_over_on_signing_in(self, client: TestClient) -> None:
        rate(client, "f1")
        self.sign_up(client)
        send(client, "/sign-out")
        assert ratings(client) == {}
        rate(client, "f2")
        assert send(client, "/sign-in", name="ADA", passphrase=PASSPHRASE).status_code == 303
        assert set(ratings(client)) == {"f1", "f2"}

    def test_someone_who_has_done_nothing_yet_signs_in(self, client: TestClient) -> None:
        rate(client, "f1")
        self.sign_up(client)
        send(client, "/sign-out")
        client.cookies.clear()
        send(client, "/sign-in", name="Ada", passphrase=PASSPHRASE, back="/ratings")
        assert set(ratings(client)) == {"f1"}

    def test_unknown_names_and_wrong_passphrases_are_told_alike(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.sign_up(client)
        send(client, "/sign-out")
        checked: list[str] = []
        verify = accounts._verify
        monkeypatch.setattr(
            accounts, "_verify", lambda *given: checked.append(given[1]) or verify(*given)
        )
        wrong = send(client, "/sign-in", name="Ada", passphrase="not it at all")
        unknown = send(client, "/sign-in", name="Bob", passphrase="not it at all")
        assert wrong.status_code == unknown.status_code == 400
        assert re.findall("<strong>.*?</strong>", wrong.text) == re.findall(
            "<strong>.*?</strong>", unknown.text
        )
        assert len(checked) == 2  # the work is done for an unknown name as well

    def test_guessing_is_throttled(self, client: TestClient) -> None:
        self.sign_up(client)
        send(client, "/sign-out")
        for _ in range(accounts.PER_NAME):
            assert send(client, "/sign-in", name="Ada", passphrase="wrong").status_code == 400
        reply = send(client, "/sign-in", name="ada", passphrase=PASSPHRASE)
        assert reply.status_code == 429
        assert "too many attempts" in said(reply)

    @pytest.mark.parametrize(
        ("name", "passphrase"),
        [("", PASSPHRASE), ("n" * 41, PASSPHRASE), ("a\x00b", PASSPHRASE), ("Ada", "short"),
         ("Ada", "x" * 201)],
    )  # fmt: skip
    def test_names_and_passphrases_have_bounds(
        self, client: TestClient, name: str, passphrase: str
    ) -> None:
        reply = send(client, "/sign-up", name=name, passphrase=passphrase)
        assert reply.status_code == 400
        assert passphrase not in reply.text

    def test_a_name_is_taken_once(self, client: TestClient) -> None:
        self.sign_up(client)
        send(client, "/sign-out")
        assert "taken" in said(self.sign_up(client, "ada"))

    def test_an_account_that_is_erased_is_gone(self, client: TestClient) -> None:
        self.sign_up(client)
        send(client, "/ratings/erase")
        reply = send(client, "/sign-in", name="Ada", passphrase=PASSPHRASE)
        assert reply.status_code == 400


class TestCookies:
    def test_the_session_is_signed_and_kept_from_scripts(self, client: TestClient) -> None:
        header = client.get("/welcome").headers["set-cookie"]
        assert "HttpOnly" in header
        assert "SameSite=lax" in header
        assert "Secure" not in header
        first = token(client)
        value = client.cookies[COOKIE]
        client.cookies.clear()
        client.cookies[COOKIE] = value[:-2] + "xx"
        assert token(client) != first

    def test_over_https_it_is_sent_over_https_alone(self, run: str, database: str) -> None:
        with serving(run=run, database=database, pages=True) as client:
            assert "Secure" in client.get("https://localhost/welcome").headers["set-cookie"]

    def test_the_secret_is_made_once_for_its_owner_alone(self, run: str, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/pages.db"
        with serving(run=run, database=url, pages=True) as client:
            first, cookie = token(client), client.cookies[COOKIE]
        (path,) = tmp_path.glob("*.secret")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with serving(run=run, database=url, pages=True) as client:
            client.cookies[COOKIE] = cookie
            assert token(client) == first


class TestPages:
    PATHS = (
        "/welcome", "/", "/?genre=Comedy", "/films/f1", "/search?q=river", "/ratings",
        "/ratings/erase", "/watchlist", "/about", "/sign-up", "/sign-in", "/offline",
        "/films/nope", "/nowhere", "/films/script",
    )  # fmt: skip

    def test_nothing_is_inline_and_nothing_comes_from_elsewhere(self, client: TestClient) -> None:
        rate(client, "f1", "f3", "f5")
        for path in self.PATHS:
            reply = client.get(path)
            policy = reply.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'")
            assert "unsafe" not in policy
            for tag, attributes in tags(reply.text):
                assert tag != "style"
                assert tag != "script" or attributes["src"]
                assert not [name for name in attributes if name == "style" or name[:2] == "on"]
                for name in {"src", "href", "action"} & set(attributes):
                    assert attributes[name].startswith(("/", "#")), (path, tag)

    def test_headings_are_in_order(self, client: TestClient) -> None:
        rate(client, "f1", "f3", "f5")
        for path in self.PATHS:
            levels = [int(level) for level in re.findall(r"<h([1-6])", client.get(path).text)]
            assert levels[0] == 1, path
            assert levels.count(1) == 1
            assert all(b - a <= 1 for a, b in pairwise(levels)), path

    def test_what_is_missing_is_said_in_our_voice(self, client: TestClient) -> None:
        assert client.get("/nowhere").status_code == 404
        assert "There is no such page" in said(client.get("/nowhere"))
        assert "That film is not in our programme" in said(client.get("/films/nope"))

    def test_a_bug_of_ours_says_what_is_safe(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> None:
            raise RuntimeError("secret words")

        monkeypatch.setattr("matinee.service.pages.library.Library.search", broken)
        reply = client.get("/search?q=x")
        assert reply.status_code == 500
        assert "What you had rated is safe" in said(reply)
        assert "secret words" not in reply.text

    def test_the_model_and_its_figures_are_told(self, client: TestClient) -> None:
        words = said(client.get("/about"))
        for part in ("rmse 0.900 0.850–0.950 1.100", "auc 0.700 -", "Held-out ratings of everyone"):
            assert part in words

    def test_files_are_kept_for_good_under_the_name_of_their_content(
        self, client: TestClient
    ) -> None:
        address = re.findall(r'href="(/static/[^"]+page.css)"', client.get("/welcome").text)[0]
        assert "immutable" in client.get(address).headers["cache-control"]
        assert client.get("/static/old/page.css").headers["cache-control"] == "no-cache"
        assert client.get("/static/old/nothing.css").status_code == 404
        assert client.get("/static/old/..%2Fsite.py").status_code == 404
        assert (
            client.get(address.replace("page.css", "main.js"))
            .headers["content-type"]
            .startswith("text/javascript")
        )
        assert address in client.get("/worker.js").text

    def test_pages_ask_the_database_a_fixed_number_of_times(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rate(client, "f1", "f3", "f5")
        asked: list[str] = []
        store = client.app.state.service.store  # type: ignore[attr-defined]
        for name in ("history", "person", "rating", "marks", "ratings"):
            method = getattr(store, name)
            monkeypatch.setattr(store, name, lambda *a, n=name, m=method: asked.append(n) or m(*a))
        client.get("/?k=24")
        few = len(asked)
        client.get("/?k=48")
        assert len(asked) == 2 * few <= 8
