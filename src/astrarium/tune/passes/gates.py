"""What stands between the two halves of an MLP. Its output is made again in the backward pass, not kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from astrarium.engine.activations import activation_of
from astrarium.tune.passes import rows
from astrarium.tune.passes.products import Again

_aten = torch.ops.aten
_BACKWARD: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "silu": lambda g, x: _aten.silu_backward(g, x),
    "swish": lambda g, x: _aten.silu_backward(g, x),
    "gelu": lambda g, x: _aten.gelu_backward(g, x),
    "gelu_new": lambda g, x: _aten.gelu_backward(g, x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda g, x: _aten.gelu_backward(g, x, approximate="tanh"),
    "gelu_fast": lambda g, x: _aten.gelu_backward(g, x, approximate="tanh"),
    "relu": lambda g, x: torch.where(x > 0, g, 0),
}
"""Name → gradient of the input from that of the output."""


def activated(name: str, x: Tensor) -> tuple[Tensor, Again]:
    """`f(x)`, and what makes it again. Names that are not in the table leave the gradient to torch."""
    f = activation_of(name)
    kept = x.detach()
    if name not in _BACKWARD:
        return f(x), lambda: f(kept)
    y: Tensor = _Gated.apply(x, None, name)  # type: ignore[no-untyped-call]
    return y, lambda: _forward(name, kept, None)


def gated(name: str, gate: Tensor, up: Tensor) -> tuple[Tensor, Again]:
    """`f(gate) · up`, and what makes it again. Source: Shazeer 2020 (arXiv 2002.05202), equation 5."""
    f = activation_of(name)
    kept_gate, kept_up = gate.detach(), up.detach()
    if name not in _BACKWARD:
        return f(gate) * up, lambda: f(kept_gate) * kept_up
    y: Tensor = _Gated.apply(gate, up, name)  # type: ignore[no-untyped-call]
    return y, lambda: _forward(name, kept_gate, kept_up)


def _forward(name: str, gate: Tensor, up: Tensor | None) -> Tensor:
    found = rows.gate(name, gate, up)
    if found is not None:
        return found
    value = activation_of(name)(gate)
    return value if up is None else value * up


class _Gated(torch.autograd.Function):
    """`f(gate) · up`, or `f(gate)` where there is no `up`."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor | None, name: str) -> Tensor:
        ctx.save_for_backward(gate, up)
        ctx.name = name
        return _forward(name, gate, up)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, None]:
        gate, up = ctx.saved_tensors
        found = rows.gate_back(ctx.name, gradient, gate, up)
        if found is not None:
            return *found, None
        if up is None:
            return _BACKWARD[ctx.name](gradient, gate), None, None
        by_up = activation_of(ctx.name)(gate).mul_(gradient)
        return _BACKWARD[ctx.name](gradient * up, gate), by_up, None
