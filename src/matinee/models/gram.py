"""How often films occur together, XᵀX, and the inverse of such a matrix."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_array
from torch import Tensor

from matinee import kernels
from matinee.data.interactions import dense
from matinee.errors import TrainingError

BLOCK = 512
"""Rows and columns of a block that is copied at once, which both fit a processor's cache."""


def upper_gram(matrix: csr_array) -> NDArray[np.float32]:
    """XᵀX `[n_items, n_items]` of X `[n_users, n_items]`; what is below its diagonal is no matter.

    With each pair of a history visited once, it costs half the squared lengths of histories,
    and no memory but the result.
    """
    if not kernels.available():
        return dense(matrix.T @ matrix)
    from matinee.kernels import pairs  # noqa: PLC0415 - needs numba

    rows = matrix.copy()
    rows.sum_duplicates()  # sorts the films of each history as well
    numbers = np.arange(rows.nnz, dtype=np.int32)
    columns = csr_array((numbers, rows.indices, rows.indptr), shape=rows.shape).tocsc()
    n = rows.shape[1]
    gram = np.zeros((n, n), np.float32)
    by_film = columns.indptr, columns.indices, columns.data.astype(np.int32, copy=False)
    by_person = rows.indptr, rows.indices, rows.data.astype(np.float32, copy=False)

    def count(span: tuple[int, int]) -> None:
        pairs.count(span, *by_film, *by_person, gram)

    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        spans = ((start, min(start + 64, n)) for start in range(0, n, 64))
        list(threads.map(count, spans))
    return gram


def inverted(gram: Tensor) -> Tensor:
    """The inverse of a positive definite matrix, by Cholesky.

    Args:
        gram: `[n, n]` float32, contiguous, of which only the upper triangle is read. On a CPU
            the inverse takes its place.

    Raises:
        TrainingError: If the matrix is not positive definite as far as float32 can tell.
    """
    if gram.device.type != "cpu":
        factor, failed = torch.linalg.cholesky_ex(gram, upper=True)
        _check(bool(failed))
        return torch.cholesky_inverse(factor, upper=True)
    # SciPy's LAPACK works in place, and is twice as fast as torch's on some processors. Its
    # matrices are transposed, so that our upper triangle is its lower one.
    factor, failed = cast("Any", lapack).spotrf(gram.numpy().T, lower=1, clean=0, overwrite_a=1)
    _check(bool(failed))
    inverse, _ = cast("Any", lapack).spotri(factor, lower=1, overwrite_c=1)
    return _mirrored(torch.from_numpy(inverse.T))


def _check(failed: bool) -> None:
    if failed:
        raise TrainingError(
            "the films' products cannot be inverted in float32",
            remedy="A larger l2 makes them so.",
        )


def _mirrored(matrix: Tensor) -> Tensor:
    """The upper triangle copied to below the diagonal, in blocks, in place."""
    for start in range(0, len(matrix), BLOCK):
        rows = slice(start, start + BLOCK)
        corner = matrix[rows, rows]
        corner.copy_(corner.triu() + corner.triu(1).T)
        for after in range(start + BLOCK, len(matrix), BLOCK):
            columns = slice(after, after + BLOCK)
            matrix[columns, rows] = matrix[rows, columns].T
    return matrix
