"""Non-linearities by transformers' names: the compiled ones, and torch's for the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from astrarium.core.errors import EngineError
from astrarium.engine.evenly import one_by_one
from astrarium.engine.native import current
from astrarium.engine.uninitialised import uninitialised

NATIVE: Mapping[str | None, int] = {
    None: 0,
    "linear": 0,
    "gelu_new": 1,
    "gelu_pytorch_tanh": 1,
    "gelu_fast": 1,
    "silu": 2,
    "swish": 2,
    "tanh": 3,
    "relu": 4,
    "sigmoid": 5,
    "gelu": 6,
    "gelu_python": 6,
}
"""Name → number of the compiled kernel (`native/pointwise.inl`)."""

_TORCH: Mapping[int, Callable[[Tensor], Tensor]] = {
    0: lambda x: x,
    1: lambda x: functional.gelu(x, approximate="tanh"),
    2: functional.silu,
    3: torch.tanh,
    4: functional.relu,
    5: torch.sigmoid,
    6: functional.gelu,
}


def activation_of(name: str) -> Callable[[Tensor], Tensor]:
    """A non-linearity in torch; `one_by_one` keeps a row's bits. Names without a kernel are transformers' own.

    Raises:
        EngineError: no such name.
    """
    if name in NATIVE:
        return _TORCH[NATIVE[name]]
    from transformers.activations import ACT2FN

    if name not in ACT2FN:
        raise EngineError(f"activation {name!r} is not known; expected one of {', '.join(sorted(ACT2FN))}")
    found: Callable[[Tensor], Tensor] = ACT2FN[name]
    return found


def activate(name: str, x: Tensor) -> Tensor:
    """`f(x)`; fp32 and contiguous, which may be overwritten."""
    module = current()
    if module is None or name not in NATIVE or x.device.type != "cpu":
        return one_by_one(activation_of(name), x)
    module.activate(NATIVE[name], x.data_ptr(), x.numel())
    return x


def gate(name: str, x: Tensor) -> Tensor:
    """`f(left) * right` of the two halves of every row, `[rows, 2 * width]` → `[rows, width]`."""
    module = current()
    rows, width = len(x), x.shape[1] // 2
    if module is None or name not in NATIVE or x.device.type != "cpu":
        return one_by_one(activation_of(name), x[:, :width]) * x[:, width:]
    y = uninitialised(rows, width)
    module.gate(NATIVE[name], x.data_ptr(), rows, width, y.data_ptr())
    return y
