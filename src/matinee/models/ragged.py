"""Rows of unequal length, in padded blocks of like length."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK = 1 << 22
"""Floats of gathered vectors held at a time."""

SMALL = 1 << 18
"""Floats that are not worth a second block, however much of them is padding."""


def blocks(offsets: Tensor, dim: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Rows in blocks, short ones first, so that little is padded and no block is large.

    Args:
        offsets: `[n + 1]`; row r has the entries `offsets[r]:offsets[r + 1]`.
        dim: Floats that will be gathered for each entry.

    Yields:
        Row numbers `[r]`, entry numbers `[r, L]` (0 where padded), and which of them are
        real `[r, L]`.
    """
    lengths = offsets.diff()
    longest = int(lengths.max()) if len(lengths) else 0
    if 0 < len(lengths) * longest * dim <= SMALL:
        yield _padded(offsets, torch.arange(len(lengths), device=offsets.device), longest)
        return
    order = lengths.argsort()
    ascending = lengths[order]
    limit = BLOCK // dim
    start, n = 0, len(order)
    while start < n:
        # The longest row of a block sets its width: grow while the block stays small.
        shortest = int(ascending[start])
        longest = ascending[start : start + limit // max(shortest, 1) + 1]
        fits = torch.arange(1, len(longest) + 1, device=offsets.device) * longest <= limit
        near = longest <= 1.25 * shortest + 8
        stop = start + max(int((fits & near).sum()), 1)
        yield _padded(offsets, order[start:stop], int(ascending[stop - 1]))
        start = stop


def _padded(offsets: Tensor, rows: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Rows in a block of a width: their numbers, their entries, and which are real."""
    first = offsets[rows, None]
    within = torch.arange(width, device=offsets.device)
    inside = within < offsets[rows + 1, None] - first
    return rows, torch.where(inside, first + within, 0), inside
