"""Memory for what a pass keeps until its gradients are taken, used again by the next pass.

Left to the C library, the heap grows to half as much again: between what is kept lie the holes of temporary tensors,
and no tensor of another size fits into them.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

_CHUNK = 64 << 20
_ALIGNED = 64
"""Bytes: a line of the cache, and the widest vector."""


class Lease:
    """What one pass has of an arena. Its graph holds it: while it lives, nobody else gets this memory."""

    def __init__(self, chunks: list[Tensor]) -> None:
        """Begin at the first chunk.

        Args:
            chunks: bytes; more are added as they are needed.
        """
        self._chunks = chunks
        self._chunk = self._at = 0

    def take(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """An uninitialised tensor of its own, contiguous."""
        count = 1
        for size in shape:
            count *= size
        needed = count * dtype.itemsize
        while self._chunk < len(self._chunks) and self._at + needed > len(self._chunks[self._chunk]):
            self._chunk, self._at = self._chunk + 1, 0
        if self._chunk == len(self._chunks):
            self._chunks.append(torch.empty(max(_CHUNK, needed), dtype=torch.uint8))
        storage = self._chunks[self._chunk].untyped_storage()
        strides, stride = [], 1
        for size in reversed(shape):
            strides.append(stride)
            stride *= max(1, size)
        # No view: each tensor counts its own changes, as autograd asks for.
        taken = torch.empty(0, dtype=dtype).set_(storage, self._at // dtype.itemsize, tuple(shape), strides[::-1])
        self._at += -(-needed // _ALIGNED) * _ALIGNED
        return taken


class Arena:
    """Chunks of memory that one pass after the other uses."""

    def __init__(self) -> None:
        """Nothing is allocated yet."""
        self._chunks: list[Tensor] = []
        self._last: weakref.ref[Lease] | None = None

    def lease(self) -> Lease:
        """All of it for a new pass; memory of its own for one that begins before an earlier one's graph is gone."""
        if self._last is not None and self._last() is not None:
            return Lease([])
        lease = Lease(self._chunks)
        self._last = weakref.ref(lease)
        return lease

    def clear(self) -> None:
        """Let go of everything; a graph that is still there keeps its own."""
        self._chunks, self._last = [], None


_lease: ContextVar[Lease | None] = ContextVar("lease", default=None)


@contextmanager
def keeping(lease: Lease | None) -> Iterator[None]:
    """Within, `kept` takes from this lease; from the heap where it is None."""
    token = _lease.set(lease)
    try:
        yield
    finally:
        _lease.reset(token)


def kept(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """An uninitialised tensor for what stays until the backward pass."""
    lease = _lease.get()
    return torch.empty(tuple(shape), dtype=dtype) if lease is None else lease.take(shape, dtype)
