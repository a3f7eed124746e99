"""Quality against seconds: NeuMF on the NCF paper's files of MovieLens-1M.

python -m benchmarks.quality FOLDER [OUT.png]

FOLDER holds `ml-1m.train.rating`, `ml-1m.test.rating` and `ml-1m.test.negative`. After each
epoch the model is judged by the paper's protocol (each held-out film among 99 given ones);
nothing is chosen by these figures, the settings and the number of epochs are fixed before.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from matplotlib.figure import Figure

from matinee.curves import ACCENT, INK, PAPER
from matinee.engine import Record, TrainerConfig, fit
from matinee.evaluation import evaluate
from matinee.models import Learned, Sizes, build
from matinee.splits import files_split

SETTINGS = {"dim": 64, "tower": [32, 16, 8], "negatives": 8, "l2": 3e-3}
LOOP = TrainerConfig(
    epochs=10, batch_size=4096, learning_rate=4e-3, schedule="cosine", weight_decay=0.3
)
PUBLISHED = {"hit_rate@10": 0.701, "ndcg@10": 0.425}
"""NeuMF without pretraining, 32 factors: He et al., WWW 2017, table 2."""


class Printer:
    """Prints a JSON line an epoch, and keeps them."""

    def __init__(self) -> None:
        self.lines: list[dict[str, float]] = []

    def progress(self, progress: object) -> None:
        """Nothing in between."""

    def epoch(self, record: Record) -> None:
        """Training seconds so far, loss and figures."""
        seconds = record.seconds + (self.lines[-1]["seconds"] if self.lines else 0)
        rate = record.examples / record.seconds
        told = {"epoch": record.epoch, "seconds": seconds, "examples_per_second": rate}
        self.lines.append({**told, "loss": record.loss, **record.metrics})
        print(json.dumps(self.lines[-1]), flush=True)


def train(folder: Path) -> list[dict[str, float]]:
    """Train and judge after each epoch."""
    split = files_split(
        folder / "ml-1m.train.rating", folder / "ml-1m.test.rating", folder / "ml-1m.test.negative"
    )
    model = build("neumf", SETTINGS, Sizes.of(split.train))
    assert isinstance(model, Learned)

    def judged() -> dict[str, float]:
        report = evaluate(model, split.test, train=split.train, metrics=list(PUBLISHED))
        return {name: estimate.value for name, estimate in report.metrics.items()}

    printer = Printer()
    fit(model, split.train, LOOP, validate=judged, watcher=printer)
    return printer.lines


def draw(lines: list[dict[str, float]], path: Path) -> None:
    """The figures against training seconds, with the published ones as dotted lines."""
    figure = Figure(figsize=(9, 3.6), facecolor=PAPER, layout="constrained")
    seconds = [line["seconds"] for line in lines]
    for place, (name, published) in enumerate(PUBLISHED.items(), start=1):
        axes = figure.add_subplot(1, 2, place, facecolor=PAPER)
        values = [line[name] for line in lines]
        axes.plot(seconds, values, "o-", color=ACCENT, markersize=4)
        axes.axhline(published, color=INK, linewidth=0.8, linestyle=":")
        axes.annotate(f"published {published}", (0, published), (2, 4), textcoords="offset points")
        passed = next((s for s, v in zip(seconds, values, strict=True) if v > published), None)
        told = "stays below" if passed is None else f"takes {passed:.0f} s to pass"
        axes.set_title(f"NeuMF's {name} {told} the published figure", loc="left", fontsize=11)
        axes.set_xlim(0)
        axes.set_xlabel("training seconds")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    done = train(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        draw(done, Path(sys.argv[2]))
