"""Negatives: the compiled loop and its twin draw the same."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from matinee.data import sampling
from matinee.data.batches import SampledBatches
from matinee.data.interactions import Interactions

pytest.importorskip("numba")


def batches(each: int, films: int = 60) -> SampledBatches:
    """Forty people who have rated so many films each."""
    rng = np.random.default_rng(0)
    rated = np.concatenate([rng.choice(films, each, replace=False) for _ in range(40)])
    data = Interactions.build(np.repeat(np.arange(40), each), rated)
    return SampledBatches(data, negatives=3, batch_size=400, seed=5)


@pytest.mark.parametrize("each", [4, 50])
def test_the_compiled_draws_are_those_of_its_twin(each: int) -> None:
    from matinee.kernels.drawing import draw  # noqa: PLC0415 - needs numba

    ours, twin = batches(each).span(2, 0, 1, draw), batches(each).span(2, 0, 1)
    assert_array_equal(ours["items"].numpy(), twin["items"].numpy())
    assert_array_equal(ours["users"].numpy(), twin["users"].numpy())


def test_what_the_loop_cannot_draw_is_left_to_its_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    from matinee.kernels.drawing import draw  # noqa: PLC0415 - needs numba

    expected = batches(4).span(0, 0, 1)
    monkeypatch.setattr(sampling, "BITMAP_BYTES", 0)
    searching = batches(4)
    assert_array_equal(searching.span(0, 0, 1, draw)["items"].numpy(), expected["items"].numpy())


def test_one_unknown_film_among_many_is_found() -> None:
    from matinee.kernels.drawing import draw  # noqa: PLC0415 - needs numba

    data = Interactions.build(np.zeros(4095, int), np.delete(np.arange(4096), 17))
    one = SampledBatches(data, negatives=1, batch_size=100, seed=5)
    assert (one.span(0, 0, 1, draw)["items"][:, 1] == 17).all()
