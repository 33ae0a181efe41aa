"""Rounding of plain weights to int8 and int4, in groups of 32 inputs."""

from __future__ import annotations

import torch
from torch import Tensor

from astrarium.core.errors import EngineError
from astrarium.engine.formats.panels import BYTE, GROUP, Panels, by_panel, pack, padded
from astrarium.engine.native import kernels

_ROWS = 1 << 22  # numbers that are rounded at a time, so that what is held between is small
_TRIES = 12  # widths of the range that are tried for a group; as in native/rounding.inl
_NARROWER = 0.035
_TINY = 1e-30


def int8(weight: Tensor) -> Panels:
    """Round to nearest, symmetric, a scale for each output and 32 inputs, in steps of a 255th of the output's largest.

    A scale is rounded up, so that nothing is cut off; that coarsens a group by at most a 255th of the row's coarsest.

    Args:
        weight: `[outputs, inputs]`.

    Raises:
        EngineError: a weight that is not finite, or inputs that are no multiple of 32.
    """
    scales, codes, steps = [], [], []
    for part in _parts(weight):
        groups = part.view(len(part), -1, GROUP)
        exact = groups.abs().amax(-1) / 127
        step = (exact.amax(-1) / 255).clamp(min=_TINY)
        scale = (exact / step.unsqueeze(-1)).ceil_().clamp_(max=255)
        held = (scale.clamp(min=1) * step.unsqueeze(-1)).unsqueeze(-1)
        code = (groups / held).round_().clamp_(-127, 127) + 128
        scales.append(scale.to(torch.uint8))
        steps.append(step)
        codes.append(code.to(torch.uint8).view(len(part), -1))
    outputs, inputs = weight.shape
    rows = padded(torch.cat(steps))
    return Panels(outputs, inputs, 8, BYTE, 128, pack(torch.cat(codes), 8), by_panel(torch.cat(scales)), row_scale=rows)


def int4(weight: Tensor, importance: Tensor | None = None) -> Panels:
    """Round to int4 with a scale and a minimum a group, both in steps of a 255th of the row's largest.

    For each group the range is narrowed in steps; each time a straight line from the codes to the weights is fitted as
    well. Of all these the one with the least weighted squared error is kept. Source of the idea: the K blocks of ggml.

    Args:
        weight: `[outputs, inputs]`.
        importance: `[inputs]`, above 0: how much an error of each input weighs, such as the mean square of what it
            sees; None weighs all alike.

    Raises:
        EngineError: see `int8`.
    """
    outputs, inputs = weight.shape
    if importance is None:
        importance = torch.ones(inputs, dtype=torch.float32, device="cpu")
    importance = importance.float().contiguous()
    found: list[list[Tensor]] = [[], [], [], [], []]
    for part in _parts(weight):
        groups = part.view(len(part), -1, GROUP)
        low, high = groups.amin(-1).clamp(max=0), groups.amax(-1).clamp(min=0)
        row_scale = (high - low).amax(-1) / 15 / 255
        row_minimum = low.amin(-1) / 255
        rounded = _compiled(part, importance, row_scale, row_minimum)
        if rounded is None:
            rounded = _plain(groups, importance.view(-1, GROUP), row_scale, row_minimum)
        for place, tensor in zip(found, (*rounded, row_scale, row_minimum), strict=True):
            place.append(tensor)
    codes, scales, minima, row_scale, row_minimum = (torch.cat(tensors) for tensors in found)
    return Panels(
        outputs,
        inputs,
        4,
        BYTE,
        0,
        pack(codes, 4),
        by_panel(scales),
        by_panel(minima),
        row_scale=padded(row_scale),
        row_minimum=padded(row_minimum),
    )


_Rounded = tuple[Tensor, Tensor, Tensor]
"""uint8: codes `[outputs, inputs]`, scales and minima `[outputs, groups]` in steps of the row's."""


def _compiled(part: Tensor, importance: Tensor, row_scale: Tensor, row_minimum: Tensor) -> _Rounded | None:
    """By the compiled kernel, where there is one."""
    module = kernels()
    if module is None:
        return None
    outputs, inputs = part.shape
    part = part.contiguous()
    codes = torch.empty(outputs, inputs, dtype=torch.uint8)
    scales, minima = (torch.empty(outputs, inputs // GROUP, dtype=torch.uint8) for _ in range(2))
    every = (part, importance, row_scale, row_minimum, codes, scales, minima)
    module.round4(outputs, inputs, *(tensor.data_ptr() for tensor in every))
    return codes, scales, minima


def _plain(groups: Tensor, importance: Tensor, row_scale: Tensor, row_minimum: Tensor) -> _Rounded:
    """The same in torch: `[outputs, groups, 32]`, with importance `[groups, 32]`."""
    low, high = groups.amin(-1).clamp(max=0), groups.amax(-1).clamp(min=0)
    total = importance.sum(-1)
    values = (groups * importance).sum(-1)
    step = row_scale.clamp(min=_TINY).unsqueeze(-1)
    depth = row_minimum.clamp(max=-_TINY).unsqueeze(-1)
    best = torch.full_like(low, torch.inf)
    scales, minima, codes = torch.zeros_like(low), torch.zeros_like(low), torch.zeros_like(groups)

    def attempt(scale: Tensor, minimum: Tensor) -> Tensor:
        nonlocal best, scales, minima, codes
        scale, minimum = (scale / step).round_().clamp_(0, 255), (minimum / depth).round_().clamp_(0, 255)
        held, floor = (scale * step).unsqueeze(-1), (minimum * depth).unsqueeze(-1)
        code = ((groups - floor) / held.clamp(min=_TINY)).round_().clamp_(0, 15)
        error = ((code * held + floor - groups).square_() * importance).sum(-1)
        better = error < best
        best = torch.where(better, error, best)
        scales, minima = torch.where(better, scale, scales), torch.where(better, minimum, minima)
        codes = torch.where(better.unsqueeze(-1), code, codes)
        return code

    for number in range(_TRIES):
        share = 1 - _NARROWER * number
        code = attempt((high - low) * share / 15, low * share)
        weighted = code * importance
        summed = weighted.sum(-1)
        mean = summed / total
        spread = ((weighted * code).sum(-1) - mean * summed).clamp(min=_TINY)
        slope = (((weighted * groups).sum(-1) - mean * values) / spread).clamp(min=0)
        attempt(slope, ((values - slope * summed) / total).clamp(max=0))
    return codes.to(torch.uint8).flatten(1), scales.to(torch.uint8), minima.to(torch.uint8)


def _parts(weight: Tensor) -> list[Tensor]:
    outputs, inputs = weight.shape
    if inputs % GROUP:
        raise EngineError(f"a layer has {inputs} inputs; int8 and int4 need a multiple of {GROUP}; take bf16 or fp32")
    rows = max(1, _ROWS // inputs)
    return [checked(weight[at : at + rows].float()) for at in range(0, outputs, rows)]


def checked(weight: Tensor) -> Tensor:
    """The weight, if all of it is finite.

    Raises:
        EngineError: it is not.
    """
    # A sum is finite only where every term is, and costs one pass.
    if not torch.isfinite(weight.sum(dtype=torch.float64)):
        wrong = int((~torch.isfinite(weight)).sum())
        if wrong:
            raise EngineError(f"{wrong} of {weight.numel()} weights are not finite (NaN or infinite)")
    return weight
