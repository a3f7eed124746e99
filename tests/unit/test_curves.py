"""The picture of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes

from matinee.curves import save_curves
from matinee.engine import History, Record


def history(monitor: str | None, **metrics: list[float]) -> History:
    told = [
        dict(zip(metrics, values, strict=True)) for values in zip(*metrics.values(), strict=True)
    ]
    losses = [0.9, 0.5, 0.3]
    return History(
        monitor,
        [
            Record(epoch, loss, 0.01, 10, 1.0, told[epoch - 1] if told else {})
            for epoch, loss in enumerate(losses, 1)
        ],
    )


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Draws a history and gives the titles, and the lines by name."""

    def draw(of: History) -> tuple[list[str], list[dict[str, list[float]]]]:
        panels: list[Axes] = []
        monkeypatch.setattr(
            "matinee.curves.Figure.savefig", lambda figure, *_, **__: panels.extend(figure.axes)
        )
        save_curves(of, tmp_path / "loss.png", model="mf")
        lines = [
            {str(line.get_label()): list(line.get_ydata()) for line in panel.lines}
            for panel in panels
        ]
        return [panel.get_title(loc="left") for panel in panels], lines

    return draw


def test_without_validation_there_is_the_training_loss(drawn: Any) -> None:
    titles, lines = drawn(history(None))
    assert titles == ["mf: training loss from 0.9000 to 0.3000"]
    assert lines == [{"training": [0.9, 0.5, 0.3]}]


def test_both_losses_and_the_monitored_metric_are_drawn(drawn: Any) -> None:
    titles, lines = drawn(history("rmse", rmse=[1.2, 1.1, 1.0], valid_loss=[0.8, 0.6, 0.7]))
    assert titles == [
        "mf: validation loss is least after epoch 2 (0.6000)",
        "mf: rmse is best after epoch 3 (1.0000)",
    ]
    assert lines[0]["training"] == [0.9, 0.5, 0.3]
    assert lines[0]["validation"] == [0.8, 0.6, 0.7]
    assert lines[1]["validation"] == [1.2, 1.1, 1.0]


def test_a_monitored_loss_has_no_second_panel(drawn: Any) -> None:
    titles, _ = drawn(history("valid_loss", valid_loss=[0.8, 0.6, 0.7]))
    assert titles == ["mf: validation loss is least after epoch 2 (0.6000)"]


def test_it_is_a_picture(tmp_path: Path) -> None:
    save_curves(history(None), tmp_path / "loss.png", model="mf")
    assert (tmp_path / "loss.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
