"""The REST API, over both databases: what it gives, and what it will not take."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from matinee.artefact import Artefact
from matinee.recommendation import recommend
from matinee.service.store import open_store
from support.serving import TestClient, saved, serving

Make = Callable[..., Artefact]


@pytest.fixture(scope="module")
def run(make_run: Make, tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(make_run(), tmp_path_factory.mktemp("runs") / "ease")


@pytest.fixture
def client(database: str, run: str) -> Generator[TestClient]:
    with serving(run=run, database=database) as client:
        yield client


@pytest.fixture
def sqlite(run: str, tmp_path: Path) -> Generator[TestClient]:
    """For what has nothing to do with the database."""
    with serving(run=run, database=f"sqlite:///{tmp_path}/one.db") as client:
        yield client


def refused(reply: Response, status: int, **fields: object) -> dict[str, Any]:
    """The problem document of a reply, after its form has been checked."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    document = reply.json()
    assert document["status"] == status
    assert {"type", "title", "detail", "kind", "what", "expected", "remedy"} <= set(document)
    assert document["request_id"] == reply.headers["x-request-id"]
    for name, value in fields.items():
        assert document[name] == value, document
    return document


def ids(reply: Response) -> list[str]:
    assert reply.status_code == 200, reply.text
    return [film["id"] for film in reply.json()["items"]]


def marked(reply: Response) -> set[tuple[str, str]]:
    assert reply.status_code == 200, reply.text
    return {(mark["kind"], mark["item"]) for mark in reply.json()["items"]}


class TestRatings:
    def test_a_rating_is_kept_replaced_and_taken_back(self, client: TestClient) -> None:
        there = "/v1/people/ann/ratings/101"
        refused(client.get(there), 404)
        assert client.put(there, json={"rating": 4}).status_code == 201
        again = client.put(there, json={"rating": 2})
        assert again.status_code == 200
        assert client.get(there).json() == again.json()
        assert again.json()["rating"] == 2
        assert client.delete(there).status_code == 204
        assert client.delete(there).status_code == 204
        refused(client.get(there), 404)

    def test_pages_go_through_all_and_survive_a_change(self, client: TestClient) -> None:
        for item in range(100, 105):
            client.put(f"/v1/people/ann/ratings/{item}", json={"rating": 3})
        first = client.get("/v1/people/ann/ratings?limit=2").json()
        client.delete(f"/v1/people/ann/ratings/{first['items'][-1]['item']}")
        second = client.get("/v1/people/ann/ratings", params={"cursor": first["next"]}).json()
        assert [r["item"] for r in first["items"]] == ["100", "101"]
        assert [r["item"] for r in second["items"]] == ["102", "103", "104"]
        assert second["next"] is None

    @pytest.mark.parametrize("rating", [0, 5.5, "4", None, True, [4]])
    def test_a_rating_off_the_scale_is_refused(self, sqlite: TestClient, rating: object) -> None:
        refused(sqlite.put("/v1/people/ann/ratings/101", json={"rating": rating}), 422)
        assert sqlite.get("/v1/people/ann/ratings").json()["items"] == []

    def test_a_film_that_is_not_there_is_not_found(self, sqlite: TestClient) -> None:
        refused(sqlite.put("/v1/people/ann/ratings/nope", json={"rating": 3}), 404)

    def test_an_export_can_be_imported_again(self, client: TestClient) -> None:
        for item, stars in (("101", 4.5), ("103", 2)):
            client.put(f"/v1/people/ann/ratings/{item}", json={"rating": stars})
        before = client.get("/v1/people/ann/ratings").json()
        table = client.get("/v1/people/ann/export")
        rows = list(csv.DictReader(io.StringIO(table.text)))
        assert [(row["id"], row["title"]) for row in rows] == [("101", "Beta"), ("103", "Delta")]
        brought = client.post(
            "/v1/people/bob/import", content=table.content, headers={"content-type": "text/csv"}
        )
        assert brought.status_code == 200, brought.text
        assert brought.json()["taken"] == brought.json()["rows_kept"] == 2
        after = client.get("/v1/people/bob/ratings").json()
        assert [r["item"] for r in after["items"]] == [r["item"] for r in before["items"]]
        assert [r["time"] for r in after["items"]] == [r["time"] for r in before["items"]]

    def test_what_an_import_cannot_match_is_listed(self, sqlite: TestClient) -> None:
        brought = sqlite.post(
            "/v1/people/bob/import?from=plain",
            content=b"title,rating\nBeta,4\nNo Such Film,5\n",
            headers={"content-type": "text/csv"},
        ).json()
        assert (brought["rows_in"], brought["rows_kept"]) == (2, 1)
        assert brought["warnings"][0]["title"] == "No Such Film"

    def test_a_file_that_is_no_export_is_refused(self, sqlite: TestClient) -> None:
        path, kind = "/v1/people/bob/import", {"content-type": "text/csv"}
        refused(sqlite.post(path, content=b"\x00\x01", headers=kind), 422)
        refused(sqlite.post(path, content=b""), 415)

    def test_an_erased_person_is_gone_from_everywhere(
        self, client: TestClient, database: str
    ) -> None:
        client.put("/v1/people/ann/ratings/101", json={"rating": 4})
        client.post("/v1/recommendations", json={"user": "ann"})
        assert client.delete("/v1/people/ann").status_code == 204
        assert client.get("/v1/people/ann/ratings").json()["items"] == []
        with open_store(database) as store:
            assert store.person("ann") is None
            assert store.recommendations("ann") == []


