"""Attention: in which precision, and who sees whom."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from matinee.models.attention import Block


def test_low_precision_leaves_attention_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its slopes are slow in bfloat16 on a processor; products of weights are not."""
    attend, seen = functional.scaled_dot_product_attention, list[torch.dtype]()

    def watched(query: torch.Tensor, *rest: torch.Tensor, **how: object) -> torch.Tensor:
        seen.append(query.dtype)
        return attend(query, *rest, **how)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(functional, "scaled_dot_product_attention", watched)
    block, hidden = Block(8, 2, 0.0, 1), torch.randn(2, 5, 8)
    with torch.autocast("cpu", torch.bfloat16):
        low = block(hidden)
    assert seen == [torch.float32]
    torch.testing.assert_close(low.float(), block(hidden), atol=0.05, rtol=0.05)


@pytest.mark.parametrize("low", [False, True])
def test_no_place_sees_a_later_one(low: bool) -> None:
    block, hidden = Block(8, 2, 0.0, 1), torch.randn(1, 6, 8)
    changed = hidden.clone()
    changed[:, 4:] += 1
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        first, second = block(hidden), block(changed)
    assert torch.equal(first[:, :4], second[:, :4])
    assert not torch.equal(first[:, 4:], second[:, 4:])


def test_places_that_are_not_real_are_not_seen() -> None:
    block, hidden = Block(8, 2, 0.0, 1), torch.randn(1, 6, 8)
    real = torch.tensor([[True] * 4 + [False] * 2])
    changed = hidden.clone()
    changed[:, 4:] += 1
    assert torch.equal(block(hidden, real=real)[:, :4], block(changed, real=real)[:, :4])
