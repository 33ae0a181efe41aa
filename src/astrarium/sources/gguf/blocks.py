"""The quantised blocks of GGUF files, and their values.

Source: ggml's `ggml-quants.c`, `dequantize_row_*`; the results equal the `gguf` package's bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrarium.sources.gguf import other_blocks
from astrarium.sources.gguf.other_blocks import half, six_bits

_Bytes = NDArray[np.uint8]
_Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BlockType:
    """A way of storing a fixed number of values in a fixed number of bytes."""

    values: int
    """Values a block."""
    size: int
    """Bytes a block."""
    decode: Callable[[_Bytes], _Floats]
    """Blocks `[n, size]` → values `[n, values]`."""

    def dequantise(self, raw: _Bytes) -> _Floats:
        """The values of a run of blocks, as one flat fp32 array."""
        with np.errstate(over="ignore", invalid="ignore"):  # an infinite scale is the file's affair
            return self.decode(raw.reshape(-1, self.size)).reshape(-1)


def _nibbles(packed: _Bytes) -> _Bytes:
    """The low halves of 16 bytes, then the high ones: `[n, 16]` → `[n, 32]`."""
    halves = np.empty((len(packed), 32), dtype=np.uint8)
    np.bitwise_and(packed, 0x0F, out=halves[:, :16])
    np.right_shift(packed, 4, out=halves[:, 16:])
    return halves


def _q4_0(blocks: _Bytes) -> _Floats:
    values = (_nibbles(blocks[:, 2:]).view(np.int8) - np.int8(8)).astype(np.float32)
    values *= half(blocks, 0)
    return values


def _q4_1(blocks: _Bytes) -> _Floats:
    values = _nibbles(blocks[:, 4:]).astype(np.float32)
    values *= half(blocks, 0)
    values += half(blocks, 2)
    return values


def _q8_0(blocks: _Bytes) -> _Floats:
    return np.multiply(blocks[:, 2:].view(np.int8), half(blocks, 0), dtype=np.float32)


def _q4_k(blocks: _Bytes) -> _Floats:
    """256 values: 8 groups of 32, each with a 6-bit scale and a 6-bit minimum."""
    scale, minimum = six_bits(blocks)
    pairs = blocks[:, 16:].reshape(-1, 4, 32)
    values = np.stack([pairs & 0x0F, pairs >> 4], axis=2).reshape(-1, 8, 32).astype(np.float32)
    values *= scale  # in place: a second array of fp32 would be as large as the tensor
    values -= minimum
    return values.reshape(-1, 256)


def _q6_k(blocks: _Bytes) -> _Floats:
    """256 values of six bits, four in `ql` and two in `qh`; 16 groups of 16, each with an int8 scale."""
    low = blocks[:, :128].reshape(-1, 2, 64)
    high = blocks[:, 128:192].reshape(-1, 2, 32)
    scales = blocks[:, 192:208].view(np.int8).astype(np.float32)
    four = np.stack([low & 0x0F, low >> 4], axis=2).reshape(-1, 2, 4, 32)
    two = np.stack([(high >> shift) & 0x03 for shift in (0, 2, 4, 6)], axis=2)
    values = ((four | (two << 4)).astype(np.int8) - np.int8(32)).reshape(-1, 16, 16).astype(np.float32)
    values *= (half(blocks, 208) * scales)[:, :, None]
    result: _Floats = values.reshape(-1, 256)
    return result


BLOCKS: Mapping[str, BlockType] = {
    "Q4_0": BlockType(32, 18, _q4_0),
    "Q4_1": BlockType(32, 20, _q4_1),
    "Q8_0": BlockType(32, 34, _q8_0),
    "Q4_K": BlockType(256, 144, _q4_k),
    "Q6_K": BlockType(256, 210, _q6_k),
    "Q5_0": BlockType(32, 22, other_blocks.q5_0),
    "Q5_1": BlockType(32, 24, other_blocks.q5_1),
    "Q2_K": BlockType(256, 84, other_blocks.q2_k),
    "Q3_K": BlockType(256, 110, other_blocks.q3_k),
    "Q5_K": BlockType(256, 176, other_blocks.q5_k),
    "IQ4_NL": BlockType(32, 18, other_blocks.iq4_nl),
    "IQ4_XS": BlockType(256, 136, other_blocks.iq4_xs),
}
