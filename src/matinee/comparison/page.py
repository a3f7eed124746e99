"""Compared runs as one page."""

from __future__ import annotations

from matinee.comparison.judging import Compared
from matinee.comparison.sections import sections
from matinee.exhibits.page import Head
from matinee.exhibits.page import page as page_of


def page(compared: Compared) -> str:
    """The page as HTML; see `matinee.exhibits.page`."""
    best, data = compared.ranked[0], compared.runs[0].facts.data
    split = compared.runs[0].facts.split
    metric = compared.primary
    head = Head(
        over="Matinee · comparison",
        name=f"{len(compared.runs)} runs on {data.name}",
        title=f"{len(compared.runs)} runs on {data.name}",
        lead=f"{best.label} is the best of {len(compared.runs)} by {metric}, "
        f"{best.report.metrics[metric].value:.4f}; split {split.kind}",
        foot=f"{best.report.protocol}. Data {data.digest[:16]}, split {split.digest[:16]}. "
        "Figures are of the test part but where validation is named.",
    )
    return page_of(head, sections(compared))
