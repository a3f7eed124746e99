"""Variety: a list whose films are good and yet unlike each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.artefact import Artefact
from matinee.data.vocabulary import LongArray
from matinee.errors import DataError

Matrix = NDArray[np.float32]


def diversify(scores: NDArray[np.floating], vectors: Matrix, k: int, diversity: float) -> LongArray:
    """Pick k of P films greedily by maximal marginal relevance.

    Each step takes the film i with the largest (1 - diversity) r(i) - diversity max_j
    cos(i, j), where r is the score brought to 0..1 over the P films and j runs over the
    films already taken (Carbonell & Goldstein, 'The use of MMR', SIGIR 1998). The first is
    always the film of highest score; with 0 the order is that of the scores. Ties go to the
    film that stands further in front.

    Args:
        scores: `[P]`, descending.
        vectors: `[P, d]`; a row of zeros is like no other film.
        k: How many to pick, at most P.
        diversity: 0..1.

    Returns:
        `[k]` places in 0..P-1.
    """
    k = min(k, len(scores))
    if not k or diversity == 0:
        return np.arange(k)
    spread = float(scores[0] - scores[-1])
    relevance = (scores - scores[-1]) / spread if spread else np.zeros(len(scores))
    directions = unit(vectors)
    taken = [0]
    nearest = directions @ directions[0]
    for _ in range(k - 1):
        worth = (1 - diversity) * relevance - diversity * nearest
        worth[taken] = -np.inf
        taken.append(int(worth.argmax()))
        nearest = np.maximum(nearest, directions @ directions[taken[-1]])
    return np.asarray(taken)


def unit(vectors: Matrix) -> Matrix:
    """Rows brought to length 1; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)


def film_vectors(artefact: Artefact) -> tuple[Matrix, bool]:
    """What films are compared by: vectors `[n_items, d]`, and whether they are the model's.

    They are the model's item vectors or, if it has none, the films' genres.

    Raises:
        DataError: If there are neither.
    """
    vectors = artefact.model.item_vectors()
    if vectors is not None:
        return vectors.detach().float().cpu().numpy(), True
    genres = artefact.catalogue.genre_matrix.astype(np.float32)
    if not genres.any():
        raise DataError(
            f"{artefact.name} has no film vectors and no genres are known, "
            "so films cannot be compared",
            expected="a model with film vectors, or a film table with genres",
        )
    return genres, False
