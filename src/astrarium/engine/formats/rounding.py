"""Rounding of plain weights to int8 and int4, in groups of 32 inputs."""

from __future__ import annotations

import torch
from torch import Tensor

from astrarium.core.errors import EngineError
from astrarium.engine.formats.panels import BYTE, GROUP, HALF, Panels, by_panel, pack, padded

_ROWS = 1 << 20  # numbers that are rounded at a time, so that what is held between is small
_SHRINK = 12  # widths of the range that are tried for a group


def int8(weight: Tensor) -> Panels:
    """Round to nearest, symmetric, a scale for each output and 32 inputs.

    Args:
        weight: `[outputs, inputs]`.

    Raises:
        EngineError: a weight that is not finite, or inputs that are no multiple of 32.
    """
    scales, codes = [], []
    for part in _parts(weight):
        groups = part.view(len(part), -1, GROUP)
        scale = (groups.abs().amax(-1) / 127).half()
        # The stored scale rounds; codes are taken against what is stored.
        held = torch.where(scale == 0, 1, scale).float()
        code = (groups / held.unsqueeze(-1)).round_().clamp_(-127, 127) + 128
        scales.append(scale)
        codes.append(code.to(torch.uint8).view(len(part), -1))
    outputs, inputs = weight.shape
    return Panels(outputs, inputs, 8, HALF, 128, pack(torch.cat(codes), 8), by_panel(torch.cat(scales)))


def int4(weight: Tensor) -> Panels:
    """Round to int4 with a scale and a minimum a group, both in steps of a 255th of the row's largest.

    For each group the range is narrowed in steps, and the one with the least squared error is kept.

    Args:
        weight: `[outputs, inputs]`.

    Raises:
        EngineError: see `int8`.
    """
    found: list[list[Tensor]] = [[], [], [], [], []]
    for part in _parts(weight):
        groups = part.view(len(part), -1, GROUP)
        low, high = groups.amin(-1).clamp(max=0), groups.amax(-1).clamp(min=0)
        best = torch.full_like(low, torch.inf)
        kept = [torch.zeros_like(low), torch.zeros_like(low), torch.zeros_like(groups)]
        row_scale = ((high - low) / 15).amax(-1) / 255
        row_minimum = low.amin(-1) / 255
        for step in range(_SHRINK):
            share = 1 - 0.035 * step
            scale = _in_steps((high - low) * share / 15, row_scale)
            minimum = _in_steps(low * share, row_minimum)
            held = (scale * row_scale.unsqueeze(-1)).unsqueeze(-1)
            floor = (minimum * row_minimum.unsqueeze(-1)).unsqueeze(-1)
            code = ((groups - floor) / held.clamp(min=1e-30)).round_().clamp_(0, 15)
            error = (code * held + floor - groups).square_().sum(-1)
            better = error < best
            best = torch.where(better, error, best)
            for place, value in zip(kept, (scale, minimum, code), strict=True):
                place.copy_(torch.where(better if value.dim() == 2 else better.unsqueeze(-1), value, place))
        found[0].append(kept[2].to(torch.uint8).view(len(part), -1))
        found[1].append(kept[0].to(torch.uint8))
        found[2].append(kept[1].to(torch.uint8))
        found[3].append(row_scale)
        found[4].append(row_minimum)
    codes, scales, minima, row_scale, row_minimum = (torch.cat(tensors) for tensors in found)
    outputs, inputs = weight.shape
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


def _in_steps(values: Tensor, step: Tensor) -> Tensor:
    """Whole numbers 0..255 of a row's step."""
    return (values / torch.where(step == 0, 1, step).unsqueeze(-1)).round_().clamp_(0, 255)


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
