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


@pytest.mark.parametrize("limit", ["MAX_ROUNDS", "BITMAP_BYTES"])
def test_what_the_loop_cannot_draw_is_left_to_its_twin(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matinee.kernels.drawing import draw  # noqa: PLC0415 - needs numba

    expected, nearly = batches(4).span(0, 0, 1), batches(59)
    if limit == "BITMAP_BYTES":
        monkeypatch.setattr(sampling, limit, 0)
        assert_array_equal(batches(4).span(0, 0, 1, draw)["items"], expected["items"])
    else:
        # One film is left: after so many rounds, one draw of hundreds has still missed it.
        assert_array_equal(nearly.span(0, 0, 9, draw)["items"], nearly.span(0, 0, 9)["items"])
