"""The blocks of a GGUF file as panels: the same codes and scales in another order, nothing rounded.

Source: ggml's `ggml-quants.c`; the layouts are also in `sources/gguf/blocks.py`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from astrarium.engine.formats.panels import GROUP, HALF, PANEL, SUPER4, SUPER6, Panels, by_panel, pack
from astrarium.sources import Tensor as Stored

HELD = {"Q4_0": (32, 18), "Q4_1": (32, 20), "Q8_0": (32, 34), "Q4_K": (256, 144), "Q6_K": (256, 210)}
"""Blocks that the kernels take as they are: values and bytes of one."""


def held_as_is(stored: Stored) -> bool:
    """Whether a stored tensor is in blocks that the kernels take as they are."""
    return stored.kind in HELD and not stored.transposed and len(stored.shape) == 2


def panels_of(stored: Stored) -> Panels:
    """A tensor of blocks as panels."""
    outputs, inputs = stored.shape
    values, size = HELD[stored.kind]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given buffer is not writable")  # it is copied from, only
        blocks = torch.frombuffer(stored.data, dtype=torch.uint8).view(outputs, inputs // values, size)
    return _READERS[stored.kind](blocks, outputs, inputs)


def panel_bytes(kind: str, outputs: int, inputs: int) -> int:
    """Bytes that a tensor of such blocks takes as panels: more than in its file, where codes or scales are unpacked."""
    groups = -(-outputs // PANEL) * PANEL * (inputs // GROUP)
    return int(groups * _GROUP_BYTES[kind])


_GROUP_BYTES = {"Q4_0": 18.0, "Q4_1": 20.0, "Q8_0": 34.0, "Q4_K": 18.5, "Q6_K": 34.25}


def _half(blocks: Tensor, at: int) -> Tensor:
    """The fp16 number at a fixed place of every block: `[outputs, blocks]`."""
    return blocks[:, :, at : at + 2].contiguous().view(torch.float16).squeeze(-1)


def _nibbles(packed: Tensor) -> Tensor:
    """`[…, 16]` bytes → `[…, 32]` codes: the low halves, then the high ones."""
    return torch.cat([packed & 15, packed >> 4], dim=-1)


def _four(packed: Tensor, outputs: int, inputs: int) -> Tensor:
    """Blocks' bytes `[outputs, groups, 16]` as packed panels. Both keep inputs 0..15 low and 16..31 high."""
    missing = -outputs % 16
    if missing:
        packed = torch.cat([packed, packed.new_zeros(missing, *packed.shape[1:])])
    quads = packed.view(-1, 16, inputs // GROUP, 4, 4).permute(0, 2, 3, 1, 4)
    return quads.contiguous().flatten(2)


def _q4_0(blocks: Tensor, outputs: int, inputs: int) -> Panels:
    return Panels(outputs, inputs, 4, HALF, 8, _four(blocks[:, :, 2:], outputs, inputs), by_panel(_half(blocks, 0)))


def _q4_1(blocks: Tensor, outputs: int, inputs: int) -> Panels:
    scales, minima = by_panel(_half(blocks, 0)), by_panel(_half(blocks, 2))
    return Panels(outputs, inputs, 4, HALF, 0, _four(blocks[:, :, 4:], outputs, inputs), scales, minima)


def _q8_0(blocks: Tensor, outputs: int, inputs: int) -> Panels:
    codes = (blocks[:, :, 2:] ^ 128).reshape(outputs, inputs)
    return Panels(outputs, inputs, 8, HALF, 128, pack(codes, 8), by_panel(_half(blocks, 0)))


def _q4_k(blocks: Tensor, outputs: int, inputs: int) -> Panels:
    packed = blocks[:, :, 4:16]
    first, second, third = packed[:, :, 0:4], packed[:, :, 4:8], packed[:, :, 8:12]
    scales = torch.cat([first & 0x3F, (third & 0x0F) | ((first >> 2) & 0x30)], dim=-1).reshape(outputs, -1)
    minima = torch.cat([second & 0x3F, (third >> 4) | ((second >> 2) & 0x30)], dim=-1).reshape(outputs, -1)
    pairs = blocks[:, :, 16:].reshape(outputs, -1, 4, 32)
    codes = torch.stack([pairs & 15, pairs >> 4], dim=3).reshape(outputs, inputs)
    return Panels(
        outputs,
        inputs,
        4,
        SUPER4,
        0,
        pack(codes, 4),
        by_panel(scales),
        by_panel(minima),
        by_panel(_half(blocks, 0)),
        by_panel(-_half(blocks, 2)),
    )


def _q6_k(blocks: Tensor, outputs: int, inputs: int) -> Panels:
    low = blocks[:, :, :128].reshape(outputs, -1, 2, 64)
    high = blocks[:, :, 128:192].reshape(outputs, -1, 2, 32)
    four = torch.stack([low & 15, low >> 4], dim=3).reshape(outputs, -1, 2, 4, 32)
    two = torch.stack([(high >> shift) & 3 for shift in (0, 2, 4, 6)], dim=3)
    codes = (four | (two << 4)).reshape(outputs, inputs)
    scales = blocks[:, :, 192:208].contiguous().view(torch.int8).reshape(outputs, inputs // GROUP, 2)
    return Panels(
        outputs,
        inputs,
        8,
        SUPER6,
        32,
        pack(codes, 8),
        by_panel(scales),
        super_scales=by_panel(_half(blocks, 208)),
    )


_READERS: dict[str, Callable[[Tensor, int, int], Panels]] = {
    "Q4_0": _q4_0,
    "Q4_1": _q4_1,
    "Q8_0": _q8_0,
    "Q4_K": _q4_k,
    "Q6_K": _q6_k,
}
