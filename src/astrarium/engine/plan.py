"""The adapters' arithmetic at one linear for one layout of rows, put together once and run at every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from astrarium.engine.activations import NATIVE, activation_of
from astrarium.engine.adapters.parts import Affine, LowRank, Part
from astrarium.engine.evenly import evenly, one_by_one
from astrarium.engine.native import current


@dataclass(frozen=True, slots=True)
class Placed:
    """A part on some rows of a step, reading and writing from some columns on."""

    part: Part
    row: int
    rows: int
    x_column: int = 0
    y_column: int = 0


class Plan:
    """Parts that run together. All low-rank parts read before any writes; elementwise ones come last."""

    def __init__(self, placed: list[Placed]) -> None:
        self._placed = placed
        self.native = _native(placed)

    def run(self, x: Tensor, y: Tensor) -> None:
        """Add to `y [rows, …]` what the parts make of `x [rows, …]`; the two may be the same."""
        if self.native is not None:
            self.native.run(x.data_ptr(), x.stride(0), y.data_ptr(), y.stride(0))
            return
        added = [(placed, _delta(placed, x)) for placed in self._placed if isinstance(placed.part, LowRank)]
        for placed, delta in added:
            _window(placed, y, delta.shape[1]).add_(delta)
        for placed in self._placed:
            if isinstance(placed.part, Affine):
                _scale(placed, placed.part, y)


def _native(placed: list[Placed]) -> Any:
    module = current()
    if module is None or _device(placed[0].part).type != "cpu":
        return None
    if any(isinstance(p.part, LowRank) and p.part.activation not in NATIVE for p in placed):
        return None
    plan = module.Plan()
    for p in placed:
        if isinstance(p.part, LowRank):
            rank, read, written = p.part.rank, p.part.read, p.part.written
            half, kind = p.part.down.dtype == torch.bfloat16, NATIVE[p.part.activation]
            where = (p.part.down.data_ptr(), p.part.up.data_ptr(), p.part.panels)
            plan.add(p.row, p.rows, rank, read, written, half, kind, p.part.scale, *where, p.x_column, p.y_column)
        else:
            tensors = (p.part.scale, p.part.shift)
            width = next(len(tensor) for tensor in tensors if tensor is not None)
            addresses = tuple(0 if tensor is None else tensor.data_ptr() for tensor in tensors)
            plan.add_affine(p.row, p.rows, width, p.y_column, *addresses)
    return plan


def _device(part: Part) -> torch.device:
    tensors = (part.down,) if isinstance(part, LowRank) else (part.scale, part.shift)
    return next(tensor.device for tensor in tensors if tensor is not None)


def _window(placed: Placed, y: Tensor, width: int) -> Tensor:
    return y[placed.row : placed.row + placed.rows, placed.y_column : placed.y_column + width]


def _delta(placed: Placed, x: Tensor) -> Tensor:
    part = placed.part
    assert isinstance(part, LowRank)
    down, up = part.plain()
    z = x[placed.row : placed.row + placed.rows, placed.x_column : placed.x_column + down.shape[1]]

    def delta(rows: Tensor) -> Tensor:
        hidden = functional.linear(rows, down)
        if part.activation is not None:
            hidden = one_by_one(activation_of(part.activation), hidden)
        return functional.linear(hidden, up) * part.scale

    return evenly(delta, z)


def _scale(placed: Placed, part: Affine, y: Tensor) -> None:
    width = next(len(tensor) for tensor in (part.scale, part.shift) if tensor is not None)
    window = _window(placed, y, width)
    if part.scale is not None:
        window.mul_(part.scale)
    if part.shift is not None:
        window.add_(part.shift)
