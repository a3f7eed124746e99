"""How often films occur together; twin: `models.gram.upper_gram` without numba."""

from __future__ import annotations

from numba import njit

from matinee.kernels.arrays import AnyIntegers, Floats


@njit(nogil=True, cache=True)
def count(
    span: tuple[int, int],
    starts: AnyIntegers,
    people: AnyIntegers,
    places: AnyIntegers,
    offsets: AnyIntegers,
    films: AnyIntegers,
    values: Floats,
    gram: Floats,
) -> None:
    """Fill some rows of XᵀX on and above the diagonal, a film at a time.

    A row of the product stays in the cache while the histories of all who know its film are
    walked, from that film on, so that each pair of a history is visited once.

    Args:
        span: The first film and the one after the last.
        starts: `[I + 1]`; film i is known to `people[starts[i]:starts[i + 1]]`.
        people: `[n]`.
        places: `[n]` where in `films` the film itself stands in that person's history.
        offsets: `[U + 1]`; the films of person u, ascending, end before `offsets[u + 1]`.
        films: `[n]`, the columns of X by rows.
        values: `[n]`, the entries of X.
        gram: `[I, I]` zeros, changed in place.
    """
    for film in range(span[0], span[1]):
        row = gram[film]
        for entry in range(starts[film], starts[film + 1]):
            first, end = places[entry], offsets[people[entry] + 1]
            value = values[first]
            for place in range(first, end):
                row[films[place]] += value * values[place]
