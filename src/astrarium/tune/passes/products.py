"""Linears that see one input, frozen or with low-rank updates, as one node of the graph.

For each linear with weight W, bias c and, where it has an update, factors A `[r, inputs]` and B `[outputs, r]`:

    y = x Wᵀ + c + s · dropout(x) Aᵀ Bᵀ        (Hu et al. 2021, arXiv 2106.09685, equation 3)

Backward, with g the gradient of y and v = s · g B:

    dx += g W + v A        dA = vᵀ x        dB = s · gᵀ (x Aᵀ)

W gets no gradient, so x is kept for dA alone, and not at all where it can be made again from what is kept anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from astrarium.tune.passes.weights import bias_of, weight_of

Again = Callable[[], Tensor]
"""Makes a tensor again that was not kept."""


@dataclass(frozen=True, slots=True)
class LowRank:
    """A low-rank update."""

    a: Tensor
    """`[r, inputs]`"""
    b: Tensor
    """`[outputs, r]`"""
    scale: float
    dropout: float


def products(
    x: Tensor, linears: Sequence[nn.Module], updates: Sequence[LowRank | None], again: Again | None = None
) -> tuple[Tensor, ...]:
    """Every linear on `x`.

    Args:
        x: `[tokens, inputs]`.
        linears: frozen.
        updates: of each, or None.
        again: makes `x` again in the backward pass; without it, `x` is kept.

    Returns:
        `[tokens, outputs]` of each.
    """
    factors = [factor for update in updates if update is not None for factor in (update.a, update.b)]
    found: tuple[Tensor, ...] = _Products.apply(x, tuple(linears), tuple(updates), again, *factors)  # type: ignore[no-untyped-call]
    return found


class _Products(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        linears: tuple[nn.Module, ...],
        updates: tuple[LowRank | None, ...],
        again: Again | None,
        *factors: Tensor,
    ) -> tuple[Tensor, ...]:
        dtype = x.dtype
        results, lows, masks = [], [], []
        for linear, update in zip(linears, updates, strict=True):
            y = functional.linear(x, weight_of(linear, dtype), bias_of(linear, dtype))
            if update is not None:
                mask = _mask(x, update.dropout)
                low = (x if mask is None else x * mask) @ update.a.to(dtype).t()
                y.addmm_(low, update.b.to(dtype).t(), alpha=update.scale)
                lows.append(low)
                masks.append(mask)
            results.append(y)
        needs_x = bool(factors) and again is None
        ctx.save_for_backward(*([x] if needs_x else []), *factors, *lows)
        ctx.linears, ctx.updates, ctx.masks = linears, updates, masks
        ctx.again = again if factors else None
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        saved = list(ctx.saved_tensors)
        count = sum(update is not None for update in ctx.updates)
        x = ctx.again() if ctx.again is not None else saved.pop(0) if count else None
        factors, lows = saved[: 2 * count], saved[2 * count :]
        dx: Tensor | None = None
        found: list[Tensor | None] = []
        number = 0
        for linear, update, g in zip(ctx.linears, ctx.updates, gradients, strict=True):
            if ctx.needs_input_grad[0]:
                weight = weight_of(linear, g.dtype)
                dx = g @ weight if dx is None else dx.addmm_(g, weight)
            if update is None:
                continue
            a, b = factors[2 * number : 2 * number + 2]
            low, mask = lows[number], ctx.masks[number]
            v = (g @ b.to(g.dtype)).mul_(update.scale)
            seen = x if mask is None else x * mask
            found.append((v.t() @ seen).to(a.dtype))
            found.append((low.t() @ g).t().to(b.dtype).mul(update.scale))
            if dx is not None:
                if mask is None:
                    dx.addmm_(v, a.to(g.dtype))
                else:
                    dx.addcmul_(v @ a.to(g.dtype), mask)
            number += 1
        return dx, None, None, None, *found


def _mask(x: Tensor, dropout: float) -> Tensor | None:
    """What dropout multiplies by: 0, or 1 / (1 − p)."""
    if not dropout:
        return None
    return torch.empty_like(x).bernoulli_(1 - dropout).div_(1 - dropout)
