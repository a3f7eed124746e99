"""`matinee demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matinee.cli.command import Seed, command
from matinee.cli.console import Console

SETTINGS = {"epochs": 4, "batch_size": 2048, "learning_rate": 0.004}
"""Larger steps than usual: the sample is small, and nobody should have to wait."""

LIKES = ("Toy Story", "Heat", "Groundhog Day")


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "demo")(demo)


def demo(
    console: Console,
    *,
    out: Annotated[
        Path, typer.Option("--out", metavar="RUN", help="The folder for the run.")
    ] = Path("runs/demo"),
    seed: Seed = 1,
) -> None:
    """Train on the bundled sample and recommend films."""
    from matinee import experiment
    from matinee.cli.figures import figure_table, headline, run_document
    from matinee.cli.recommend import listing
    from matinee.cli.watching import watching
    from matinee.data.sample import NOTE
    from matinee.recommendation import recommend

    spec = experiment.RunSpec(
        model="neumf", data="sample", split="leave-last", seed=seed, settings=SETTINGS
    )
    with watching(console) as watcher:
        run = experiment.train(spec, out, watcher=watcher)
    user = run.history.user_ids[0]
    known = recommend(run, user=user, k=5)
    likes = recommend(run, likes=LIKES, k=5, because=True)
    console.answer(
        {
            "note": NOTE,
            "train": run_document(run),
            "user": {"id": user, **known.as_dict()},
            "likes": {"titles": list(LIKES), **likes.as_dict()},
        },
        NOTE,
        "",
        headline(run),
        figure_table(run.facts.metrics, run.facts.popularity),
        f"{run.facts.protocol}; {run.facts.seconds:.1f} s",
        "",
        f"For person {user} of the sample",
        listing(known),
        "",
        f"For someone new who likes {', '.join(LIKES[:-1])} and {LIKES[-1]}",
        listing(likes),
    )
    console.next(f'matinee recommend {run.run} --likes "Alien" "Amélie" --because')
