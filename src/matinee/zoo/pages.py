"""The pages of a zoo, written from the folders of its runs; nothing is trained here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matinee.comparison import Compared, judge_runs
from matinee.comparison import page as page_of
from matinee.comparison.judging import Tell
from matinee.curves import save_learning
from matinee.zoo.bars import FILE, reached, read_bars
from matinee.zoo.markdown import markdown as markdown_of
from matinee.zoo.running import Zoo


def write_pages(
    zoo: Zoo,
    *,
    markdown: Path,
    html: Path,
    command: str,
    runs: Path,
    bars: Path | None = None,
    k: Sequence[int] = (10,),
    tell: Tell | None = None,
) -> Compared:
    """Judge the runs of a zoo and write what came out.

    Args:
        zoo: The runs.
        markdown: Where the page of the reference goes; its picture goes beside it.
        html: Where the page with charts goes.
        command: What trained the runs.
        runs: The folder of runs and recipes that reach the bars.
        bars: Other bars than those that come along.
        k: Cut-offs of the ranking metrics.
        tell: Told which run is being judged.

    Raises:
        MatineeError: If a run cannot be judged, or the bars cannot be read.
    """
    told = [reached(bar, runs) for bar in read_bars(bars or FILE)]
    compared = judge_runs([str(run) for run in zoo.runs.values()], k=k, deep=True, tell=tell)
    for path in (markdown, html):
        path.parent.mkdir(parents=True, exist_ok=True)
    picture, curves = markdown.with_suffix(".png"), compared.curves
    if curves:
        save_learning(curves, picture, metric=compared.watched)
    text = markdown_of(
        compared,
        zoo.failures,
        told,
        command=command,
        picture=picture.name if curves else None,
        together=zoo.together,
    )
    markdown.write_text(text, encoding="utf-8")
    html.write_text(page_of(compared), encoding="utf-8")
    return compared
