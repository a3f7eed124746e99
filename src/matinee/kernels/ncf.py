"""Steps of GMF, MLP and NeuMF, one after the other; twin: `NCF.forward` and its optimisers.

A step is cut into parts whose activations stay in the cache. Their products are BLAS's, and too
small for BLAS to share out among threads of its own. The parts do not depend on the number of
threads and their gradients are summed in order, so that the outcome does not either.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from matinee.kernels.adam import Floats, Longs, Moments, Pace, move, move_rows, pace

PART = 256
"""Examples of a part of a step at most."""


class Net(NamedTuple):
    """What a loss is made of.

    Attributes:
        dim: Width of the product; 0 leaves it out.
        widths: Half the width of the tower's input, and the output widths of its layers; empty
            leaves it out.
        l2: Penalty on the vectors' squared lengths.
        dense: Flat weights: of the tower's first layer those of the person, those of the film
            and the bias; of each later layer the weights and the bias; those of the output and
            its bias.
        people: Vectors `[n_users, width]`, the product's before the tower's.
        films: Vectors `[n_items, width]`.
    """

    dim: int
    widths: Longs
    l2: float
    dense: Floats
    people: Floats
    films: Floats


class State(NamedTuple):
    """What steps change, and how much it shrinks by itself.

    Attributes:
        dense: As in `Net`.
        people: As in `Net`.
        films: As in `Net`.
        decay: `[n]`, decoupled decay of each dense weight.
        row_decay: That of the tables' rows.
    """

    dense: Moments
    people: Moments
    films: Moments
    decay: Floats
    row_decay: float


@njit(nogil=True, cache=True)
def train(
    net: Net,
    state: State,
    users: Longs,
    items: Longs,
    per_step: int,
    rates: Floats,
    done: int,
    threads: int,
) -> Floats:
    """Take steps of Adam on binary cross-entropy.

    Args:
        net: The loss; its weights are those of `state`.
        state: Changed in place.
        users: `[P]`, the people of all steps.
        items: `[P, 1 + negatives]`: a film that was rated, then others.
        per_step: People of a step; the last one may have fewer.
        rates: `[steps]` float64, the learning rate of each.
        done: Steps taken before.
        threads: More than 1 shares each step out among numba's threads.

    Returns:
        The sum of the losses of each step's examples, `[steps]` float64.
    """
    losses = np.empty(len(rates))
    firsts = np.full(len(net.people), -1, np.int32), np.full(len(net.films), -1, np.int32)
    for step in range(len(rates)):
        here = slice(step * per_step, min((step + 1) * per_step, len(users)))
        number = done + step + 1
        mean = _step(net, state, users[here], items[here], rates[step], number, threads, firsts)
        losses[step] = mean * items[here].size
    return losses


@njit(nogil=True, cache=True)
def _step(net, state, users, items, rate, number, threads, firsts):
    width, films = net.people.shape[1], items.ravel()
    bounds = _parts(len(users), items.shape[1])
    slopes = np.zeros((len(bounds) - 1, len(net.dense)), np.float32)
    to_people = np.empty((len(users), width), np.float32)
    to_films = np.empty((len(films), width), np.float32)
    losses = np.empty(len(bounds) - 1)
    if threads > 1:
        _share_parts(net, users, items, bounds, slopes, to_people, to_films, losses)
    else:
        for part in range(len(losses)):
            _part(net, users, items, bounds, slopes, to_people, to_films, losses, part)
    for part in range(1, len(slopes)):
        slopes[0] += slopes[part]
    now, dense = pace(rate, number), state.dense
    keep = (1 - rate * state.decay).astype(np.float32)
    move(dense.weight, dense.mean, dense.square, slopes[0], keep, now)
    keep = np.full(width, 1 - rate * state.row_decay, np.float32)
    if threads > 1:
        _share_rows(state.people, users, to_people, firsts[0], threads, keep, now)
        _share_rows(state.films, films, to_films, firsts[1], threads, keep, now)
    else:
        move_rows(state.people, users, to_people, firsts[0], (0, 1), keep, now)
        move_rows(state.films, films, to_films, firsts[1], (0, 1), keep, now)
    return losses.sum()


@njit(nogil=True, cache=True, parallel=True)
def _share_parts(net, users, items, bounds, slopes, to_people, to_films, losses):
    dim, widths, l2, dense, people, films = net  # threads are given arrays and numbers only
    for part in prange(len(losses)):
        same = Net(dim, widths, l2, dense, people, films)
        _part(same, users, items, bounds, slopes, to_people, to_films, losses, part)


@njit(nogil=True, cache=True, parallel=True)
def _share_rows(table, rows, gradients, first, threads, keep, now):
    weight, mean, square = table
    scale, epsilon = now
    for share in prange(threads):
        same, pace = Moments(weight, mean, square), Pace(scale, epsilon)
        move_rows(same, rows, gradients, first, (share, threads), keep, pace)


@njit(nogil=True, cache=True)
def _parts(people, each):
    """Where parts of about the same size begin, an even number of them unless there is one."""
    count = -(-people * each // PART)
    count = count + count % 2 if count > 1 else 1
    return np.arange(count + 1) * people // count


@njit(nogil=True, cache=True, fastmath=True)
def _part(net, users, items, bounds, slopes, to_people, to_films, losses, part):
    """Loss and gradients of some people's examples, as shares of the whole step's mean."""
    here = slice(bounds[part], bounds[part + 1])
    each, dim = items.shape[1], net.dim
    there = slice(bounds[part] * each, bounds[part + 1] * each)
    share = np.float32(1 / items.size)
    flat, slope = net.dense, slopes[part]
    films, people = items[here].ravel(), users[here]
    last = net.widths[-1] if len(net.widths) else 0
    head = len(flat) - dim - last - 1
    left, right = _halves(net.people, people, dim), _halves(net.films, films, dim)
    hidden = np.empty(len(films) * net.widths[1:].sum(), np.float32)
    if last:
        _climb(flat, net.widths, left[1], right[1], hidden)
    top = hidden[len(hidden) - len(films) * last :].reshape(len(films), last)
    logits = _logits(flat[head:], left[0], right[0], top, each)
    losses[part] = _loss(logits, each, share)
    _product(flat[head:], slope[head:], left[0], right[0], logits, to_people[here], to_films[there])
    if last:
        to_top = _to_top(flat[head + dim :], slope[head + dim :], top, logits)
        below, slope = flat[:head], slope[:head]
        sides = _descend(below, slope, net.widths, left[1], right[1], hidden, to_top)
        to_people[here, dim:] = sides[0]
        to_films[there, dim:] = sides[1]
    if net.l2:
        weight = np.float32(net.l2 * share)
        losses[part] += _shrink(net.people, people, to_people[here], np.float32(weight * each))
        losses[part] += _shrink(net.films, films, to_films[there], weight)


@njit(nogil=True, cache=True)
def _halves(table, rows, dim):
    """The product's and the tower's part of some rows, each contiguous."""
    product = np.empty((len(rows), dim), np.float32)
    tower = np.empty((len(rows), table.shape[1] - dim), np.float32)
    for entry in range(len(rows)):
        row = table[rows[entry]]
        product[entry] = row[:dim]
        tower[entry] = row[dim:]
    return product, tower


@njit(nogil=True, cache=True)
def _matrix(flat, at, rows, columns):
    return flat[at : at + rows * columns].reshape(rows, columns)


@njit(nogil=True, cache=True, fastmath=True)
def _climb(flat, widths, left, right, hidden):
    """Activations of all layers, one after the other in `hidden`.

    The first layer takes the two sides apart, a person's once for all their films.
    """
    n, half, wide = len(right), widths[0], widths[1]
    each, at, room = n // len(left), wide * half, n * wide
    out = hidden[:room].reshape(n, wide)
    np.dot(right, _matrix(flat, at, wide, half).T, out)
    first = np.dot(left, _matrix(flat, 0, wide, half).T)
    bias = flat[2 * at : 2 * at + wide]
    for entry in range(n):
        row, person = out[entry], first[entry // each]
        for k in range(wide):
            row[k] = max(row[k] + person[k] + bias[k], np.float32(0))
    at = 2 * at + wide
    for layer in range(2, len(widths)):
        before, wide = out, widths[layer]
        out = hidden[room : room + n * wide].reshape(n, wide)
        np.dot(before, _matrix(flat, at, wide, widths[layer - 1]).T, out)
        at += wide * widths[layer - 1]
        bias = flat[at : at + wide]
        for entry in range(n):
            row = out[entry]
            for k in range(wide):
                row[k] = max(row[k] + bias[k], np.float32(0))
        at, room = at + wide, room + n * wide


@njit(nogil=True, cache=True, fastmath=True)
def _logits(out, left, right, top, each):
    """Scores `[n]` from the weights of the output, the two factors and the tower's top."""
    dim, logits = left.shape[1], np.empty(len(right), np.float32)
    for entry in range(len(logits)):
        total, person, film, high = out[-1], left[entry // each], right[entry], top[entry]
        for k in range(dim):
            total += out[k] * person[k] * film[k]
        for k in range(len(high)):
            total += out[dim + k] * high[k]
        logits[entry] = total
    return logits


@njit(nogil=True, cache=True, fastmath=True)
def _loss(logits, each, share):
    """Cross-entropy, its share of the mean; `logits` become its gradient."""
    total, one = 0.0, np.float32(1)
    for entry in range(len(logits)):
        sign = -one if entry % each == 0 else one  # the first of each person's was rated
        z = sign * logits[entry]
        small = np.exp(-abs(z))
        total += max(z, np.float32(0)) + math.log1p(small)
        chance = (one if z > 0 else small) / (one + small)
        logits[entry] = sign * share * chance
    return total * share


@njit(nogil=True, cache=True, fastmath=True)
def _product(out, slope, left, right, logits, to_people, to_films):
    """Gradients of the product branch, and of the bias of the output."""
    dim, each = left.shape[1], len(right) // len(left)
    for entry in range(len(logits)):
        g, person, film = logits[entry], left[entry // each], right[entry]
        to_person, to_film = to_people[entry // each], to_films[entry]
        if entry % each == 0:
            to_person[:dim] = 0
        for k in range(dim):
            scaled = g * film[k]
            slope[k] += scaled * person[k]
            to_person[k] += scaled * out[k]
            to_film[k] = g * out[k] * person[k]
        slope[-1] += g


@njit(nogil=True, cache=True, fastmath=True)
def _to_top(out, slope, top, logits):
    """Gradient of the tower's top before its ReLU, `[n, last]`, and of what weighs it."""
    back = np.empty_like(top)
    for entry in range(len(top)):
        g, high, row = logits[entry], top[entry], back[entry]
        for k in range(len(high)):
            slope[k] += g * high[k]
            row[k] = g * out[k] if high[k] > 0 else np.float32(0)
    return back


@njit(nogil=True, cache=True, fastmath=True)
def _descend(flat, slope, widths, left, right, hidden, back):
    """Gradients of all layers, and of the two sides of the tower's input.

    Args:
        back: The gradient of the top before its ReLU, `[n, last]`.
    """
    n, at, room = len(right), len(flat), len(hidden)
    for layer in range(len(widths) - 1, 1, -1):
        wide, narrow = widths[layer - 1], widths[layer]
        room -= n * narrow
        before = hidden[room - n * wide : room].reshape(n, wide)
        at -= (wide + 1) * narrow
        _matrix(slope, at, narrow, wide)[:] = np.dot(back.T, before)
        _add_rows(back, slope[at + wide * narrow : at + (wide + 1) * narrow])
        back = np.dot(back, _matrix(flat, at, narrow, wide))
        for entry in range(n):
            row, high = back[entry], before[entry]
            for k in range(wide):
                row[k] = row[k] if high[k] > 0 else np.float32(0)
    half, wide = widths[0], widths[1]
    size, each = wide * half, n // len(left)
    people = np.zeros((len(left), wide), np.float32)
    for person in range(len(left)):
        _add_rows(back[person * each : (person + 1) * each], people[person])
    _matrix(slope, 0, wide, half)[:] = np.dot(people.T, left)
    _matrix(slope, size, wide, half)[:] = np.dot(back.T, right)
    _add_rows(people, slope[2 * size : 2 * size + wide])
    to_left = np.dot(people, _matrix(flat, 0, wide, half))
    return to_left, np.dot(back, _matrix(flat, size, wide, half))


@njit(nogil=True, cache=True, fastmath=True)
def _add_rows(matrix, total):
    """Add all rows of a matrix to a vector."""
    for entry in range(len(matrix)):
        row = matrix[entry]
        for k in range(len(total)):
            total[k] += row[k]


@njit(nogil=True, cache=True, fastmath=True)
def _shrink(table, rows, gradients, weight):
    """Add the gradient of `weight` times the squared lengths of rows, and tell these."""
    total, twice = 0.0, np.float32(2 * weight)
    for entry in range(len(rows)):
        row, gradient = table[rows[entry]], gradients[entry]
        for k in range(len(row)):
            total += row[k] * row[k]
            gradient[k] += twice * row[k]
    return total * weight
