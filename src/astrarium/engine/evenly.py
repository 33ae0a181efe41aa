"""torch's own products and reductions, so that a row's bits do not depend on how many rows stand beside it.

A matrix product of another shape adds up in another order. On the CPU all go in blocks of one shape, the last filled up
with zeros; the compiled kernels need none of this. Elsewhere whole batches go at once: there the last bits may differ.

`torch.compile` is not used: over the norms and gates of the embedded default in fp32 it took 18 s to compile, and
those are a seventh of a step with torch's kernels. Products and attention take the time, which it cannot better.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

ROWS = 16
"""Of a block, where nothing else is better."""


def evenly(f: Callable[[Tensor], Tensor], x: Tensor, block: int = ROWS) -> Tensor:
    """`f` of `[rows, …]`, which treats each row alone, in blocks of so many rows."""
    rows = len(x)
    if x.device.type != "cpu":
        return f(x)
    missing = -rows % block
    filled = functional.pad(x, (0, 0, 0, missing)) if missing else x.contiguous()
    if len(filled) == block:
        return f(filled)[:rows]
    return torch.cat([f(part) for part in torch.split(filled, block)])[:rows]


def one_by_one(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """`f` of `[rows, width]`, number by number, a row at a time.

    torch takes what is left behind its last whole vector, and at the seams between threads, by another formula: within
    a block that depends on the row's place.
    """
    if x.device.type != "cpu" or not len(x):
        return f(x)
    return torch.stack([f(row) for row in x.contiguous()])
