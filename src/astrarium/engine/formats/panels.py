"""Quantised weights as the kernels read them: the codes of 16 outputs side by side, a scale for 32 inputs.

The layout is described in `native/kernels.h`. `Panels` holds it in tensors; what is said here of a weight's value is
`scale * (code - offset) + minimum`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

PANEL = 16
GROUP = 32
SUPER = 8  # groups that share a factor in GGUF's K blocks

HALF, BYTE, SUPER4, SUPER6 = range(4)
"""How scales are stored; the numbers are those of `Scales` in `native/kernels.h`."""


@dataclass(frozen=True, slots=True)
class Panels:
    """The quantised weight `[outputs, inputs]` of a linear layer."""

    outputs: int
    inputs: int
    bits: int
    """4 or 8."""
    kind: int
    """How scales are stored: `HALF`, `BYTE`, `SUPER4` or `SUPER6`."""
    offset: int
    """What is taken from each code."""
    codes: Tensor
    """uint8 `[panels, groups, 16 * 32 * bits / 8]`."""
    scales: Tensor
    """`[panels, groups, 16]`, fp16, uint8; int8 `[panels, groups, 2, 16]` for `SUPER6`."""
    minima: Tensor | None = None
    """As `scales`."""
    super_scales: Tensor | None = None
    """fp16 `[panels, groups / 8, 16]`."""
    super_minima: Tensor | None = None
    row_scale: Tensor | None = None
    """fp32 `[panels * 16]`, for `BYTE`."""
    row_minimum: Tensor | None = None
    table: bytes = b""
    """16 codes that the nibbles stand for; empty: they stand for themselves."""

    def tensors(self) -> dict[str, Tensor]:
        """Its tensors by name."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in found.items() if isinstance(value, Tensor)}

    def moved(self, device: torch.device) -> Panels:
        """The same on a device."""
        return self.through(lambda tensor: tensor.to(device))

    def through(self, f: Callable[[Tensor], Tensor]) -> Panels:
        """The same with each of its tensors replaced."""
        tensors: dict[str, Any] = {name: f(tensor) for name, tensor in self.tensors().items()}
        return replace(self, **tensors)

    def facts(self) -> dict[str, Any]:
        """What is not a tensor, as JSON holds it."""
        return {
            "outputs": self.outputs,
            "inputs": self.inputs,
            "bits": self.bits,
            "kind": self.kind,
            "offset": self.offset,
            "table": list(self.table),
        }

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return sum(tensor.nbytes for tensor in self.tensors().values())

    def values(self) -> Tensor:
        """The weight as fp32 `[outputs, inputs]`."""
        codes = unpack(self.codes, self.bits)
        if self.table:
            codes = torch.tensor(list(self.table), dtype=torch.uint8, device=codes.device)[codes.long()]
        panels, groups = self.codes.shape[:2]
        numbers = codes.float().sub_(self.offset).view(panels, PANEL, groups, GROUP)
        if self.kind == SUPER6:
            scale = self.scales.float() * self._super(self.super_scales).unsqueeze(2)  # [panels, groups, 2, 16]
            numbers = numbers.view(panels, PANEL, groups, 2, 16) * scale.permute(0, 3, 1, 2).unsqueeze(-1)
        else:
            numbers *= self._factor(self.scales, self.row_scale, self.super_scales)
            if self.minima is not None:
                numbers += self._factor(self.minima, self.row_minimum, self.super_minima)
        return numbers.reshape(panels * PANEL, self.inputs)[: self.outputs]

    def rows(self, ids: Tensor) -> Tensor:
        """Rows of the weight as fp32, `[n]` → `[n, inputs]`."""
        panel, lane = ids // PANEL, ids % PANEL
        own = {"row_scale", "row_minimum"}
        tensors: dict[str, Any] = {
            name: tensor.view(-1, PANEL)[panel].flatten() if name in own else tensor[panel]
            for name, tensor in self.tensors().items()
        }
        whole = replace(self, outputs=len(ids) * PANEL, **tensors).values().view(len(ids), PANEL, self.inputs)
        return whole[torch.arange(len(ids), device=ids.device), lane]

    def factors(self) -> tuple[Tensor, Tensor]:
        """Scale and minimum of each group as fp32 `[panels * 16, groups]`; not of `SUPER6`, whose groups are halved."""
        assert self.kind != SUPER6
        scale = self._factor(self.scales, self.row_scale, self.super_scales).flatten(0, 1).squeeze(-1)
        if self.minima is None:
            return scale, torch.zeros_like(scale)
        return scale, self._factor(self.minima, self.row_minimum, self.super_minima).flatten(0, 1).squeeze(-1)

    def _factor(self, stored: Tensor, rows: Tensor | None, supers: Tensor | None) -> Tensor:
        """Scales or minima as fp32 `[panels, 16, groups, 1]`."""
        factor = stored.float()
        if supers is not None:
            factor = factor * self._super(supers)
        factor = factor.transpose(1, 2)
        if rows is not None:
            factor = factor * rows.view(-1, PANEL, 1)
        return factor.unsqueeze(-1)

    def _super(self, supers: Tensor | None) -> Tensor:
        assert supers is not None
        return supers.float().repeat_interleave(SUPER, dim=1)


def pack(codes: Tensor, bits: int) -> Tensor:
    """Codes uint8 `[outputs, inputs]` as panels; outputs are filled up with zeros to whole panels."""
    outputs, inputs = codes.shape
    missing = -outputs % PANEL
    if missing:
        codes = torch.cat([codes, codes.new_zeros(missing, inputs)])
    quads = codes.view(-1, PANEL, inputs // GROUP, 8, 4).permute(0, 2, 3, 1, 4)  # [panels, groups, quads, 16, 4]
    if bits == 4:
        quads = quads[:, :, :4] | (quads[:, :, 4:] << 4)
    return quads.contiguous().flatten(2)


def unpack(codes: Tensor, bits: int) -> Tensor:
    """The codes of panels, uint8 `[panels * 16, inputs]`."""
    panels, groups = codes.shape[:2]
    if bits == 4:
        codes = torch.stack([codes & 15, codes >> 4], dim=2)
    quads = codes.reshape(panels, groups, 8, PANEL, 4)
    return quads.permute(0, 3, 1, 2, 4).reshape(panels * PANEL, groups * GROUP)


def by_panel(rows: Tensor) -> Tensor:
    """`[outputs, groups, …]` → `[panels, groups, …, 16]`, filled up with zeros."""
    missing = -len(rows) % PANEL
    if missing:
        rows = torch.cat([rows, rows.new_zeros(missing, *rows.shape[1:])])
    return rows.view(-1, PANEL, *rows.shape[1:]).movedim(1, -1).contiguous()


def padded(rows: Tensor) -> Tensor:
    """`[outputs]` filled up with zeros to whole panels."""
    return torch.nn.functional.pad(rows, (0, -len(rows) % PANEL)).contiguous()
