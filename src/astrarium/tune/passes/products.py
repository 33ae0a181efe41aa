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

from astrarium.tune.passes.arena import kept
from astrarium.tune.passes.dropout import Dropout
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
    x: Tensor,
    linears: Sequence[nn.Module],
    updates: Sequence[LowRank | None],
    again: Again | None = None,
    keep: Sequence[bool] = (),
) -> tuple[Tensor, ...]:
    """Every linear on `x`.

    Args:
        x: `[tokens, inputs]`.
        linears: frozen.
        updates: of each, or None.
        again: makes `x` again in the backward pass; without it, `x` is kept.
        keep: of each, whether its result stays until the backward pass; none does by default.

    Returns:
        `[tokens, outputs]` of each.
    """
    factors = [factor for update in updates if update is not None for factor in (update.a, update.b)]
    found: tuple[Tensor, ...] = _Products.apply(  # type: ignore[no-untyped-call]
        x, tuple(linears), tuple(updates), again, tuple(keep) or (False,) * len(linears), *factors
    )
    return found


class _Products(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        linears: tuple[nn.Module, ...],
        updates: tuple[LowRank | None, ...],
        again: Again | None,
        keep: tuple[bool, ...],
        *factors: Tensor,
    ) -> tuple[Tensor, ...]:
        dtype = x.dtype
        drops = [_drawn(update.dropout) for update in updates if update is not None]
        lows = _lows(x, [update for update in updates if update is not None], drops)
        results = []
        left = iter(lows)
        for linear, update, stays in zip(linears, updates, keep, strict=True):
            y = _product(x, weight_of(linear, dtype), bias_of(linear, dtype), stays)
            if update is not None:
                y.addmm_(next(left), update.b.to(dtype).t(), alpha=update.scale)
            results.append(y)
        needs_x = bool(factors) and again is None
        ctx.save_for_backward(*([x] if needs_x else []), *factors, *lows)
        ctx.linears, ctx.updates, ctx.drops = linears, updates, drops
        ctx.again = again if factors else None
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        saved = list(ctx.saved_tensors)
        count = sum(update is not None for update in ctx.updates)
        x: Any = ctx.again() if ctx.again is not None else saved.pop(0) if count else None
        ctx.again = None  # torch lets go of saved tensors alone; what this holds must go as early
        factors, lows = saved[: 2 * count], saved[2 * count :]
        dx: Tensor | None = None
        slopes: list[Tensor] = []
        by_b: list[Tensor] = []
        for linear, update, g in zip(ctx.linears, ctx.updates, gradients, strict=True):
            if ctx.needs_input_grad[0]:
                weight = weight_of(linear, g.dtype)
                dx = g @ weight if dx is None else dx.addmm_(g, weight)
            if update is not None:
                b = factors[2 * len(slopes) + 1]
                by_b.append((lows[len(slopes)].t() @ g).t().to(b.dtype).mul(update.scale))
                slopes.append((g @ b.to(g.dtype)).mul_(update.scale))
        if not slopes:
            return dx, None, None, None, None
        by_a = _by_a(x, dx, slopes, factors[::2], ctx.drops)
        found = [gradient for pair in zip(by_a, by_b, strict=True) for gradient in pair]
        return dx, None, None, None, None, *found


def _product(x: Tensor, weight: Tensor, bias: Tensor | None, stays: bool) -> Tensor:
    if not stays:
        return functional.linear(x, weight, bias)
    y = kept((len(x), len(weight)), x.dtype)
    return torch.mm(x, weight.t(), out=y) if bias is None else torch.addmm(bias, x, weight.t(), out=y)


def _lows(x: Tensor, updates: Sequence[LowRank], drops: Sequence[Dropout | None]) -> list[Tensor]:
    """`dropout(x) Aᵀ` of every update; in one product where nothing is dropped."""
    if not updates:
        return []
    if any(drops):
        found = []
        for update, drop in zip(updates, drops, strict=True):
            seen = x if drop is None else drop.of(x)
            low = kept((len(x), len(update.a)), x.dtype)
            found.append(torch.mm(seen, update.a.to(x.dtype).t(), out=low))
        return found
    factors = torch.cat([update.a for update in updates]).to(x.dtype)
    together = torch.mm(x, factors.t(), out=kept((len(x), len(factors)), x.dtype))
    return list(torch.split(together, [len(update.a) for update in updates], dim=1))


def _by_a(
    x: Tensor, dx: Tensor | None, slopes: list[Tensor], factors: Sequence[Tensor], drops: Sequence[Dropout | None]
) -> list[Tensor]:
    """The gradients of every A; `dx`, where there is one, gets its share of each."""
    if any(drops):
        found = []
        for v, a, drop in zip(slopes, factors, drops, strict=True):
            if dx is not None and drop is not None:
                drop.add(v @ a.to(v.dtype), dx)
            elif dx is not None:
                dx.addmm_(v, a.to(v.dtype))
            found.append((v.t() @ (x if drop is None else drop.of(x))).to(a.dtype))
        return found
    together = torch.cat(slopes, dim=1)
    if dx is not None:
        dx.addmm_(together, torch.cat(list(factors)).to(together.dtype))
    by_all = (together.t() @ x).to(factors[0].dtype)
    return list(torch.split(by_all, [len(a) for a in factors]))


def _drawn(share: float) -> Dropout | None:
    return Dropout.drawn(share) if share else None
