"""Data to explore: two tastes, and names that try to be markup."""

from __future__ import annotations

import numpy as np
import polars as pl

from matinee.data.catalogue import Catalogue
from matinee.data.interactions import Interactions

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "$\\frac{1}{0}$ & </svg>",
    "http://example.org/x.png",
    "恐怖",
    "url(#a) ]]> <!--",
)


def tastes(names: tuple[str, str], title: str = "film") -> Interactions:
    """Sixty people, of whom half rate the first genre's twelve films and half the second's."""
    films = 24
    catalogue = Catalogue.from_frame(
        pl.DataFrame(
            {
                "id": [str(i) for i in range(films)],
                "title": [f"{title} {i}" for i in range(films)],
                "year": [1980 + i for i in range(films)],
                "genres": [[names[i % 2]] for i in range(films)],
                "tags": [[f"{title} tag"] if i < 6 else [] for i in range(films)],
            }
        )
    )
    rng = np.random.default_rng(2)
    rows = [
        (user, film, 3 + rng.integers(3), 10**9 + 86_400 * user + 60 * place)
        for user in range(60)
        for place, film in enumerate(rng.permutation(np.arange(user % 2, films, 2))[:9])
    ]
    users, items, ratings, times = zip(*rows, strict=True)
    return Interactions.build(users, items, ratings, times, catalogue=catalogue)
