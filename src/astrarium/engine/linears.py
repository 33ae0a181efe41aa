"""Linear layers that see the same input, run as one, with the adapters of each row around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from astrarium.engine.formats.layers import HeldLinear, PlainLinear
from astrarium.engine.native import current
from astrarium.engine.plan import Placed, Plan
from astrarium.engine.step import Rows
from astrarium.engine.uninitialised import uninitialised


@dataclass(slots=True)
class _Around:
    """What a layout's adapters do around one group of linears."""

    before: Plan | None
    """On copies of the input, one for each linear, side by side."""
    beside: Plan | None
    after: Plan | None
    replaced: list[tuple[int, int, int, PlainLinear]]
    """(linear, row, rows, the adapter's own)."""

    @property
    def is_native(self) -> bool:
        """Whether the products and what lies around them can run in one call."""
        plans = (self.before, self.beside, self.after)
        return not self.replaced and all(plan.native is not None for plan in plans if plan)


class Linears(nn.Module):
    """Linears that see the same input; their outputs lie side by side."""

    def __init__(self, layers: Sequence[HeldLinear], paths: Sequence[str]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.paths = tuple(paths)
        self.inputs = layers[0].in_features
        self.columns = [sum(layer.out_features for layer in layers[:i]) for i in range(len(layers) + 1)]
        self.outputs = self.columns[-1]
        self._held = list(layers)
        self._apart = any(layer.apart for layer in layers)
        self._native: Any = None
        self._around: dict[Rows, _Around | None] = {}

    def __call__(self, x: Tensor, rows: Rows, into: Tensor | None = None) -> Tensor:
        """fp32 `[rows, inputs]` → `[rows, outputs]`; or added to `into`, which is returned."""
        around = self._around_of(rows) if rows.layout else None
        if around is None:
            return self._products(x, rows.read, into)
        # Added to `into` at the end in any company: a neighbour's adapter may read or scale the output.
        if self._is_native(x) and around.is_native:
            return self._at_once(x, rows.read, around, into)
        y = self._adapted(x, rows.read, around)
        return y if into is None else into.add_(y)

    def _at_once(self, x: Tensor, read: bool, around: _Around, into: Tensor | None) -> Tensor:
        count = x.shape[0]
        y = uninitialised(count, self.outputs)
        copies = None if around.before is None else uninitialised(count, len(self._held) * self.inputs)
        plans = (None if plan is None else plan.native for plan in (around.before, around.beside, around.after))
        to = y.data_ptr(), (0 if into is None else into.data_ptr())
        own = 0 if copies is None else copies.data_ptr()
        self._kernel().run_around(x.data_ptr(), self.inputs, own, count, read, *to, *plans)
        return y if into is None else into

    def _adapted(self, x: Tensor, read: bool, around: _Around) -> Tensor:
        copies = x
        if around.before is not None:
            width = len(self._held)
            copies = x.new_empty(x.shape[0], width * self.inputs)
            copies.view(-1, width, self.inputs).copy_(x.unsqueeze(1))
            around.before.run(x, copies)
        y = self._products(copies, read, None)
        for number, row, count, own in around.replaced:
            columns = slice(self.columns[number], self.columns[number + 1])
            y[row : row + count, columns] = own.product(self._input(copies, number)[row : row + count], read=read)
        if around.beside is not None:
            around.beside.run(x, y)
        if around.after is not None:
            around.after.run(y, y)
        return y

    def _input(self, copies: Tensor, number: int) -> Tensor:
        """What one linear sees: its own copy, or what all see."""
        if copies.shape[1] == self.inputs:
            return copies
        return copies[:, number * self.inputs : (number + 1) * self.inputs]

    def _products(self, x: Tensor, read: bool, into: Tensor | None) -> Tensor:
        count, width = x.shape
        if not self._is_native(x):
            products = [layer.product(self._input(x, number), read=read) for number, layer in enumerate(self._held)]
            y = products[0] if len(products) == 1 else torch.cat(products, dim=1)
            return y if into is None else into.add_(y)
        y = uninitialised(count, self.outputs) if into is None else into
        if width == self.inputs:
            self._kernel().run(x.data_ptr(), width, count, read, y.data_ptr(), self.outputs, into is not None)
        else:
            where = range(x.data_ptr(), x.data_ptr() + 4 * width, 4 * self.inputs)
            self._kernel().run_apart(list(where), width, count, read, y.data_ptr(), self.outputs, into is not None)
        return y

    def _is_native(self, x: Tensor) -> bool:
        return not self._apart and x.device.type == "cpu" and current() is not None

    def _kernel(self) -> Any:
        if self._native is None:
            module: Any = current()
            self._native = module.Linears([layer.native() for layer in self._held])
        return self._native

    def _around_of(self, rows: Rows) -> _Around | None:
        if rows not in self._around:
            if len(self._around) >= _LAYOUTS:
                self._around.clear()
            self._around[rows] = self._build(rows)
        return self._around[rows]

    def _build(self, rows: Rows) -> _Around | None:
        before: list[Placed] = []
        beside: list[Placed] = []
        after: list[Placed] = []
        for number, path in enumerate(self.paths):
            column = self.columns[number]
            for worn, row, count in rows.layout:
                for part in worn.adapter.sites.get(path, ()):
                    if part.place == "in":
                        before.append(Placed(part, row, count, 0, number * self.inputs))
                    elif part.place == "beside":
                        beside.append(Placed(part, row, count, 0, column))
                    else:
                        after.append(Placed(part, row, count, column, column))
        replaced = [
            (number, row, count, PlainLinear(own["weight"], own.get("bias")))
            for number, path in enumerate(self.paths)
            for row, count, own in rows.replacing(path)
        ]
        if not (before or beside or after or replaced):
            return None
        return _Around(_plan(before), _plan(beside), _plan(after), replaced)

    def forget(self) -> None:
        """Let go of what was put together for layouts: an adapter has left."""
        self._around.clear()


_LAYOUTS = 8
"""So many layouts are remembered a group; a batch that does not change needs one."""


def _plan(placed: list[Placed]) -> Plan | None:
    return Plan(placed) if placed else None
