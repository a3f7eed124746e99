"""Lists for people: who asks, what is left out, filters, variety, reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from matinee.artefact import Artefact
from matinee.config import Config
from matinee.data.catalogue import Catalogue
from matinee.data.queries import Queries
from matinee.errors import AmbiguousTitle, ConfigError, DataError, EvaluationError, UnknownName
from matinee.models import Recommender, Sizes
from matinee.recommendation import because, recommend, similar

Make = Callable[..., Artefact]


def titles(found: Any) -> list[str]:
    return [film.title for film in found.items]


@pytest.fixture(scope="module")
def ease(make_run: Make) -> Artefact:
    return make_run()


class NoConfig(Config):
    """No settings."""


class Echo(Recommender):
    """Scores a film by its integer, gives stars, and remembers who asked."""

    name: ClassVar[str] = "echo"
    Config = NoConfig
    asked: Queries
    constant = False

    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        self.asked = queries
        scores = torch.arange(self.sizes.items).float().expand(len(queries), -1)
        scores = torch.zeros_like(scores) if self.constant else scores
        return scores if items is None else scores[:, items]

    def predict(self, queries: Queries, items: Tensor) -> Tensor:
        return (1 + items / 10).expand(len(queries), -1)


@pytest.fixture
def echo(ease: Artefact) -> Artefact:
    return replace(ease, model=Echo(NoConfig(), Sizes(20, 12, 1)), run="runs/echo")


class TestWhoAsks:
    def test_a_known_person_is_asked_by_name_with_their_history(self, echo: Artefact) -> None:
        found = recommend(echo, user="p0", k=12)
        asked = echo.model.asked
        assert asked.users.tolist() == [0]
        assert asked.items.tolist() == [2, 3, 4, 5]
        assert set(titles(found)).isdisjoint({"Gamma", "Delta", "Epsilon", "Zeta"})
        assert titles(found)[:2] == ["Mu", "Lambda"]

    def test_a_person_the_model_has_not_learned_is_a_stranger(self, echo: Artefact) -> None:
        unlearned = replace(echo, user_counts=np.zeros(20, np.int64))
        recommend(unlearned, user="p0")
        assert echo.model.asked.users.tolist() == [-1]
        assert echo.model.asked.items.tolist() == [2, 3, 4, 5]

    def test_likes_stand_for_the_highest_rating(self, echo: Artefact) -> None:
        recommend(echo, likes=["eta", "id:100"])
        asked = echo.model.asked
        assert asked.users.tolist() == [-1]
        assert asked.items.tolist() == [6, 0]
        assert asked.ratings.tolist() == [5.0, 5.0]

    def test_what_a_known_person_adds_comes_last_and_replaces(self, echo: Artefact) -> None:
        recommend(echo, user="p0", likes=["Mu"], ratings={"Delta": 2, "Mu": 3.5})
        asked = echo.model.asked
        assert asked.users.tolist() == [-1]
        assert asked.items.tolist() == [2, 4, 5, 11, 3]
        assert asked.ratings.tolist() == [5.0, 5.0, 5.0, 3.5, 2.0]
        assert asked.offsets.tolist() == [0, 5]
        assert asked.times.tolist() == [2, 4, 5, 5, 5]

    @pytest.mark.parametrize("user", ["p19", "nobody", None])
    def test_nobody_known_gets_what_is_popular(self, ease: Artefact, user: str | None) -> None:
        found = recommend(ease, user=user, k=12, because=True)
        assert found.fallback
        assert [film.id for film in found.items] == [
            ease.catalogue.ids[i] for i in ease.favour.tolist()
        ]
        assert found.items[0].score == ease.item_counts.max()
        assert all(film.because == () for film in found.items)

    def test_a_model_that_cannot_tell_gives_what_is_popular(self, echo: Artefact) -> None:
        echo.model.constant = True
        found = recommend(echo, likes=["Alpha"], k=3)
        assert found.fallback
        assert found.items[0].stars is None
        assert titles(found) == titles(recommend(echo, exclude=["Alpha"], k=3))

    def test_integers_serve_as_user_ids(self, ease: Artefact) -> None:
        assert recommend(ease, user=7).fallback  # ids of the toy data are p0, p1, ...

    @pytest.mark.parametrize(
        ("wishes", "error"),
        [
            ({"likes": ["Alfa Centauri"]}, UnknownName),
            ({"ratings": {"Alpha": 5.5}}, DataError),
            ({"ratings": {"Alpha": float("nan")}}, DataError),
            ({"user": "p0", "k": 0}, ConfigError),
            ({"user": "p0", "diversity": 1.1}, ConfigError),
            ({"user": "p0", "diversity": float("nan")}, ConfigError),
            ({"user": "p0", "years": (1999, 1990)}, ConfigError),
            ({"user": "p0", "exclude": ["nonesuch"]}, UnknownName),
            ({"user": "p0", "tags": ["loud"]}, UnknownName),
        ],
    )
    def test_refuses_bad_wishes(
        self, ease: Artefact, wishes: dict[str, Any], error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            recommend(ease, **wishes)

    def test_refuses_stars_where_there_are_none(self, ease: Artefact) -> None:
        data = ease.facts.data.updated({"explicit": False})
        implicit = replace(ease, facts=ease.facts.updated({"data": data.model_dump()}))
        assert recommend(implicit, likes=["Alpha"]).items
        with pytest.raises(DataError, match="knows no stars"):
            recommend(implicit, ratings={"Alpha": 5})

    def test_a_title_of_several_films_is_ambiguous(self, ease: Artefact) -> None:
        frame = ease.catalogue.frame.clone()
        frame = frame.with_columns(title=frame["title"].replace("Beta", "Alpha"))
        twice = replace(ease, history=replace(ease.history, catalogue=Catalogue(frame)))
        with pytest.raises(AmbiguousTitle, match=r"1990.*1991"):
            recommend(twice, likes=["Alpha"])


class TestFilters:
    def test_any_of_the_genres_in_any_case(self, ease: Artefact) -> None:
        found = recommend(ease, likes=["Alpha"], genres=["WAR"], k=12)
        assert {film.genres for film in found.items} == {("Drama", "War")}
        both = recommend(ease, likes=["Alpha"], genres=["war", "Comedy"], k=12)
        assert len(both.items) == 10

    def test_an_unknown_genre_suggests_the_nearest(self, ease: Artefact) -> None:
        with pytest.raises(UnknownName, match="Did you mean 'Comedy'"):
            recommend(ease, user="p0", genres=["comdy"])

    @pytest.mark.parametrize(
        ("years", "expected"),
        [
            ((1993, 1995), {1993, 1994, 1995}),
            ((1998, None), {1998, 1999, 2000}),
            ((None, 1992), {1991, 1992}),
            ((None, None), set(range(1991, 2001))),
        ],
    )
    def test_years_include_both_ends_and_leave_unknown_ones_out(
        self, ease: Artefact, years: Any, expected: set[int]
    ) -> None:
        found = recommend(ease, likes=["Alpha"], years=years, k=12)
        assert {film.year for film in found.items} == expected

    def test_tags(self, ease: Artefact) -> None:
        found = recommend(ease, likes=["Alpha"], tags=["Quiet"], k=12)
        assert set(titles(found)) == {"Beta", "Delta", "Zeta", "Theta", "Kappa", "Mu"}

    def test_fewer_films_than_asked_for_are_a_shorter_list(self, ease: Artefact) -> None:
        found = recommend(ease, likes=["Alpha"], genres=["Comedy"], years=(1991, 1992), k=5)
        assert sorted(titles(found)) == ["Beta", "Gamma"]
        none = recommend(ease, likes=["Beta"], years=(1991, 1991), because=True, diversity=0.5)
        assert none.items == ()


class TestStars:
    def test_a_model_of_ratings_tells_stars(self, echo: Artefact) -> None:
        found = recommend(echo, user="p0", k=2)
        assert [film.stars for film in found.items] == pytest.approx([2.1, 2.0])

    def test_others_do_not(self, ease: Artefact) -> None:
        assert recommend(ease, user="p0").items[0].stars is None

    def test_scores_that_are_no_numbers_are_refused(self, ease: Artefact) -> None:
        broken = replace(ease, model=Echo(NoConfig(), Sizes(20, 12, 1)))
        broken.model.score = lambda *_: torch.full((1, 12), torch.nan)  # type: ignore[method-assign]
        with pytest.raises(EvaluationError, match="not numbers"):
            recommend(broken, user="p0")


class TestJson:
    def test_is_the_contract_to_the_letter(self, echo: Artefact) -> None:
        assert recommend(echo, user="p0", k=1).as_dict() == {
            "run": "runs/echo",
            "model": "echo",
            "fallback": False,
            "items": [
                {
                    "id": "111",
                    "title": "Mu",
                    "year": None,
                    "genres": [],
                    "score": 11.0,
                    "stars": pytest.approx(2.1),
                }
            ],
        }

    def test_reasons_are_titles_and_weights(self, ease: Artefact) -> None:
        film = recommend(ease, user="p0", k=1, because=True).as_dict()["items"][0]
        assert set(film) == {"id", "title", "year", "genres", "score", "because"}
        assert all(set(reason) == {"title", "weight"} for reason in film["because"])


class TestBecause:
    def test_is_exact_for_a_linear_model(self, ease: Artefact) -> None:
        """Oracle: the weight of a liked film is its entry of B over the sum of positive ones."""
        likes = ["Alpha", "Gamma", "Eta", "Zeta", "Kappa"]
        found = recommend(ease, likes=likes, k=12, because=True)
        weights = ease.model.state_dict()["weights"]
        history = [ease.titles.find(title) for title in likes]
        for film in found.items:
            column = weights[history, ease.catalogue.ids.find(film.id)].clamp(min=0)
            shares = (column / column.sum()).nan_to_num()
            best = sorted(
                ((s, t) for s, t in zip(shares.tolist(), likes, strict=True) if s > 1e-6),
                reverse=True,
            )[:3]
            assert film.because is not None
            told = [(r.weight, r.title) for r in film.because if r.weight > 1e-6]
            assert [t for _, t in told] == [t for _, t in best]
            assert [w for w, _ in told] == pytest.approx([s for s, _ in best], abs=1e-4)

    def test_a_disliked_film_is_no_reason(self, ease: Artefact) -> None:
        found = recommend(ease, ratings={"Alpha": 5, "Beta": 1, "Gamma": 5}, because=True)
        named = {r.title for film in found.items for r in film.because or ()}
        assert named == {"Alpha", "Gamma"}

    def test_the_only_film_is_the_whole_reason(self, ease: Artefact) -> None:
        found = recommend(ease, likes=["Alpha"], because=True)
        for film in found.items:
            assert film.because is not None
            assert [(r.title, r.weight) for r in film.because] == [("Alpha", 1.0)]

    @pytest.mark.parametrize("name", ["popularity", "itemknn", "userknn", "ials"])
    def test_holds_for_every_model(self, make_run: Make, name: str) -> None:
        found = recommend(make_run(name, {}), user="p1", because=True)
        for film in found.items:
            assert film.because is not None
            assert len(film.because) <= 3
            assert sum(r.weight for r in film.because) <= 1 + 1e-6
            weights = [r.weight for r in film.because]
            assert weights == sorted(weights, reverse=True)
        if name == "popularity":
            assert all(film.because == () for film in found.items)

    def test_long_histories_go_in_parts(
        self, ease: Artefact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = recommend(ease, user="p1", because=True)
        monkeypatch.setattr(because, "BLOCK", 24)
        assert recommend(ease, user="p1", because=True) == whole


class TestDiversity:
    def test_zero_is_the_plain_list(self, ease: Artefact) -> None:
        plain = recommend(ease, user="p0", k=5)
        scores = ease.model.score(ease.history.queries(np.array([0])))[0]
        scores[ease.history.items[ease.history.users == 0]] = -torch.inf
        best = sorted(range(12), key=lambda i: (-scores[i].item(), list(ease.favour).index(i)))
        assert titles(plain) == [ease.catalogue.titles[i] for i in best[:5]]
        assert recommend(ease, user="p0", k=5, diversity=0.0) == plain

    def test_one_mixes_tastes_sooner(self, ease: Artefact) -> None:
        plain = recommend(ease, likes=["Alpha", "Beta", "Gamma"], k=3)
        varied = recommend(ease, likes=["Alpha", "Beta", "Gamma"], k=3, diversity=1)
        assert plain.items[0] == varied.items[0]
        assert {g for film in plain.items for g in film.genres} == {"Comedy"}
        assert len({g for film in varied.items for g in film.genres}) > 1

    def test_a_model_without_vectors_compares_genres(self, make_run: Make) -> None:
        run = make_run("popularity", {})
        found = recommend(run, user="p0", k=2, diversity=1)
        assert found.items[0].genres != found.items[1].genres

    def test_without_vectors_and_genres_it_is_refused(self, make_run: Make) -> None:
        run = make_run("popularity", {})
        bare = replace(
            run, history=replace(run.history, catalogue=Catalogue.bare(run.catalogue.ids))
        )
        assert recommend(bare, user="p0").items
        with pytest.raises(DataError, match="cannot be compared"):
            recommend(bare, user="p0", diversity=0.5)


class TestSimilar:
    def test_films_of_one_taste_are_alike(self, ease: Artefact) -> None:
        found = similar(ease, "alpha", 4)
        assert not found.fallback
        assert "Alpha" not in titles(found)
        assert {film.genres for film in found.items} == {("Comedy",)}
        scores = [film.score for film in found.items]
        assert scores == sorted(scores, reverse=True)

    def test_is_the_cosine(self, ease: Artefact) -> None:
        vectors = ease.model.item_vectors()
        assert vectors is not None
        expected = torch.cosine_similarity(vectors[0], vectors, dim=1)
        for film in similar(ease, "alpha", 11).items:
            index = ease.catalogue.ids.find(film.id)
            assert film.score == pytest.approx(float(expected[index]), abs=1e-5)

    def test_without_vectors_genres_are_compared_and_it_says_so(self, make_run: Make) -> None:
        found = similar(make_run("popularity", {}), "alpha", 5)
        assert found.fallback
        assert {film.genres for film in found.items} == {("Comedy",)}
        counts = [make_run().item_counts[make_run().titles.find(t)] for t in titles(found)]
        assert counts == sorted(counts, reverse=True)

    def test_a_film_of_which_nothing_is_known_is_refused(self, make_run: Make) -> None:
        with pytest.raises(DataError, match="nothing is known to compare 'Mu'"):
            similar(make_run("popularity", {}), "mu")

    def test_refuses_a_list_of_none(self, ease: Artefact) -> None:
        with pytest.raises(ConfigError):
            similar(ease, "alpha", 0)


films = st.lists(st.integers(0, 11), unique=True, max_size=6)


@settings(deadline=None, max_examples=60)
@given(
    user=st.sampled_from([None, "p0", "p5", "p19"]),
    likes=films,
    exclude=films,
    k=st.integers(1, 14),
    diversity=st.sampled_from([0.0, 0.3, 1.0]),
    name=st.sampled_from(["ease", "itemknn", "popularity"]),
)
def test_never_lists_what_was_seen_or_excluded(
    make_run: Make,
    user: str | None,
    likes: list[int],
    exclude: list[int],
    k: int,
    diversity: float,
    name: str,
) -> None:
    run = make_run(name, {"l2": 2.0} if name == "ease" else {})
    ids = [f"id:{100 + i}" for i in range(12)]
    found = recommend(
        run,
        user=user,
        likes=[ids[i] for i in likes],
        exclude=[ids[i] for i in exclude],
        k=k,
        diversity=diversity,
    )
    index = None if user is None else run.history.user_ids.find(user)
    seen = set() if index is None else set(run.history.items[run.history.users == index].tolist())
    out = {str(100 + i) for i in {*seen, *likes, *exclude}}
    listed = [film.id for film in found.items]
    assert out.isdisjoint(listed)
    assert len(set(listed)) == len(listed) == min(k, 12 - len(out))
