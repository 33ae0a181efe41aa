"""One tensor of a file: what it is called, how it is laid out, and a view of its bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrarium.core.errors import SourceError
from astrarium.sources.gguf.blocks import BLOCKS

PLAIN_BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2,
    "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip
"""Bytes a value, of the dtypes a safetensors file may hold."""
_NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}  # whole numbers are codes of some quantisation, not values


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor in a mapped file. Its bytes are read when they are touched."""

    name: str
    """The parameter's name in transformers' model."""
    shape: tuple[int, ...]
    """The parameter's shape in transformers' model."""
    kind: str
    """A dtype (`F32`, `BF16`, …) or the type of a GGUF file's blocks (`Q4_1`, …)."""
    data: memoryview
    """The bytes, read-only."""
    transposed: bool = False
    """Whether the bytes are laid out with the last two dimensions of `shape` exchanged."""

    def values(self) -> NDArray[np.float32]:
        """The values as fp32, dequantised where they are blocks.

        Raises:
            SourceError: a kind that has no values in fp32.
        """
        stored = (*self.shape[:-2], self.shape[-1], self.shape[-2]) if self.transposed else self.shape
        flat = _as_float32(self)
        values = flat.reshape(stored)
        return np.ascontiguousarray(np.swapaxes(values, -1, -2)) if self.transposed else values


def _as_float32(tensor: Tensor) -> NDArray[np.float32]:
    raw = np.frombuffer(tensor.data, dtype=np.uint8)
    if tensor.kind in BLOCKS:
        return BLOCKS[tensor.kind].dequantise(raw)
    if tensor.kind == "BF16":
        # bf16 is the upper half of an fp32.
        return (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
    if tensor.kind in _NUMPY:
        return raw.view(_NUMPY[tensor.kind]).astype(np.float32)
    raise SourceError(f"tensor {tensor.name} is {tensor.kind}; expected a float or one of {', '.join(BLOCKS)}")