class TestMarks:
    def test_a_mark_is_made_listed_and_taken_away(self, client: TestClient) -> None:
        there = "/v1/people/ann/marks"
        for kind, item in (("watchlist", "101"), ("seen", "101"), ("not_interested", "102")):
            assert client.put(f"{there}/{kind}/{item}").status_code == 204
            assert client.put(f"{there}/{kind}/{item}").status_code == 204
        assert marked(client.get(there)) == {
            ("watchlist", "101"), ("seen", "101"), ("not_interested", "102"),
        }  # fmt: skip
        assert marked(client.get(there, params={"kind": "seen"})) == {("seen", "101")}
        listed = ids(client.post("/v1/recommendations", json={"user": "ann", "k": 12}))
        assert {"101", "102"}.isdisjoint(listed)
        assert client.delete(f"{there}/seen/101").status_code == 204
        assert client.delete(f"{there}/seen/101").status_code == 204
        assert "101" in ids(client.post("/v1/recommendations", json={"user": "ann", "k": 12}))
        assert marked(client.get("/v1/people/bob/marks")) == set()

    def test_pages_go_through_all_and_survive_a_change(self, client: TestClient) -> None:
        for kind in ("watchlist", "seen"):
            for item in ("100", "101"):
                client.put(f"/v1/people/ann/marks/{kind}/{item}")
        first = client.get("/v1/people/ann/marks?limit=2").json()
        last = first["items"][-1]
        client.delete(f"/v1/people/ann/marks/{last['kind']}/{last['item']}")
        second = client.get("/v1/people/ann/marks", params={"cursor": first["next"]}).json()
        assert len({(m["item"], m["kind"]) for m in first["items"] + second["items"]}) == 4
        assert second["next"] is None

    def test_what_cannot_be_marked_is_refused(self, sqlite: TestClient) -> None:
        refused(sqlite.put("/v1/people/ann/marks/seen/nope"), 404)
        refused(sqlite.put("/v1/people/ann/marks/watched/101"), 422)
        refused(sqlite.delete("/v1/people/ann/marks/watched/101"), 422)
        refused(sqlite.get("/v1/people/ann/marks?kind=watched"), 422)
        refused(sqlite.get("/v1/people/ann/marks?cursor=WzEsIjEwMSJd"), 422)  # of a rating
        assert marked(sqlite.get("/v1/people/ann/marks")) == set()


