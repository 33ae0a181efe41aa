"""Attention of one layer: rotary positions, the cache, and who sees what."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from astrarium.engine.cache import Cache
from astrarium.engine.native import current
from astrarium.engine.rotary import Rotary
from astrarium.engine.step import Step


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
        if (module := current()) is None:
            return self._plain(*self.split.views(fused, self.width), step, cache)
        if self._cache is not cache:
            self._native, self._cache = self._bind(module, cache), cache
        tokens, row = fused.shape
        out = torch.empty(tokens, self.heads * self.width)
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
            q, k = self.rotary.turn(q, step.positions), self.rotary.turn(k, step.positions)
        out = torch.empty(len(q), self.heads, self.width)
        row = 0
        for segment in step.segments:
            count = len(segment.ids)
            here = slice(row, row + count)
            cache.put(self.layer, segment.pages, segment.position, k[here], v[here])
            seen = segment.position + count
            keys, values = cache.read(self.layer, segment.pages, seen)
            group = self.heads // self.kv_heads
            keys, values = keys.repeat_interleave(group, 0), values.repeat_interleave(group, 0)
            scores = q[here].transpose(0, 1) @ keys.transpose(1, 2) * self.scale
            behind = torch.arange(segment.position, seen)[:, None] - torch.arange(seen)
            hidden = behind < 0
            if self.window:
                hidden |= behind >= self.window
            weights = scores.masked_fill(hidden, -torch.inf).softmax(-1)
            out[here] = (weights @ values).transpose(0, 1)
            row += count
        return out.flatten(1)
