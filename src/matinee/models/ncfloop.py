"""The compiled loop of GMF, MLP and NeuMF, between the model's tensors and the kernel's arrays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee.data.batches import Batch, SampledBatches
from matinee.kernels.adam import Moments as Arrays
from matinee.kernels.arrays import Integers
from matinee.kernels.ncf import Net, Room, State, make_room, slopes, train, update
from matinee.models.base import Moments
from matinee.training import TrainerConfig

Weights = dict[str, NDArray[np.float32]]


class NCFLoop:
    """See `CompiledLoop`.

    Args:
        widths: Half the width of the tower's input, and the widths of its layers; or empty.
        l2: Penalty on the vectors.
        batches: What is trained on.
        config: Its decay of weights and rows is applied.
    """

    span: ClassVar[int] = 1 << 17

    def __init__(
        self, widths: tuple[int, ...], l2: float, batches: SampledBatches, config: TrainerConfig
    ) -> None:
        self.widths, self.l2, self.batches, self.config = widths, l2, batches, config

    def batch(self, epoch: int, step: int, steps: int) -> Batch:
        """The examples of so many steps, one below the other."""
        return self.batches.span(epoch, step, steps)

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
        dense = [self._dense(weights) for weights in kinds]
        state = State(
            Arrays(*(np.concatenate([piece.ravel() for piece in one]) for one in dense)),
            Arrays(*moments["users.weight"]),
            Arrays(*moments["items.weight"]),
            self._decay(dense[0]),
            self.config.embedding_decay,
        )
        users, items = batch["users"].numpy(), batch["items"].numpy()
        size, net = self.batches.per_batch, self._net(state)
        room = make_room(net, min(size, len(users)), items.shape[1], threads)
        take = train if threads == 1 else _share
        losses = take(net, state, users, items, size, rates, done, room)
        for pieces, flat in zip(dense, state.dense, strict=True):
            _spread(flat, pieces)
        return losses

    def _net(self, state: State) -> Net:
        people, films = state.people.weight, state.films.weight
        dim = people.shape[1] - (self.widths[0] if self.widths else 0)
        widths = np.array(self.widths, np.int64)
        return Net(dim, widths, self.l2, state.dense.weight, people, films)

    def _decay(self, pieces: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Of matrices, not of biases."""
        decay = self.config.weight_decay
        return np.concatenate(
            [np.full(w.size, decay if w.ndim > 1 else 0, np.float32) for w in pieces]
        )

    def _dense(self, weights: Weights) -> list[NDArray[np.float32]]:
        """Views of the dense weights in the kernel's order; the first layer's sides are apart."""
        pieces: list[NDArray[np.float32]] = []
        names = sorted(name for name in weights if name.startswith("tower.layers."))
        for bias, weight in pairwise(names):
            pieces += [weights[weight], weights[bias]] if bias.endswith("bias") else []
        if pieces:
            half = self.widths[0]
            pieces[:1] = [pieces[0][:, :half], pieces[0][:, half:]]
        return [*pieces, weights["out.weight"], weights["out.bias"]]


def _share(
    net: Net,
    state: State,
    users: Integers,
    items: Integers,
    per_step: int,
    rates: NDArray[np.float64],
    done: int,
    room: Room,
) -> NDArray[np.float64]:
    """What `train` does, each step shared out among threads."""
    threads, losses = len(room.scratch), np.empty(len(rates))
    shares = [(thread, threads) for thread in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        for step, rate in enumerate(rates.tolist()):
            here = slice(step * per_step, (step + 1) * per_step)
            part = users[here], items[here]
            found = [pool.submit(slopes, net, *part, room, share) for share in shares]
            losses[step] = sum(one.result() for one in found) * part[1].size
            number = done + step + 1
            moved = [pool.submit(update, net, state, *part, rate, number, room, s) for s in shares]
            for one in moved:
                one.result()
    return losses


def _spread(flat: NDArray[np.float32], pieces: list[NDArray[np.float32]]) -> None:
    """Write a flat array back to the views it was made of."""
    at = 0
    for piece in pieces:
        piece[...] = flat[at : at + piece.size].reshape(piece.shape)
        at += piece.size
