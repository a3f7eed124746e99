"""From scores to lists people can use: filters, variety, stars and reasons."""

from matinee.recommend.lists import recommend, similar
from matinee.recommend.topk import recommend_many
from matinee.recommend.types import Reason, Recommendations, Recommended

__all__ = [
    "Reason",
    "Recommendations",
    "Recommended",
    "recommend",
    "recommend_many",
    "similar",
]
