"""An adapter's projections in one block of memory, in large pages where the system has them.

A step reads each of them once, so that what it costs is how fast memory is read; with small pages the processor looks
up an address every 4 KiB, which takes a fifth of that.
"""

from __future__ import annotations

import contextlib
import mmap
from dataclasses import replace

import torch
from torch import Tensor

from astrarium.engine.adapters.parts import Adapter, LowRank

_LARGE = 2 << 20
"""Bytes of a large page, and of an adapter that gets any."""
_ALIGNED = 64


def packed(adapter: Adapter) -> Adapter:
    """The adapter with its low-rank parts in one block; as it is where it is small, or not on the CPU."""
    parts = [part for parts in adapter.sites.values() for part in parts if isinstance(part, LowRank)]
    tensors = [tensor for part in parts for tensor in (part.down, part.up)]
    size = sum(_room(tensor) for tensor in tensors)
    if size < _LARGE or tensors[0].device.type != "cpu":
        return adapter
    block, used = _block(size), 0

    def kept(tensor: Tensor) -> Tensor:
        nonlocal used
        into = block[used : used + tensor.nbytes].view(tensor.dtype).view(tensor.shape)
        used += _room(tensor)
        return into.copy_(tensor)

    for path, own in adapter.sites.items():
        adapter.sites[path] = [
            replace(part, down=kept(part.down), up=kept(part.up)) if isinstance(part, LowRank) else part for part in own
        ]
    return adapter


def _room(tensor: Tensor) -> int:
    return tensor.nbytes + -tensor.nbytes % _ALIGNED


def _block(size: int) -> Tensor:
    """uint8 `[size]`, beginning at a large page."""
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return torch.empty(size, dtype=torch.uint8)
    memory = mmap.mmap(-1, size + _LARGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):  # a kernel without them
        memory.madvise(mmap.MADV_HUGEPAGE)
    whole = torch.frombuffer(memory, dtype=torch.uint8)
    return whole[-whole.data_ptr() % _LARGE :][:size]
