"""Ranges: declared, asked for, drawn and rounded."""

from __future__ import annotations

import tomllib
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.config import Config, Search, toml_text
from matinee.errors import ConfigError, MatineeError
from matinee.models import MODELS
from matinee.tuning.space import Range, space, usual


class TestDeclared:
    def test_are_found_inside_other_types_too(self) -> None:
        class Some(Config):
            plain: int = 1
            ranged: Annotated[int, Search(1, 9)] = 2
            perhaps: Annotated[float, Search(7, 70, log=True)] | None = None

        assert Some.ranges() == {"ranged": Search(1, 9), "perhaps": Search(7, 70, log=True)}

    @pytest.mark.parametrize("name", sorted(MODELS))
    def test_every_model_takes_the_ends_of_its_ranges(self, name: str) -> None:
        kind = MODELS[name]
        if not kind.Config.ranges():
            pytest.skip("it declares none")
        found = space(kind, {})
        assert set(kind.Config.ranges()) <= set(found)
        for setting, drawn in usual(kind, found).items():
            assert (
                found[setting]
                .distribution()
                ._contains(found[setting].distribution().to_internal_repr(drawn))
            )

    def test_what_is_fixed_is_not_tried(self) -> None:
        found = space(MODELS["mf"], {"dim": 8, "learning_rate": 0.1})
        assert "dim" not in found
        assert "learning_rate" not in found
        assert {"l2", "bias_l2", "batch_size"} <= set(found)


class TestAsked:
    def test_only_those(self) -> None:
        found = space(MODELS["mf"], {}, ["dim=4..16", "l2", "batch_size=64|256"])
        assert list(found) == ["dim", "l2", "batch_size"]
        assert (found["dim"].low, found["dim"].high, found["dim"].whole) == (4, 16, True)
        assert found["dim"].log  # as it is declared
        assert found["batch_size"].choices == (64, 256)

    def test_lists_are_choices(self) -> None:
        found = space(MODELS["mlp"], {}, ["tower=[16,8]|[32,16,8]"])["tower"]
        drawn = found.distribution().to_external_repr(1)
        assert found.value(drawn) == [32, 16, 8]

    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            ("dmi", "no setting called 'dmi'"),
            ("dmi=1..2", "no setting called 'dmi'"),
            ("dim=16..4", "'16..4' is no range of dim"),
            ("dim=a..b", "no range of dim"),
            ("l2=0..1:log", "no range of l2"),
            ("l2=0.1..1:lgo", "no range of l2"),
            ("dim=-3..4:linear", "dim = -3"),
            ("optimizer", "'optimizer' declares no range"),
            ("optimizer=adam|adm", "'adm'"),
            ("epochs=2..9", "both fixed and to be tried"),
        ],
    )
    def test_mistakes_are_told(self, asked: str, told: str) -> None:
        with pytest.raises(MatineeError) as raised:
            space(MODELS["mf"], {"epochs": 3}, [asked])
        assert told in str(raised.value)
        assert "\n" not in str(raised.value)

    def test_a_model_without_settings_to_try(self) -> None:
        with pytest.raises(ConfigError, match="no setting left"):
            space(
                MODELS["augmented"],
                {
                    "content": 1.0,
                    "l2": 1.0,
                    "dropout": 0.0,
                    "half_life": 9.0,
                    **dict.fromkeys(_TERMS, 1),
                },
            )


_TERMS = ("genres", "year", "tags", "title", "text", "vocabulary")

numbers = st.floats(1e-6, 1e6)


class TestValues:
    @given(st.tuples(numbers, numbers).filter(lambda p: p[0] < p[1]), st.floats(0, 1))
    def test_drawn_numbers_stay_within_and_are_short(
        self, ends: tuple[float, float], share: float
    ) -> None:
        values = Range(low=ends[0], high=ends[1])
        drawn = values.value(ends[0] + share * (ends[1] - ends[0]))
        assert ends[0] <= drawn <= ends[1]
        assert drawn in ends or len(f"{drawn:e}".rstrip("0").split("e")[0].rstrip("0")) <= 4

    @given(st.integers(1, 50), st.integers(60, 900), st.integers(1, 8), st.floats(0, 1))
    def test_whole_ones_are_multiples(
        self, low: int, high: int, multiple: int, share: float
    ) -> None:
        values = Range(low=low, high=high, whole=True, multiple=multiple)
        drawn = values.value(round(low + share * (high - low)))
        assert low <= drawn <= high
        assert drawn % multiple == 0

    def test_defaults_out_of_range_move_to_its_end(self) -> None:
        assert Range(low=1e-7, high=1e-3, log=True).drawn(0.0) == 1e-7
        assert Range(low=1, high=2).drawn(None) is None
        assert Range(choices=(1, 2)).drawn(3) is None


plain = st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.text(), st.floats(-9, 9))
keys = st.text(min_size=1)


@given(st.dictionaries(keys, plain | st.lists(plain) | st.dictionaries(keys, plain)))
def test_toml_reads_back(values: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text(values, "two\nlines")) == values