class TestRecommendations:
    def test_is_the_librarys_list_with_version_and_reason(
        self, sqlite: TestClient, make_run: Make, run: str
    ) -> None:
        wishes = {"likes": ["Alpha", "102"], "k": 4, "because": True}
        got = sqlite.post("/v1/recommendations", json=wishes).json()
        alone = recommend(make_run(), likes=["Alpha", "Gamma"], k=4, because=True).as_dict()
        assert got["items"] == json.loads(json.dumps(alone["items"]))
        assert got["model_version"] == sqlite.get("/health/ready").json()["model_version"]
        assert set(got) == {*alone, "model_version", "reason"}

    def test_a_rating_counts_at_once(self, client: TestClient) -> None:
        nothing = client.post("/v1/recommendations", json={"user": "ann", "k": 12}).json()
        assert nothing["fallback"]
        for item in ("100", "101"):
            client.put(f"/v1/people/ann/ratings/{item}", json={"rating": 5})
        some = client.post("/v1/recommendations", json={"user": "ann", "k": 12})
        assert not some.json()["fallback"]
        assert {"100", "101"}.isdisjoint(ids(some))
        assert some.json()["items"][0]["genres"] == ["Comedy"]

    def test_a_known_person_adds_to_what_the_data_say(self, client: TestClient) -> None:
        before = ids(client.post("/v1/recommendations", json={"user": "p0", "k": 12}))
        assert {"102", "103", "104", "105"}.isdisjoint(before)
        client.put("/v1/people/p0/ratings/106", json={"rating": 5})
        after = ids(client.post("/v1/recommendations", json={"user": "p0", "k": 12}))
        assert {"102", "103", "104", "105", "106"}.isdisjoint(after)

    def test_what_was_put_aside_is_never_listed(self, database: str, run: str) -> None:
        with open_store(database) as store:
            store.mark("ann", "100", "seen")
            store.mark("ann", "101", "not_interested")
            store.mark("ann", "102", "watchlist")
        with serving(run=run, database=database) as client:
            listed = ids(client.post("/v1/recommendations", json={"user": "ann", "k": 12}))
        assert "102" in listed
        assert {"100", "101"}.isdisjoint(listed)

    def test_lists_are_logged(self, database: str, run: str) -> None:
        with serving(run=run, database=database) as client:
            listed = ids(client.post("/v1/recommendations", json={"user": "ann", "k": 3}))
        with open_store(database) as store:
            assert [row.items for row in store.recommendations("ann")] == [tuple(listed)]

    def test_filters_and_exclusions(self, sqlite: TestClient) -> None:
        wishes = {"likes": ["Alpha"], "genres": ["comedy"], "year_min": 1991, "year_max": 1993}
        assert set(ids(sqlite.post("/v1/recommendations", json=wishes))) == {"101", "102", "103"}
        wishes["exclude"] = ["Beta"]
        assert set(ids(sqlite.post("/v1/recommendations", json=wishes))) == {"102", "103"}

    @pytest.mark.parametrize(
        ("wishes", "where"),
        [
            ({"k": 0}, "body.k"),
            ({"k": 101}, "body.k"),
            ({"k": "10"}, "body.k"),
            ({"kk": 10}, "body.kk"),
            ({"diversity": 2}, "body.diversity"),
            ({"year_min": 2000, "year_max": 1990}, "year_min"),
            ({"genres": ["Comedie"]}, "genres"),
            ({"ratings": [{"item": "Alpha", "stars": 4}]}, "body.ratings.0.rating"),
            ({"likes": ["Alfa Centauri"]}, None),
            ({"likes": ["Alpha"] * 1001}, "body.likes"),
            ({"ratings": [{"item": "Alpha", "rating": 9}]}, "id:100"),
        ],
    )
    def test_wishes_that_cannot_be_are_named(
        self, sqlite: TestClient, wishes: dict[str, Any], where: str | None
    ) -> None:
        found = refused(sqlite.post("/v1/recommendations", json=wishes), 422)
        assert found["where"] in {where, "Alpha"}

    def test_many_people_in_their_order(self, client: TestClient) -> None:
        client.put("/v1/people/ann/ratings/100", json={"rating": 5})
        users = ["p3", "ann", "nobody", "p4"]
        got = client.post("/v1/recommendations/batch", json={"users": users, "k": 5}).json()
        assert [result["user"] for result in got["results"]] == users
        for result in got["results"]:
            one = client.post("/v1/recommendations", json={"user": result["user"], "k": 5}).json()
            assert [f["id"] for f in result["items"]] == [f["id"] for f in one["items"]]
            assert result["fallback"] == one["fallback"] == (result["user"] == "nobody")

    def test_many_more_than_a_batch_are_answered_too(self, run: str, tmp_path: Path) -> None:
        with serving(run=run, database=f"sqlite:///{tmp_path}/a.db", batch=3, queue=4) as client:
            users = [f"p{i}" for i in range(20)]
            got = client.post("/v1/recommendations/batch", json={"users": users}).json()
        assert [result["user"] for result in got["results"]] == users

    def test_a_model_without_stars_says_so(self, sqlite: TestClient) -> None:
        refused(sqlite.get("/v1/people/p0/predictions/101"), 409)


