"""A survey as one page."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from matinee.exhibits.page import Head
from matinee.exhibits.page import page as page_of
from matinee.explore.types import Survey

FOOT = (
    "Everything here is computed from the data. Random splits and segments begin from seed\n"
    "{seed}; the same data and seed give the same page."
)


def page(survey: Survey) -> str:
    """The whole page as HTML; see `matinee.exhibits.page`."""
    name = Path(survey.data).name or survey.data
    head = Head(
        over="Matinee · exploration",
        name=name,
        title=f"{name}: what the ratings are like",
        lead=survey.sections[0].exhibits[0].says,
        note=survey.note,
        foot=FOOT.format(seed=survey.seed),
        style=files("matinee.explore").joinpath("report.css").read_text(encoding="utf-8"),
        skipped=1,
    )
    return page_of(head, survey.sections)
