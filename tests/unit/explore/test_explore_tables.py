"""The figures of an exploration, worked by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions
from matinee.exhibits.types import Column
from matinee.exhibits.words import count, lasting, listed, percent
from matinee.explore.clusters import k_means
from matinee.explore.coldstart import coldstart, unseen
from matinee.explore.collinearity import collinearity, correlations, inflation
from matinee.explore.films import genres, tags, years
from matinee.explore.ratings import box, explained_shares, ratings
from matinee.explore.segments import find_segments, telling_films
from matinee.explore.sizes import sizes
from matinee.explore.tail import gini, lorenz, tail
from matinee.explore.timing import timing
from matinee.explore.totals import Totals

DAY = 86_400
counted = st.lists(st.integers(1, 1000), min_size=1, max_size=40).map(np.array)


class TestGini:
    @pytest.mark.parametrize(
        ("counts", "expected"),
        [([5, 5, 5, 5], 0.0), ([1, 2, 3], 2 / 9), ([1, 1, 1, 97], 0.72), ([7], 0.0)],
    )
    def test_by_hand(self, counts: list[int], expected: float) -> None:
        assert gini(np.array(counts)) == pytest.approx(expected, abs=1e-12)

    @given(counted)
    def test_is_half_the_mean_difference_of_pairs_over_the_mean(self, counts: np.ndarray) -> None:
        pairs = np.abs(counts[:, None] - counts).mean()
        assert gini(counts) == pytest.approx(pairs / (2 * counts.mean()), abs=1e-9)

    def test_lorenz_by_hand(self) -> None:
        shares = np.array([0.0, 0.5, 0.75, 1.0])
        assert lorenz(np.array([6, 1, 2, 1]), shares).tolist() == pytest.approx([0, 0.2, 0.4, 1])

    @given(counted)
    def test_lorenz_never_lies_above_equality(self, counts: np.ndarray) -> None:
        shares = np.linspace(0, 1, 11)
        assert (lorenz(counts, shares) <= shares + 1e-9).all()

    def test_top_tenth_by_hand(self) -> None:
        # ten films: nine with one rating, one with eleven of the twenty
        items = [*range(9), *[9] * 11]
        found = tail(Totals(Interactions.build(range(20), items)))
        assert found.figures["top_tenth_of_films"] == pytest.approx(0.55)
        assert found.figures["films_below_5"] == pytest.approx(0.9)
        ranks = found.exhibits[0].table
        assert ranks.rows[0] == (1, 11, 1)
        assert ranks.rows[-1] == (20, None, 1)


class TestBoxes:
    def test_by_hand(self) -> None:
        row = box("x", np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 100]))
        # quarters 3 and 7, so whiskers reach to -3 and 13: 1 and 8 are the furthest inside
        assert row == ("x", 9, 1, 1, 3, 5, 7, 8, 100)

    @given(arrays(np.float64, st.integers(1, 30), elements=st.integers(0, 50)))
    def test_numbers_ascend(self, values: np.ndarray) -> None:
        numbers = [float(value) for value in box("x", values)[2:]]  # type: ignore[arg-type]
        low, whisker, q1, half, q3, upper, most = numbers
        assert low <= whisker <= half <= upper <= most
        assert q1 <= half <= q3


class TestRatings:
    def test_levels_and_means_by_hand(self) -> None:
        data = Interactions.build([0, 0, 1, 1], [0, 1, 0, 1], [1, 3, 5, 5])
        levels, means, _, _ = (e.table for e in ratings(Totals(data)).exhibits)
        assert levels.rows == (("1", 1, 0.25), ("3", 1, 0.25), ("5", 2, 0.5))
        people, films = means.rows[1], means.rows[2]
        assert (people[2], people[8]) == (2, 5)
        assert (films[2], films[8]) == (3, 4)

    def test_explained_by_one_way_by_hand(self) -> None:
        # people rate 1, 3 and 4, 6: within 4 of 13 about the mean, n = 4, two means
        data = Interactions.build([0, 0, 1, 1], [0, 1, 2, 3], [1, 3, 4, 6])
        shares = explained_shares(Totals(data))
        assert shares["person"] == pytest.approx(1 - (4 / 2) / (13 / 3))
        assert shares["film"] == 0  # as many means as ratings explain nothing

    def test_a_sum_of_effects_is_explained_whole(self) -> None:
        person, film = np.divmod(np.arange(30), 5)
        data = Interactions.build(person, film, person * 0.5 + film * 0.25)
        assert explained_shares(Totals(data))["both"] == pytest.approx(1)

    def test_noise_is_not_explained(self) -> None:
        rng = np.random.default_rng(0)
        stars = rng.integers(1, 6, 3000)
        data = Interactions.build(np.arange(3000) % 300, rng.permutation(3000) % 200, stars)
        assert max(explained_shares(Totals(data)).values()) < 0.05

    def test_many_levels_become_ten_ranges(self) -> None:
        data = Interactions.build(np.zeros(100), np.arange(100), np.arange(100))
        rows = ratings(Totals(data)).exhibits[0].table.rows
        assert len(rows) == 10
        assert sum(int(row[1] or 0) for row in rows) == 100


class TestInflation:
    def test_two_features_by_hand(self) -> None:
        features = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1], [1, 1], [0, 0]])
        r = 1 / 3
        told, factors = inflation(features)
        assert told == pytest.approx([r**2, r**2])
        assert factors == pytest.approx([9 / 8, 9 / 8])

    def test_a_repeated_feature_is_told_entirely(self) -> None:
        rng = np.random.default_rng(0)
        first, other = rng.normal(size=(2, 50))
        _, factors = inflation(np.column_stack([first, -2 * first + 7, other]))
        assert np.isinf(factors[:2]).all()
        assert factors[2] < 1.5

    def test_indicators_of_every_value_tell_each_other_entirely(self) -> None:
        values = np.random.default_rng(4).integers(0, 7, 300)
        _, factors = inflation((values[:, None] == np.arange(7)).astype(float))
        assert np.isinf(factors).all()

    def test_agrees_with_regression(self) -> None:
        rng = np.random.default_rng(1)
        features = rng.normal(size=(80, 5)) @ rng.normal(size=(5, 5))
        told, _ = inflation(features)
        for j in range(5):
            others = np.column_stack([np.ones(80), np.delete(features, j, 1)])
            fitted = others @ np.linalg.lstsq(others, features[:, j], rcond=None)[0]
            residual = features[:, j] - fitted
            assert told[j] == pytest.approx(1 - residual.var() / features[:, j].var())

    def test_constant_columns_correlate_with_nothing(self) -> None:
        found = correlations(np.array([[1.0, 2], [1, 3]]))
        assert found.ravel().tolist() == pytest.approx([0, 0, 0, 1])

    def test_genres_that_go_together_are_told(self) -> None:
        catalogue = Catalogue.from_frame(
            pl.DataFrame(
                {
                    "id": list("abcdef"),
                    "genres": [["A", "B"], ["A", "B"], ["A"], ["C"], ["C"], ["B"]],
                }
            )
        )
        data = Interactions.build(np.arange(6), np.arange(6), catalogue=catalogue)
        shares, phi = (e.table for e in collinearity(Totals(data)).exhibits[:2])
        assert [c.name for c in shares.columns[1:]] == ["A", "B", "C"]
        assert shares.rows[0] == ("A", None, pytest.approx(2 / 3), 0)
        # A and B: both have 3 of 6 films, 2 in common: phi = (2/6 - 1/4) / (1/4)
        assert phi.rows[0][2] == pytest.approx(1 / 3)


class TestColdStart:
    def test_by_hand(self) -> None:
        data = Interactions.build([0, 0, 1, 1, 2], [0, 1, 0, 2, 0], times=[1, 2, 3, 4, 5])
        train = data.take(np.array([True, True, True, False, False]))
        # tested are person 1 on film 2 (unseen) and person 2 (unseen) on film 0
        assert unseen(data, train) == (2, 0.5, 2, 0.5, 2, 1.0)

    def test_people_and_films_without_ratings_are_nobody(self, toy: Interactions) -> None:
        assert unseen(toy, toy) == (0, 0, 0, 0, 0, 0)
        kept = toy.take(toy.users != 0)  # p0 alone is cold, not the last person and film
        assert unseen(toy, kept)[:2] == (1, 1.0)
        assert unseen(toy, kept)[3] == 0

    def test_calendar_order_meets_newcomers(self) -> None:
        # one person a day, four ratings each, and the first person once more on the last day
        users = np.append(np.repeat(np.arange(20), 4), 0)
        items, times = np.append(np.tile(np.arange(4), 20), 4), DAY * users + np.arange(81)
        times[80] = 19 * DAY + 1
        found = coldstart(Interactions.build(users, items, times=times), 0)
        # of 81 the last 20 test: days 16 to 19, the old friend, and three of day 15
        assert found.figures["global-time_people"] == pytest.approx(4 / 6)
        assert found.figures["global-time_films"] == pytest.approx(1 / 5)
        assert found.figures["global-time_ratings"] == pytest.approx(17 / 20)
        assert found.figures["stratified_people"] == 0
        assert found.figures["strong_people"] == 1
        assert "67\xa0% of the test people" in found.exhibits[0].says

    def test_a_split_that_cannot_be_is_named(self) -> None:
        data = Interactions.build([0, 1], [0, 1], times=[1, 2])
        assert (
            "No leave-last split: the split leaves nothing to test with."
            in coldstart(data, 0).missing
        )

    def test_without_times_says_which_splits_are_lacking(self) -> None:
        data = Interactions.build(np.repeat(np.arange(10), 3), np.tile(np.arange(3), 10))
        found = coldstart(data, 0)
        assert found.missing == (
            "Without times there are no chronological, leave-last and global-time splits.",
        )
        kinds = [row[0] for row in found.exhibits[0].table.rows]
        assert kinds == ["random", "stratified", "leave-random", "strong"]


class TestFilms:
    def test_genre_shares_by_hand(self, two_tastes: Interactions) -> None:
        table = genres(Totals(two_tastes)).exhibits[0].table
        assert table.rows[0] == ("Horror", 12, 0.5, 270, 0.5)

    def test_middle_years_by_hand(self) -> None:
        frame = pl.DataFrame({"id": list("abcd"), "year": [1990, 1991, 1992, None]})
        data = Interactions.build(
            [0, 1, 2, 3, 4], [0, 0, 0, 0, 2], catalogue=Catalogue.from_frame(frame)
        )
        found = years(Totals(data))
        assert found.figures == {"median_film": 1991, "median_rating": 1990}
        assert found.missing == ("1 film has no year.",)

    def test_tags_by_hand(self, two_tastes: Interactions) -> None:
        found = tags(Totals(two_tastes))
        assert found.exhibits[0].table.rows == (("film tag", 6, 0.25),)
        rated = two_tastes.item_counts[:6].sum() / len(two_tastes)
        assert found.figures["ratings_tagged"] == pytest.approx(rated)


class TestTiming:
    @pytest.mark.parametrize(
        ("day", "monday"), [("2020-01-05", "2019-12-30"), ("2020-01-06", "2020-01-06")]
    )
    def test_weeks_begin_on_mondays(self, day: str, monday: str) -> None:
        start = int(np.datetime64(day, "s").astype(np.int64))
        data = Interactions.build([0, 0], [0, 1], [1, 2], [start, start + 100 * DAY])
        assert timing(Totals(data)).exhibits[0].table.rows[0][0] == monday

    def test_periods_spans_and_ties_by_hand(self) -> None:
        start = int(np.datetime64("2020-01-31T12:00:00", "s").astype(np.int64))
        times = [start, start, start + DAY, start + 3 * DAY]
        found = timing(Totals(Interactions.build([0, 0, 0, 1], [0, 1, 2, 0], [1, 2, 3, 5], times)))
        days, mean, spans = (e.table for e in found.exhibits)
        assert days.rows == (
            ("2020-01-31", 2),
            ("2020-02-01", 1),
            ("2020-02-02", 0),
            ("2020-02-03", 1),
        )
        assert mean.values(2) == [1.5, 3.0, None, 5.0]
        assert found.figures == {"median_span": DAY / 2, "tied": 0.5}
        assert [row[0] for row in spans.rows if row[1]] == ["up to 1 minute", "up to 1 day"]
        assert "31 January 2020" in found.exhibits[0].says.replace("\xa0", " ")

    @pytest.mark.parametrize(
        ("days", "unit", "first"),
        [(300, "week", "2019-12-30"), (900, "month", "2020-01"), (3000, "quarter", "2020-01")],
    )
    def test_longer_times_have_longer_periods(self, days: int, unit: str, first: str) -> None:
        start = int(np.datetime64("2020-01-01", "s").astype(np.int64))
        data = Interactions.build([0, 0], [0, 1], [1, 2], [start, start + days * DAY])
        table = timing(Totals(data)).exhibits[0].table
        assert table.columns[0].name == f"{unit} from"
        assert table.rows[0][0] == first
        assert sum(table.values(1)) == 2


class TestSegments:
    def test_k_means_finds_what_is_apart(self) -> None:
        points = np.array([[0.0, 0], [0, 1], [9, 9], [9, 8], [9, 10]])
        labels, centres, explained = k_means(points, 2, seed=3)
        assert labels.tolist() == [1, 1, 0, 0, 0]
        assert centres.tolist() == [[9, 9], [0, 0.5]]
        total = np.square(points - points.mean(0)).sum()
        assert explained == pytest.approx(1 - 2.5 / total)

    @given(st.integers(0, 1000), st.integers(1, 4))
    def test_k_means_never_explains_more_than_all(self, seed: int, k: int) -> None:
        points = np.random.default_rng(seed).normal(size=(12, 3))
        labels, _, explained = k_means(points, k, seed)
        assert set(labels) <= set(range(k))
        assert -1e-9 <= explained <= 1
        assert k_means(points, k, seed)[0].tolist() == labels.tolist()

    def test_two_tastes_are_found_and_told(self, two_tastes: Interactions) -> None:
        found = find_segments(Totals(two_tastes), seed=0)
        genre_of = np.arange(60) % 2
        for segment in range(len(found.shares)):
            assert len(set(genre_of[found.of == segment])) == 1
        for films, shares in zip(telling_films(two_tastes, found), found.shares, strict=True):
            liked = found.genres[int(shares.argmax())]
            kinds = {two_tastes.catalogue.frame["genres"][film][0] for film in films}
            assert kinds == {liked}


class TestSizes:
    def test_density_counts_active_people_and_rated_films(self, toy: Interactions) -> None:
        figures = sizes(Totals(toy)).figures
        active, rated = len(toy.active_users), int((toy.item_counts > 0).sum())
        assert (figures["people"], figures["films"]) == (active, rated) == (19, 11)
        assert figures["density"] == pytest.approx(len(toy) / (19 * 11))
        assert figures["density"] + figures["sparsity"] == pytest.approx(1)


class TestWords:
    @pytest.mark.parametrize(
        ("share", "text"),
        [
            (0, "0 %"),
            (0.0001, "less than 0.1 %"),
            (0.034, "3.4 %"),
            (0.34, "34 %"),
            (0.982, "98.2 %"),
            (0.9999, "more than 99.9 %"),
            (1, "100 %"),
        ],
    )
    def test_percent(self, share: float, text: str) -> None:
        assert percent(share).replace("\xa0", " ") == text

    def test_lists_and_counts(self) -> None:
        assert [listed(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
        assert [count(n, "film", "films") for n in (1, 2000, 2.5)] == [
            "1 film",
            "2,000 films",
            "2.5 films",
        ]

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(1, "1 second"), (90, "1.5 minutes"), (3600, "1 hour"), (50 * DAY, "1.6 months")],
    )
    def test_lasting(self, seconds: float, text: str) -> None:
        assert lasting(seconds) == text

    def test_cells(self) -> None:
        column = Column("x", "share")
        assert [column.text(v) for v in (0.1234, None, "all")] == ["12.3", "–", "all"]
        assert Column("x", "count").text(12345) == "12,345"
        assert Column("x", "number").text(1234.5) == "1,234.50"
