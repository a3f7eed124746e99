"""From scores to lists people can use: filters, variety, stars and reasons."""

from matinee.recommendation.ask import Ask, Rated
from matinee.recommendation.batch import predict, recommend_batch
from matinee.recommendation.lists import recommend, similar
from matinee.recommendation.topk import recommend_many
from matinee.recommendation.types import Reason, Recommendations, Recommended

__all__ = [
    "Ask",
    "Rated",
    "Reason",
    "Recommendations",
    "Recommended",
    "predict",
    "recommend",
    "recommend_batch",
    "recommend_many",
    "similar",
]
