"""Products of films: the compiled loop and its twin agree, and the inverse is one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.sparse import csr_array

from matinee import kernels
from matinee.errors import TrainingError
from matinee.models import gram
from matinee.models.gram import inverted, upper_gram


def observed(people: int, films: int, count: int) -> csr_array:
    """Some weights at random places, several of them more than once, in no order."""
    rng = np.random.default_rng(films)
    places = rng.integers(0, people, count), rng.integers(0, films, count)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(places[0], minlength=people))])
    values = rng.random(count).astype(np.float32)
    return csr_array((values, places[1], offsets), shape=(people, films))


@pytest.mark.parametrize("films", [1, 9, 150])
def test_the_loop_and_its_twin_count_alike(films: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    matrix = observed(40, films, 900)
    ours = upper_gram(matrix)
    monkeypatch.setattr(kernels, "available", lambda: False)
    assert_allclose(np.triu(ours), np.triu(upper_gram(matrix)), rtol=1e-5)
    dense = matrix.toarray()
    assert_allclose(np.triu(ours), np.triu(dense.T @ dense), rtol=1e-5)


def test_an_inverse_is_whole_and_reads_the_upper_triangle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gram, "BLOCK", 4)
    matrix = torch.from_numpy(np.triu(upper_gram(observed(40, 10, 300))) + 5 * np.eye(10))
    whole = matrix.triu() + matrix.triu(1).T
    inverse = inverted(matrix.float().triu() + torch.full((10, 10), 7.0).tril(-1))
    assert_allclose(inverse.double() @ whole, np.eye(10), atol=1e-5)


def test_what_has_no_inverse_is_refused() -> None:
    with pytest.raises(TrainingError, match="larger l2"):
        inverted(torch.ones(3, 3))
