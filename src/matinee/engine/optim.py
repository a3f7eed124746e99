"""Optimisers whose step costs what the batch costs, whatever the size of the tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from matinee import kernels
from matinee.models.layers import Table, row_chunks
from matinee.models.shares import side_by_side
from matinee.training import TrainerConfig

BETAS = (0.9, 0.999)
EPSILON = 1e-8
CACHED = 1 << 17
"""Numbers of a table that a thread moves at a time; what they become on the way stays cached. From
as many on a compiled loop is worth loading."""


class RowOptimizer(torch.optim.Optimizer):
    """Adam, AdaGrad or SGD on the rows of embedding tables that a batch touched.

    Gradients must be sparse. Moments of rows that were not touched stay as they are
    ('lazy' Adam); the bias correction counts all steps, as in `torch.optim.SparseAdam`.
    Momentum spreads a gradient g over the steps that follow it, lr g (1 + m + m² + ...) in
    all. Rows are seldom looked at again so soon: they take the whole, lr g / (1 - m), at once.

    Args:
        tables: Weights `[n, d]` with sparse gradients.
        rule: 'adam', 'adagrad' or 'sgd'.
        lr: Learning rate.
        decay: Decoupled weight decay of touched rows.
        momentum: Of 'sgd'.
    """

    def __init__(
        self,
        tables: Iterable[Tensor],
        *,
        rule: str,
        lr: float,
        decay: float = 0.0,
        momentum: float = 0.0,
    ) -> None:
        gain = 1 / (1 - momentum) if rule == "sgd" else 1.0
        super().__init__(tables, {"lr": lr, "rule": rule, "decay": decay, "gain": gain})
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                state["step"] = torch.zeros(())
                if rule == "adam":
                    state["mean"] = torch.zeros_like(weight)
                if rule in ("adam", "adagrad"):
                    state["square"] = torch.zeros_like(weight)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - no closures here
        """Update the touched rows; `closure` is not supported and must be None."""
        assert closure is None
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, group)

    def _update(self, weight: Tensor, group: dict[str, Any]) -> None:
        rows, gradient = _summed(weight.grad)
        self.state[weight]["step"] += 1
        loop = _compiled(weight, gradient, group["rule"])
        move = partial(_move_compiled, loop, self.state[weight]) if loop else self._move
        parts = row_chunks(len(rows), weight.shape[1], limit=CACHED)
        side_by_side([partial(move, weight, rows[p], gradient[p], group) for p in parts])

    def _move(self, weight: Tensor, rows: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if group["decay"]:
            kept = 1 - group["lr"] * group["decay"]
            weight.index_copy_(0, rows, weight.index_select(0, rows) * kept)
        if group["rule"] == "adam":
            gradient = _adam_direction(state, rows, gradient)
        elif group["rule"] == "adagrad":
            square = state["square"].index_select(0, rows).addcmul_(gradient, gradient)
            state["square"].index_copy_(0, rows, square)
            gradient = gradient / square.sqrt_().add_(EPSILON)
        weight.index_add_(0, rows, gradient, alpha=-group["lr"] * group["gain"])


def _compiled(weight: Tensor, gradient: Tensor, rule: str) -> ModuleType | None:
    """The compiled loops of Adam, where they can move these rows and loading them pays."""
    if rule != "adam" or weight.device.type != "cpu" or gradient.numel() < CACHED:
        return None
    return import_module("matinee.kernels.adam") if kernels.available() else None


def _move_compiled(
    loop: ModuleType,
    state: dict[str, Tensor],
    weight: Tensor,
    rows: Tensor,
    gradient: Tensor,
    group: dict[str, Any],
) -> None:
    arrays = (w.detach().numpy() for w in (weight, state["mean"], state["square"]))
    keep, pace = 1 - group["lr"] * group["decay"], loop.pace(group["lr"], int(state["step"]))
    loop.move_rows(loop.Moments(*arrays), rows.numpy(), gradient.numpy(), keep, pace)


def _summed(gradient: Tensor | None) -> tuple[Tensor, Tensor]:
    """The touched rows, each once, and the sum of the gradients of each."""
    assert gradient is not None
    assert gradient.is_sparse
    rows, values = gradient._indices()[0], gradient._values()
    if bool((rows.diff() > 0).all()):
        return rows, values
    rows, at = torch.unique(rows, return_inverse=True)
    return rows, values.new_zeros(len(rows), values.shape[1]).index_add_(0, at, values)


def _adam_direction(state: dict[str, Tensor], rows: Tensor, gradient: Tensor) -> Tensor:
    """Kingma and Ba, 'Adam', ICLR 2015, algorithm 1, on some rows."""
    mean = state["mean"].index_select(0, rows).lerp_(gradient, 1 - BETAS[0])
    square = state["square"].index_select(0, rows).mul_(BETAS[1])
    square.addcmul_(gradient, gradient, value=1 - BETAS[1])
    state["mean"].index_copy_(0, rows, mean)
    state["square"].index_copy_(0, rows, square)
    step = float(state["step"])
    correction = math.sqrt(1 - BETAS[1] ** step)
    mean *= correction / (1 - BETAS[0] ** step)
    return mean.div_(square.sqrt_().add_(EPSILON * correction))


def tables(model: nn.Module) -> list[Tensor]:
    """The weights that are learned and of which a step touches only some rows."""
    weights = [module.weight for module in model.modules() if isinstance(module, Table)]
    return [weight for weight in weights if weight.requires_grad]


def optimizers(model: nn.Module, config: TrainerConfig) -> list[torch.optim.Optimizer]:
    """One optimiser for dense weights and one for embedding rows, where there are any."""
    rows = tables(model)
    ours = {id(weight) for weight in rows}
    dense = [p for p in model.parameters() if id(p) not in ours and p.requires_grad]
    made: list[torch.optim.Optimizer] = []
    if dense:
        made.append(_dense(dense, config))
    if rows:
        made.append(
            RowOptimizer(
                rows,
                rule=config.optimizer,
                lr=config.learning_rate,
                decay=config.embedding_decay,
                momentum=config.momentum,
            )
        )
    return made


def _dense(weights: list[nn.Parameter], config: TrainerConfig) -> torch.optim.Optimizer:
    groups = [
        {"params": [w for w in weights if w.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [w for w in weights if w.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if config.optimizer == "adam":
        return torch.optim.AdamW(groups, lr=config.learning_rate, betas=BETAS, fused=True)
    if config.optimizer == "adagrad":
        return torch.optim.Adagrad(groups, lr=config.learning_rate)
    return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum)


def learning_rate(config: TrainerConfig, step: int, total: int) -> float:
    """The learning rate of a step.

    Args:
        config: Schedule, warm-up and peak.
        step: Steps done before this one.
        total: Steps of the whole run.
    """
    peak = config.learning_rate
    if step < config.warmup:
        return peak * (step + 1) / config.warmup
    if config.schedule == "constant":
        return peak
    done = (step - config.warmup) / max(total - config.warmup, 1)
    falling = 1 - done if config.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
    return peak * (config.final_rate + (1 - config.final_rate) * falling)


@torch.no_grad()
def clip_gradients(weights: Iterable[nn.Parameter], limit: float) -> None:
    """Scale all gradients down together if their norm is above `limit`; sparse ones too."""
    gradients = [w.grad for w in weights if w.grad is not None]
    values = [g.coalesce().values() if g.is_sparse else g for g in gradients]
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(v) for v in values]))
    factor = (limit / (norm + EPSILON)).clamp_max(1.0)
    for gradient in gradients:
        gradient.mul_(factor)