class TestItems:
    def test_search_forgives_and_ranks(self, sqlite: TestClient) -> None:
        assert ids(sqlite.get("/v1/items?q=epsilom"))[0] == "104"
        assert ids(sqlite.get("/v1/items?q=eta"))[0] == "106"

    def test_pages_list_every_film_once(self, sqlite: TestClient) -> None:
        listed: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = sqlite.get("/v1/items", params={"limit": 5, **cursor}).json()
            listed += [film["id"] for film in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert sorted(listed) == [str(100 + i) for i in range(12)]

    def test_filters(self, sqlite: TestClient) -> None:
        found = ids(sqlite.get("/v1/items?genre=comedy&tag=quiet&year_max=1993"))
        assert sorted(found) == ["101", "103"]
        assert len(ids(sqlite.get("/v1/items?genre=comedy&genre=war&limit=50"))) == 11

    @pytest.mark.parametrize(
        "query",
        [
            "genre=nope",
            "year=1990",
            "q=a&q=b",
            "limit=0",
            "limit=201",
            "cursor=%FF",
            "cursor=bnVsbA",
            "cursor=WzFd",
            "q=",
        ],
    )
    def test_parameters_that_cannot_be_are_refused(self, sqlite: TestClient, query: str) -> None:
        refused(sqlite.get(f"/v1/items?{query}"), 422)

    def test_one_film_and_those_like_it(self, sqlite: TestClient) -> None:
        film = sqlite.get("/v1/items/101").json()
        assert (film["title"], film["year"], film["tags"]) == ("Beta", 1991, ["quiet"])
        alike = sqlite.get("/v1/items/101/similar?k=3")
        assert "101" not in ids(alike)
        assert {tuple(f["genres"]) for f in alike.json()["items"]} == {("Comedy",)}
        refused(sqlite.get("/v1/items/nope"), 404)
        refused(sqlite.get("/v1/items/nope/similar"), 404)


class TestDocument:
    def test_is_openapi_3_1_with_the_limits_as_set(self, run: str, tmp_path: Path) -> None:
        with serving(run=run, database=f"sqlite:///{tmp_path}/a.db", max_k=7) as client:
            document = client.get("/openapi.json").json()
            refused(client.post("/v1/recommendations", json={"k": 8}), 422)
        assert document["openapi"] == "3.1.0"
        wishes = document["components"]["schemas"]["RecommendationRequest"]["properties"]
        assert wishes["k"]["maximum"] == 7
        assert wishes["likes"]["maxItems"] == 1000

    def test_there_is_no_page_with_scripts_of_others(self, sqlite: TestClient) -> None:
        for path in ("/docs", "/redoc"):
            refused(sqlite.get(path), 404)


class TestWatching:
    def test_metrics_count_by_route_and_name_the_model(self, sqlite: TestClient) -> None:
        version = sqlite.get("/health/ready").json()["model_version"]
        sqlite.post("/v1/recommendations", json={})
        text = sqlite.get("/metrics").text
        assert f'matinee_model_serving{{version="{version}"}} 1.0' in text
        assert 'matinee_recommendations_total{fallback="true"} 1.0' in text
        route = 'method="POST",route="/v1/recommendations",status="200"'
        assert f"matinee_request_seconds_count{{{route}}} 1.0" in text

    def test_a_request_id_is_passed_on_if_it_is_sane(self, sqlite: TestClient) -> None:
        for given, kept in (("abc-1", True), ("a" * 65, False), ("a b", False)):
            reply = sqlite.get("/health/live", headers={"x-request-id": given})
            assert (reply.headers["x-request-id"] == given) is kept

    def test_logs_have_neither_people_nor_secrets(
        self, sqlite: TestClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level("INFO"):
            sqlite.get(
                "/v1/people/ann-the-secret/ratings",
                headers={"authorization": "Bearer mt_very_secret"},
            )
        lines = [{**vars(record), "text": record.getMessage()} for record in caplog.records]
        own = [line for line in lines if line["name"].startswith("matinee")]
        assert own[-1]["facts"]["route"] == "/v1/people/{person}/ratings"
        assert "secret" not in str(own)
