"""Rows of unequal length, in padded blocks of like length."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK = 1 << 22
"""Floats of gathered vectors held at a time."""


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
        rows = order[start:stop]
        width = torch.arange(int(ascending[stop - 1]), device=offsets.device)
        inside = width < lengths[rows, None]
        yield rows, torch.where(inside, offsets[rows, None] + width, 0), inside
        start = stop
