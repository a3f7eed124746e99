"""What a tower makes of many people with all films; twin: `PairTower.weighed`."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numba import njit

from matinee.kernels.arrays import Floats, Integers
from matinee.kernels.memory import aligned

FILMS = 256
"""Films that go through the tower together: their activations stay in the cache."""
UNITS = 4
"""Units that are read at once; widths are filled up to a multiple with units that are 0."""

# Sums may be made in any order; unlike with all of `fastmath`, NaN stays NaN.
SUMS = {"reassoc", "contract", "nsz"}

Layer = tuple[Floats, Floats]
"""Weights `[out, in]` and bias `[out]`."""


def weigh(
    left: Floats, right: Floats, layers: Sequence[Layer], weight: Floats, threads: int
) -> Floats:
    """Weighted outputs of a tower of linear layers, each followed by ReLU.

    Args:
        left: `[B, w]`, what the first layer makes of people, its bias included.
        right: `[n, w]`, what it makes of films.
        layers: Those above the first.
        weight: `[last]`, what each output weighs.
        threads: How many share the people; what comes out does not depend on it.

    Returns:
        `[B, n]`.
    """
    scores = np.empty((len(left), len(right)), np.float32)
    left, weight, films = _filled(left), _filled(weight[None])[0], _blocks(_filled(right))
    layers = [(_filled(matrix, both=True), _filled(bias[None])[0]) for matrix, bias in layers]
    widths = np.array([left.shape[1], *(len(bias) for _, bias in layers)])
    flat = np.concatenate([left[:0].ravel(), *(part.ravel() for layer in layers for part in layer)])

    def some(rows: tuple[int, int]) -> None:
        people = slice(*rows)
        _weigh(left[people], films, widths, flat, weight, scores[people])

    bounds = np.linspace(0, len(left), threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(some, pairwise(bounds)))
    return scores


def _filled(matrix: Floats, *, both: bool = False) -> Floats:
    """A matrix with columns of zeros, and rows if `both`, up to a multiple of `UNITS`."""
    rows, columns = (-size % UNITS for size in matrix.shape)
    return np.pad(matrix, ((0, rows if both else 0), (0, columns)))


def _blocks(films: Floats) -> Floats:
    """Films `[n, w]` as `[blocks, w, FILMS]`, with films of zeros at the end."""
    filled = np.pad(films, ((0, -len(films) % FILMS), (0, 0)))
    columns = filled.reshape(-1, FILMS, films.shape[1]).transpose(0, 2, 1)
    blocks = aligned(filled.size // FILMS, FILMS).reshape(columns.shape)
    blocks[...] = columns
    return blocks


@njit(nogil=True, cache=True)
def _weigh(
    left: Floats, films: Floats, widths: Integers, flat: Floats, weight: Floats, scores: Floats
) -> None:
    low, high = aligned(widths.max(), FILMS), aligned(widths.max(), FILMS)
    for block in range(len(films)):
        there = slice(block * FILMS, (block + 1) * FILMS)
        for person in range(len(left)):
            _join(left[person], films[block], low)
            at = 0
            for layer in range(1, len(widths)):
                wide, narrow = widths[layer - 1], widths[layer]
                bias = at + wide * narrow
                matrix = flat[at:bias].reshape(narrow, wide)
                _climb(matrix, flat[bias : bias + narrow], low, high)
                low, high, at = high, low, bias + narrow
            _sum(weight, low, scores[person, there])


@njit(nogil=True, cache=True, inline="always")
def _relu(value: np.float32) -> np.float32:
    """What is not a number stays so, as in PyTorch."""
    return np.float32(0) if value < 0 else value


@njit(nogil=True, cache=True, fastmath=SUMS)
def _join(person: Floats, films: Floats, out: Floats) -> None:
    """The first layer's outputs `[w, FILMS]` for a person with each film of a block."""
    for k in range(len(films)):
        mine, row, values = person[k], films[k], out[k]
        for film in range(FILMS):
            values[film] = _relu(row[film] + mine)


@njit(nogil=True, cache=True, fastmath=SUMS)
def _climb(matrix: Floats, bias: Floats, low: Floats, high: Floats) -> None:
    """A layer's outputs `[narrow, FILMS]` in `high`, two at a time from four inputs at a time.

    Written out so that what is loaded once is used often; more of it at a time would not fit
    the registers.
    """
    for j in range(0, len(bias), 2):
        one, two = high[j], high[j + 1]
        for film in range(FILMS):
            one[film] = two[film] = np.float32(0)
        for k in range(0, matrix.shape[1], UNITS):
            a, b, c, d = low[k], low[k + 1], low[k + 2], low[k + 3]
            p, q, r, s = matrix[j, k], matrix[j, k + 1], matrix[j, k + 2], matrix[j, k + 3]
            t, u, v, w = (
                matrix[j + 1, k],
                matrix[j + 1, k + 1],
                matrix[j + 1, k + 2],
                matrix[j + 1, k + 3],
            )
            for film in range(FILMS):
                one[film] += p * a[film] + q * b[film] + r * c[film] + s * d[film]
                two[film] += t * a[film] + u * b[film] + v * c[film] + w * d[film]
        for film in range(FILMS):
            one[film] = _relu(one[film] + bias[j])
            two[film] = _relu(two[film] + bias[j + 1])


@njit(nogil=True, cache=True, fastmath=SUMS)
def _sum(weight: Floats, top: Floats, scores: Floats) -> None:
    for film in range(len(scores)):
        scores[film] = np.float32(0)
    for k in range(len(weight)):
        times, row = weight[k], top[k]
        for film in range(len(scores)):
            scores[film] += times * row[film]
