"""The residual stream: fp32, whatever the branches compute in."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from astrarium.tune.passes import rows


def added(x: Tensor, y: Tensor) -> Tensor:
    """`x + y`.

    Args:
        x: the stream, fp32 `[tokens, hidden]`.
        y: what a branch adds, fp32 or bf16.
    """
    found: Tensor = _Added.apply(x, y)  # type: ignore[no-untyped-call]
    return found


class _Added(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        ctx.dtype = y.dtype
        return rows.added(x, y)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        return gradient, gradient.to(ctx.dtype)
