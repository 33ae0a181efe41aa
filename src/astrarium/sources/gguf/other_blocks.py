"""Values of the quantised blocks that no kernel takes as they are: they are dequantised when a base is read.

Source: ggml's `ggml-quants.c`, `dequantize_row_*`; the results equal the `gguf` package's bit for bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Bytes = NDArray[np.uint8]
_Floats = NDArray[np.float32]

_CURVE = np.array(
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], dtype=np.float32
)  # what the nibbles of the IQ4 blocks stand for


def q5_0(blocks: _Bytes) -> _Floats:
    """32 values `[n, 22]`: a factor, fifth bits, nibbles."""
    values = (_fives(blocks[:, 2:6], blocks[:, 6:]).view(np.int8) - np.int8(16)).astype(np.float32)
    values *= half(blocks, 0)
    return values


def q5_1(blocks: _Bytes) -> _Floats:
    """32 values `[n, 24]`: a factor, a minimum, fifth bits, nibbles."""
    values = _fives(blocks[:, 4:8], blocks[:, 8:]).astype(np.float32)
    values *= half(blocks, 0)
    values += half(blocks, 2)
    return values


def q2_k(blocks: _Bytes) -> _Floats:
    """256 values `[n, 84]`: 16 groups, each with a scale and a minimum of four bits, then two bits a value."""
    packed = blocks[:, :16]
    scale = (half(blocks, 80) * (packed & 0x0F).astype(np.float32))[:, :, None]
    minimum = (half(blocks, 82) * (packed >> 4).astype(np.float32))[:, :, None]
    values = _twos(blocks[:, 16:80]).reshape(-1, 16, 16).astype(np.float32)
    values *= scale
    values -= minimum
    return values.reshape(-1, 256)


def q3_k(blocks: _Bytes) -> _Floats:
    """256 values `[n, 110]`: 16 groups with scales of six bits; two bits a value, and a third one that takes four off.

    Bytes 96 to 103 hold the lower four bits of the scales of groups 0 to 7, and above them those of groups 8 to 15;
    bytes 104 to 107 the upper two, of every fourth group together.
    """
    low, high = blocks[:, 96:104], blocks[:, 104:108]
    four = np.concatenate([low & 0x0F, low >> 4], axis=1)
    two = np.concatenate([(high >> shift) & 3 for shift in (0, 2, 4, 6)], axis=1)
    scales = ((four | (two << 4)).view(np.int8) - np.int8(32)).astype(np.float32)
    thirds = np.stack([(blocks[:, :32] >> bit) & 1 for bit in range(8)], axis=1).reshape(-1, 256)
    codes = _twos(blocks[:, 32:96]).view(np.int8) - ((thirds ^ 1) << 2).view(np.int8)
    values = codes.reshape(-1, 16, 16).astype(np.float32)
    values *= (half(blocks, 108) * scales)[:, :, None]
    return values.reshape(-1, 256)


def q5_k(blocks: _Bytes) -> _Floats:
    """256 values `[n, 176]`: 8 groups with scales and minima as in `Q4_K`, fifth bits, nibbles."""
    scale, minimum = six_bits(blocks)
    pairs = blocks[:, 48:].reshape(-1, 4, 32)
    codes = np.stack([pairs & 0x0F, pairs >> 4], axis=2).reshape(-1, 8, 32)
    codes |= np.stack([(blocks[:, 16:48] >> bit) & 1 for bit in range(8)], axis=1) << 4
    values = codes.astype(np.float32)
    values *= scale
    values -= minimum
    return values.reshape(-1, 256)


def iq4_nl(blocks: _Bytes) -> _Floats:
    """32 values `[n, 18]`: a factor, nibbles that stand for the numbers of a curve."""
    packed = blocks[:, 2:]
    values: _Floats = _CURVE[np.concatenate([packed & 0x0F, packed >> 4], axis=1)]
    values *= half(blocks, 0)
    return values


def iq4_xs(blocks: _Bytes) -> _Floats:
    """256 values `[n, 136]`: a factor, 8 scales of six bits (upper two, then lower four), nibbles as in `iq4_nl`."""
    upper = blocks[:, 2:4].copy().view("<u2")
    low = np.stack([blocks[:, 4:8] & 0x0F, blocks[:, 4:8] >> 4], axis=2).reshape(-1, 8)
    two = np.concatenate([(upper >> (2 * group)) & 3 for group in range(8)], axis=1).astype(np.uint8)
    scales = ((low | (two << 4)).view(np.int8) - np.int8(32)).astype(np.float32)
    packed = blocks[:, 8:].reshape(-1, 8, 16)
    values = _CURVE[np.concatenate([packed & 0x0F, packed >> 4], axis=2)]
    values *= (half(blocks, 0) * scales)[:, :, None]
    whole: _Floats = values.reshape(-1, 256)
    return whole


def half(blocks: _Bytes, at: int) -> _Floats:
    """The fp16 number `[n, 1]` at a byte of every block."""
    return blocks[:, at : at + 2].copy().view("<f2").astype(np.float32)


def six_bits(blocks: _Bytes) -> tuple[_Floats, _Floats]:
    """Scales and minima `[n, 8, 1]` of the 8 groups of a block: two factors, then six bits each in bytes 4 to 15.

    Those of groups 0 to 3 are the lower six bits of bytes 4 to 7 and 8 to 11; those of groups 4 to 7 have four bits in
    bytes 12 to 15 and two in the upper bits of the others.
    """
    packed = blocks[:, 4:16]
    first, second, third = packed[:, 0:4], packed[:, 4:8], packed[:, 8:12]
    scales = np.concatenate([first & 0x3F, (third & 0x0F) | ((first >> 2) & 0x30)], axis=1)
    minima = np.concatenate([second & 0x3F, (third >> 4) | ((second >> 2) & 0x30)], axis=1)
    scale: _Floats = (half(blocks, 0) * scales.astype(np.float32))[:, :, None]
    minimum: _Floats = (half(blocks, 2) * minima.astype(np.float32))[:, :, None]
    return scale, minimum


def _fives(bits: _Bytes, packed: _Bytes) -> _Bytes:
    """Codes of five bits `[n, 32]`: one bit each in four bytes, nibbles in sixteen."""
    fifth = np.unpackbits(np.ascontiguousarray(bits), axis=1, bitorder="little")
    codes: _Bytes = np.concatenate([packed & 0x0F, packed >> 4], axis=1) | (fifth << 4)
    return codes


def _twos(packed: _Bytes) -> _Bytes:
    """Codes of two bits `[n, 256]` from 64 bytes: of each half first the lowest two bits of 32 bytes, then the next."""
    halves = packed.reshape(-1, 2, 32)
    return np.stack([(halves >> shift) & 3 for shift in (0, 2, 4, 6)], axis=2).reshape(-1, 256)
