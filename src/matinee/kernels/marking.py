"""Marking which films of ready lists are held out; twin: `evaluation.lists.mark`."""

from __future__ import annotations

import numpy as np
from numba import njit

from matinee.kernels.arrays import AnyIntegers, Flags


@njit(nogil=True, cache=True)
def mark(
    lists: AnyIntegers,
    users: AnyIntegers,
    offsets: AnyIntegers,
    films: AnyIntegers,
    n_films: int,
    hits: Flags,
    relevant: AnyIntegers,
) -> int:
    """Mark hits and count what is held out, a list at a time, until one makes no sense.

    A film's place in a table holds the last list it was met in, so that nothing is cleared.

    Args:
        lists: `[U, K]` film integers; -1 is no film.
        users: `[U]` whose lists these are.
        offsets: User `u` is to find `films[offsets[u]:offsets[u + 1]]`.
        films: `[n]` the held-out films.
        n_films: Number of films.
        hits: `[U, k]` false; filled.
        relevant: `[U]`, filled with the number of different films held out.

    Returns:
        The first list with a film twice or with one that does not exist; -1 if there is none.
    """
    wanted, listed = np.full(n_films, -1), np.full(n_films, -1)
    for row in range(len(lists)):
        count = 0
        for film in films[offsets[users[row]] : offsets[users[row] + 1]]:
            count += wanted[film] != row
            wanted[film] = row
        relevant[row] = count
        for place in range(lists.shape[1]):
            film = lists[row, place]
            if film == -1:
                continue
            if not 0 <= film < n_films or listed[film] == row:
                return row
            listed[film] = row
            if place < hits.shape[1]:
                hits[row, place] = wanted[film] == row
    return -1
