"""The zoo: all models under one protocol, judged side by side, and the page that tells of it."""

from matinee.zoo.bars import Bar, Reached, reached, read_bars
from matinee.zoo.markdown import markdown
from matinee.zoo.pages import write_pages
from matinee.zoo.running import Zoo, found, specs, train_all

__all__ = [
    "Bar",
    "Reached",
    "Zoo",
    "found",
    "markdown",
    "reached",
    "read_bars",
    "specs",
    "train_all",
    "write_pages",
]
