"""What is asked: a person, what they said, and what they wish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matinee.recommendation.filters import Years

Rated = tuple[str, float, int]
"""A film that someone rated outside the training data: outside id, stars, Unix seconds."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for a list.

    Attributes:
        user: A person of the data, by outside id. Someone unknown is answered as well.
        likes: Films the person likes, as titles or ids.
        ratings: Stars the person gave, by title or id; they outweigh a like.
        history: What is on record of the person beside the training data, oldest first. Films
            that the run does not know are passed over, and ratings brought to its scale,
            since records outlive a run. `likes` and `ratings` outweigh it.
        hidden: Outside ids of films on record that must not be listed; unknown ones are
            passed over.
        k: Length of the list; it is shorter if fewer films are left.
        genres: Only films with any of these genres.
        years: Only films from the first to the last of these years.
        tags: Only films with any of these tags.
        exclude: Films not to list, as titles or ids.
        only: Outside ids of the only films to list, if any of those may be; None for all.
        diversity: 0 gives the k films of highest score; towards 1 the films are ever less
            like each other.
        because: Whether to tell which liked films speak for each film.
    """

    user: str | None = None
    likes: Sequence[str] = ()
    ratings: Mapping[str, float] = field(default_factory=dict[str, float])
    history: Sequence[Rated] = ()
    hidden: Sequence[str] = ()
    k: int = 10
    genres: Sequence[str] = ()
    years: Years | None = None
    tags: Sequence[str] = ()
    exclude: Sequence[str] = ()
    only: Sequence[str] | None = None
    diversity: float = 0.0
    because: bool = False
