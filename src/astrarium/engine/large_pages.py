"""Weights in large pages where the system has them.

A step reads each weight once, so that what it costs is how fast memory is read; with small pages the processor looks up
an address every 4 KiB, which takes up to a fifth of that.
"""

from __future__ import annotations

import contextlib
import mmap

import torch
from torch import Tensor

from astrarium.core.pages import LARGE
from astrarium.engine.formats.layers import HeldLinear, QuantisedLinear

_ALIGNED = 64
_CHUNK = 16 * LARGE


class LargePages:
    """Memory that tensors are copied into, one after another. It is let go when the last of a chunk's tensors is."""

    def __init__(self, chunk: int = _CHUNK) -> None:
        """Take nothing yet.

        Args:
            chunk: bytes that are taken from the system at a time; a larger tensor has its own.
        """
        self._chunk, self._used = chunk, 0
        self._block: Tensor | None = None

    def kept(self, tensor: Tensor) -> Tensor:
        """The tensor there; as it is where it is not on the CPU."""
        if tensor.device.type != "cpu":
            return tensor
        size = tensor.nbytes
        if self._block is None or self._used + size > len(self._block):
            self._block, self._used = _block(max(size, self._chunk)), 0
        into = self._block[self._used : self._used + size].view(tensor.dtype).view(tensor.shape)
        self._used += room(tensor)
        return into.copy_(tensor)

    def keep(self, _path: str, layer: HeldLinear) -> HeldLinear:
        """A quantised layer there; any other as it is, since it may be mapped from its file."""
        if not isinstance(layer, QuantisedLinear):
            return layer
        return QuantisedLinear(layer.panels.through(self.kept), layer.bias)


def room(tensor: Tensor) -> int:
    """Bytes that a tensor takes of a block."""
    return tensor.nbytes + -tensor.nbytes % _ALIGNED


def _block(size: int) -> Tensor:
    """uint8 `[size]`, beginning at a large page."""
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return torch.empty(size, dtype=torch.uint8)
    memory = mmap.mmap(-1, size + LARGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):  # a kernel without them
        memory.madvise(mmap.MADV_HUGEPAGE)
    whole = torch.frombuffer(memory, dtype=torch.uint8)
    return whole[-whole.data_ptr() % LARGE :][:size]
