"""From scores to lists people can use: filters, variety, stars and reasons."""

from matinee.recommendation.lists import recommend, similar
from matinee.recommendation.topk import recommend_many
from matinee.recommendation.types import Reason, Recommendations, Recommended

__all__ = [
    "Reason",
    "Recommendations",
    "Recommended",
    "recommend",
    "recommend_many",
    "similar",
]
