"""The compiled loop of GMF, MLP and NeuMF, between the model's tensors and the kernel's arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee.data.batches import Batch, SampledBatches
from matinee.data.sampling import NegativeSampler
from matinee.kernels import ncf
from matinee.kernels.adam import Moments as Arrays
from matinee.kernels.arrays import Integers
from matinee.kernels.drawing import draw
from matinee.kernels.layers import UNITS
from matinee.kernels.ncfnet import Net, Room, State, make_room
from matinee.models.base import Moments
from matinee.models.layers import row_chunks
from matinee.models.shares import side_by_side
from matinee.training import TrainerConfig

Weights = dict[str, NDArray[np.float32]]
Piece = tuple[NDArray[np.float32], tuple[int, ...]]
"""A view of weights, and the shape that it is filled up to with zeros."""

SHARED = 1024
"""Examples of a step from which waking other threads costs less than it saves."""
DRAWN = 1 << 16
"""Negatives that a thread draws at a time."""


class NCFLoop:
    """See `CompiledLoop`.

    Args:
        widths: Half the width of the tower's input, and the widths of its layers; or empty.
        l2: Penalty on the vectors.
        batches: What is trained on.
        config: Its decay of weights and rows is applied.
    """

    span: ClassVar[int] = 1 << 19

    def __init__(
        self, widths: tuple[int, ...], l2: float, batches: SampledBatches, config: TrainerConfig
    ) -> None:
        self.widths, self.l2, self.batches, self.config = widths, l2, batches, config
        self._room: Room | None = None

    def batch(self, epoch: int, step: int, steps: int) -> Batch:
        """The examples of so many steps, one below the other."""
        return self.batches.span(epoch, step, steps, _draw)

    def take(
        self,
        batch: Batch,
        rates: NDArray[np.float64],
        moments: Moments,
        done: int,
        threads: int,
    ) -> NDArray[np.float64]:
        """Take the steps of a batch, changing weights and moments in place."""
        kinds = [{name: arrays[kind] for name, arrays in moments.items()} for kind in range(3)]
        dense = [list(self._dense(weights)) for weights in kinds]
        state = State(
            Arrays(*(_flat(pieces) for pieces in dense)),
            Arrays(*moments["users.weight"]),
            Arrays(*moments["items.weight"]),
            self._decay(dense[0]),
            self.config.embedding_decay,
        )
        users, items = batch["users"].numpy(), batch["items"].numpy()
        size, net = self.batches.per_batch, self._net(state)
        alone = threads == 1 or min(size, len(users)) * items.shape[1] < SHARED
        room = self._memory(net, state, items.shape[1], 1 if alone else threads)
        take = ncf.train if alone else _train
        losses = take(net, state, users, items, size, rates, done, room)
        for pieces, flat in zip(dense, state.dense, strict=True):
            _spread(flat, pieces)
        return losses

    def _memory(self, net: Net, state: State, each: int, threads: int) -> Room:
        """Room for steps, the same one for as long as it is large enough."""
        if self._room is None or len(self._room.scratch) < threads:
            people = min(self.batches.per_batch, len(self.batches.data))
            self._room = make_room(net, state, people, each, threads)
        return self._room

    def _net(self, state: State) -> Net:
        dim = state.people.weight.shape[1] - (self.widths[0] if self.widths else 0)
        widths = np.array([_filled(width) for width in self.widths], np.int64)
        return Net(dim, widths, self.l2, state.dense.weight)

    def _decay(self, pieces: list[Piece]) -> NDArray[np.float32]:
        """Of matrices, not of biases."""
        decay = self.config.weight_decay
        kept = [(np.full(view.shape, decay * (view.ndim > 1)), shape) for view, shape in pieces]
        return _flat(kept).astype(np.float32)

    def _dense(self, weights: Weights) -> Iterator[Piece]:
        """Views of the dense weights in the kernel's order."""
        out, widths = weights["out.weight"], self.widths
        top = widths[-1] if widths else 0
        for layer in range(len(widths) - 1):
            name = f"tower.layers.{2 * layer}"  # ReLU stands between them
            matrix, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
            wide, narrow = _filled(widths[layer]), _filled(widths[layer + 1])
            yield matrix[:, : widths[layer]], (narrow, wide)
            if layer == 0:
                yield matrix[:, widths[0] :], (narrow, wide)
            yield bias, (narrow,)
        yield out, (1, out.shape[1] - top + _filled(top))
        yield weights["out.bias"], (1,)


def _train(
    net: Net,
    state: State,
    users: Integers,
    items: Integers,
    per_step: int,
    rates: NDArray[np.float64],
    done: int,
    memory: Room,
) -> NDArray[np.float64]:
    """What `train` does, each step shared out among threads."""
    threads, losses = len(memory.scratch), np.empty(len(rates))
    with ThreadPoolExecutor(threads - 1) as pool:

        def shared(part: Callable[..., None], *given: Any) -> None:
            others = [pool.submit(part, net, *given, (one, threads)) for one in range(1, threads)]
            part(net, *given, (0, threads))
            for one in others:
                one.result()

        for step, rate in enumerate(rates.tolist()):
            here, number = slice(step * per_step, (step + 1) * per_step), done + step + 1
            room = ncf.begin(users[here], items[here], memory)
            shared(ncf.lift_share, state, room)
            shared(ncf.weigh_share, room)
            shared(ncf.settle_share, state, room, rate, number)
            losses[step] = ncf.finish(net, state, room, rate, number)
    return losses


def _draw(
    sampler: NegativeSampler,
    users: NDArray[np.int32],
    rows: NDArray[np.int64],
    negatives: int,
    key: int,
) -> NDArray[np.int32] | None:
    """What `draw` draws, the ratings shared out among threads."""
    parts = row_chunks(len(rows), negatives, limit=DRAWN)
    jobs = [partial(draw, sampler, users[part], rows[part], negatives, key) for part in parts]
    found = [drawn for drawn in side_by_side(jobs) if drawn is not None]
    return np.concatenate(found) if len(found) == len(jobs) else None


def _filled(width: int) -> int:
    return -(-width // UNITS) * UNITS


def _flat(pieces: list[Piece]) -> NDArray[np.float32]:
    """All pieces one after the other."""
    return np.concatenate([_fill(*piece).ravel() for piece in pieces])


def _fill(view: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    if view.shape == shape:
        return view
    return np.pad(view, [(0, full - n) for n, full in zip(view.shape, shape, strict=True)])


def _spread(flat: NDArray[np.float32], pieces: list[Piece]) -> None:
    """Write a flat array back to the views it was made of."""
    at = 0
    for view, shape in pieces:
        size = int(np.prod(shape))
        view[...] = flat[at : at + size].reshape(shape)[tuple(slice(n) for n in view.shape)]
        at += size
