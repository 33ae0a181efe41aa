"""Attention of one layer: rotary positions, the cache, and who sees what."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from astrarium.engine.cache import PAGE, Cache, pages_for
from astrarium.engine.native import current
from astrarium.engine.rotary import Rotary
from astrarium.engine.step import Step
from astrarium.engine.uninitialised import uninitialised

_STRETCH = 8  # queries that torch's attention takes at a time; it divides a page


@dataclass(frozen=True, slots=True)
class Split:
    """Where queries, keys and values lie in what the linears give, in numbers of a row."""

    heads: int
    kv_heads: int
    q_stride: int
    """From query head to query head."""
    kv_stride: int
    k_at: int
    v_at: int

    @classmethod
    def apart(cls, heads: int, kv_heads: int, width: int) -> Split:
        """All queries, then all keys, then all values."""
        return cls(heads, kv_heads, width, width, heads * width, (heads + kv_heads) * width)

    @classmethod
    def interleaved(cls, heads: int, width: int) -> Split:
        """Of each head its query, key and value."""
        return cls(heads, heads, 3 * width, 3 * width, width, 2 * width)

    def views(self, fused: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor]:
        """Views `[tokens, heads, width]`, and twice `[tokens, kv_heads, width]`."""
        tokens, row = fused.shape
        return (
            fused.as_strided((tokens, self.heads, width), (row, self.q_stride, 1)),
            fused.as_strided((tokens, self.kv_heads, width), (row, self.kv_stride, 1), self.k_at),
            fused.as_strided((tokens, self.kv_heads, width), (row, self.kv_stride, 1), self.v_at),
        )


class Attention:
    """Grouped-query attention over the cache. Source: Ainslie et al. 2023 (arXiv 2305.13245)."""

    def __init__(self, layer: int, split: Split, width: int, *, window: int = 0, rotary: Rotary | None = None) -> None:
        self.layer, self.split, self.width = layer, split, width
        self.heads, self.kv_heads = split.heads, split.kv_heads
        self.window, self.rotary = window, rotary
        self.scale = 1 / math.sqrt(width)
        self._native: Any = None
        self._cache: Cache | None = None

    def __call__(self, fused: Tensor, step: Step, cache: Cache) -> Tensor:
        """Keep the step's keys and values, and look back.

        Args:
            fused: what the linears gave, fp32 `[tokens, …]`, laid out as `split` says. May be overwritten.

        Returns:
            `[tokens, heads * width]`.
        """
        if (module := current()) is None or fused.device.type != "cpu":
            return self._plain(*self.split.views(fused, self.width), step, cache)
        if self._cache is not cache:
            self._native, self._cache = self._bind(module, cache), cache
        tokens, row = fused.shape
        out = uninitialised(tokens, self.heads * self.width)
        planned = step.native(self.heads, self.kv_heads, self.window)
        start, split = fused.data_ptr(), self.split
        q, k, v = start, start + 4 * split.k_at, start + 4 * split.v_at
        self._native.run(
            planned, q, row, split.q_stride, k, row, split.kv_stride, v, row, split.kv_stride, out.data_ptr()
        )
        return out

    def _bind(self, module: Any, cache: Cache) -> Any:
        tables = (0, 0, 0) if self.rotary is None else self.rotary.addresses()
        keys, values = cache.keys[self.layer], cache.values[self.layer]
        half = keys.dtype == torch.bfloat16
        shape = (self.heads, self.kv_heads, self.width, cache.shape.padded_width)
        return module.Attention(*shape, self.scale, self.window, half, keys.data_ptr(), values.data_ptr(), *tables)

    def _plain(self, q: Tensor, k: Tensor, v: Tensor, step: Step, cache: Cache) -> Tensor:
        if self.rotary is not None:
            places = step.positions
            q, k = self.rotary.turn(q, places), self.rotary.turn(k, places)
        out = q.new_empty(len(q), self.heads, self.width)
        row = 0
        for segment in step.segments:
            first, end = segment.position, segment.position + len(segment.ids)
            here = slice(row, row + end - first)
            cache.put(self.layer, segment.pages, first, k[here], v[here])
            # On the CPU in stretches that begin at the same positions whatever the step, for the same bits (`evenly`).
            size = _STRETCH if q.device.type == "cpu" else end - first
            start = first // size * size if size == _STRETCH else first
            for at in range(start, end, size):
                some = slice(max(first, at), min(end, at + size))
                rows = slice(row + some.start - first, row + some.stop - first)
                out[rows] = self._stretch(q[rows], some.start - at, at, size, segment.pages, cache)
            row += end - first
        return out.flatten(1)

    def _stretch(self, q: Tensor, slot: int, at: int, size: int, pages: list[int], cache: Cache) -> Tensor:
        """Queries `[some, heads, width]`, the first of them `slot` behind position `at`, as if there were `size`."""
        group, seen = self.heads // self.kv_heads, pages_for(at + size) * PAGE
        queries = q.new_zeros(size, self.heads, self.width)
        queries[slot : slot + len(q)] = q
        queries = queries.view(size, self.kv_heads, group, self.width).permute(1, 2, 0, 3)  # [kv_heads, group, size, …]
        keys, values = cache.read(self.layer, pages, seen)
        scores = (queries.flatten(1, 2) @ keys.transpose(1, 2) * self.scale).view(-1, group, size, keys.shape[1])
        columns = torch.arange(keys.shape[1], device=q.device)
        behind = torch.arange(at, at + size, device=q.device)[:, None] - columns
        hidden = behind < 0
        if self.window:
            hidden |= behind >= self.window
        weights = scores.masked_fill(hidden, -torch.inf).softmax(-1)
        found = (weights.flatten(1, 2) @ values).view(-1, group, size, self.width)
        return found.permute(2, 0, 1, 3).reshape(size, self.heads, self.width)[slot : slot + len(q)]
