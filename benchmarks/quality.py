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

from matinee.engine import History, Record, TrainerConfig, fit
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
    """Prints a JSON line an epoch."""

    seconds = 0.0

    def progress(self, progress: object) -> None:
        """Nothing in between."""

    def epoch(self, record: Record) -> None:
        """Training seconds so far, loss and figures."""
        self.seconds += record.seconds
        rate = record.examples / record.seconds
        told = {"epoch": record.epoch, "seconds": self.seconds, "examples_per_second": rate}
        print(json.dumps({**told, "loss": record.loss, **record.metrics}), flush=True)


def train(folder: Path) -> History:
    """Train and judge after each epoch."""
    split = files_split(
        folder / "ml-1m.train.rating", folder / "ml-1m.test.rating", folder / "ml-1m.test.negative"
    )
    model = build("neumf", SETTINGS, Sizes.of(split.train))
    assert isinstance(model, Learned)

    def judged() -> dict[str, float]:
        report = evaluate(model, split.test, train=split.train, metrics=list(PUBLISHED))
        return {name: estimate.value for name, estimate in report.metrics.items()}

    return fit(model, split.train, LOOP, validate=judged, watcher=Printer())


def draw(history: History, path: Path) -> None:
    """The figures against training seconds, with the published ones as lines."""
    seconds = [
        sum(r.seconds for r in history.records[: i + 1]) for i in range(len(history.records))
    ]
    figure = Figure(figsize=(7, 4.2), facecolor="#faf7f2", layout="constrained")
    axes = figure.add_subplot(facecolor="#faf7f2")
    for (name, published), colour in zip(PUBLISHED.items(), ("#a3262a", "#1d1a16"), strict=True):
        values = [r.metrics[name] for r in history.records]
        axes.plot(seconds, values, "o-", color=colour, markersize=4)
        axes.annotate(name, (seconds[-1], values[-1]), (4, -3), textcoords="offset points")
        axes.axhline(published, color=colour, linewidth=0.8, linestyle=":")
    axes.set_xlabel("training seconds")
    axes.set_title("NeuMF passes the published figures (dotted)", loc="left")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    done = train(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        draw(done, Path(sys.argv[2]))
